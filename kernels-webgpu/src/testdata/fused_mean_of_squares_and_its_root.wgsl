// sub, mul, sum, div, sqrt|w1|1|1|all|sum|float32 float32 sub:(0,1)float32 mul:(2,2)float32|fold:float32 =float32 div:(0,1)float32 sqrt:(2)float32|3x1,2x1|1|f32@0,f32@1,f32@2,f32@3|rrww
struct Params {
  n: u32,
  length: u32,
  pieces: u32,
  piece: u32,
  x_v0_offset: u32,
  x_v1_offset: u32,
  o0_offset: u32,
  o1_offset: u32,
  k_x_v00: u32,
  k_x_v10: u32,
  f_x_v00: u32,
  f_x_v10: u32,
  x_zero: u32,
  e_o00: u32,
  e_o10: u32,
  y_zero: u32,
  y_c1: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
@group(0) @binding(4) var<storage, read_write> b3: array<u32>;
fn get_x_v0(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_v0_offset]); }
fn get_x_v1(i: u32) -> f32 { return bitcast<f32>(b1[i + P.x_v1_offset]); }
fn get_o0(i: u32) -> f32 { return bitcast<f32>(b2[i + P.o0_offset]); }
fn put_o0(i: u32, v: f32) { b2[i + P.o0_offset] = bitcast<u32>(v); }
fn get_o1(i: u32) -> f32 { return bitcast<f32>(b3[i + P.o1_offset]); }
fn put_o1(i: u32, v: f32) { b3[i + P.o1_offset] = bitcast<u32>(v); }

var<workgroup> shared_value: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let column = lane % 1u;
  let row = lane / 1u;
  let i = group * 1u + column;
  let o = min(i % P.n, P.n - 1u);
  let piece = i / P.n;
  let k_c0 = o;
  let p_x_v0 = k_c0 * P.k_x_v00;
  let p_x_v1 = k_c0 * P.k_x_v10;
  var total = 0.0;
  let last = min(P.length, (piece + 1u) * P.piece);
  if (i < P.n * P.pieces) {
    for (var r = piece * P.piece + row; r < last; r += 256u) {
      let f_c0 = r;
      let q_x_v0 = f_c0 * P.f_x_v00;
      let q_x_v1 = f_c0 * P.f_x_v10;
      let x_v0 = get_x_v0(p_x_v0 + q_x_v0);
      let x_v1 = get_x_v1(p_x_v1 + q_x_v1);
      let x_v2 = bitcast<f32>(bitcast<u32>(x_v0 - x_v1) | P.x_zero);
      let x_v3 = bitcast<f32>(bitcast<u32>(x_v2 * x_v2) | P.x_zero);
      let x = x_v3;
      let value = x;
      total = total + value;
    }
  }
  shared_value[lane] = total;
  for (var step = 128u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (row < step) {
      let other = lane + step * 1u;
      shared_value[lane] = shared_value[lane] + shared_value[other];
    }
  }
  if (row == 0u && i < P.n * P.pieces) {
    total = shared_value[lane];
    let e_c0 = o;
    let p_o0 = e_c0 * P.e_o00;
    let p_o1 = e_c0 * P.e_o10;
    let y_v0 = bitcast<f32>(bitcast<u32>(total) | P.y_zero);
    let y_v1 = bitcast<f32>(P.y_c1);
    let y_v2 = bitcast<f32>(bitcast<u32>(m_div(y_v0, y_v1)) | P.y_zero);
    let y_v3 = m_sqrt(y_v2);
    put_o0(p_o0, y_v3);
    put_o1(p_o1, y_v2);
  }
}

fn m_nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }

fn m_isnan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

fn m_isinf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }

fn m_abs(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }

fn m_sqrt(x: f32) -> f32 {
  if (m_isnan(x) || x == 0.0 || (x > 0.0 && m_isinf(x))) { return x; }
  if (x < 0.0) { return m_nan(); }
  let y = sqrt(x);
  return y;
}

fn m_div(x: f32, y: f32) -> f32 {
  if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
  let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
  let ax = m_abs(x);
  let ay = m_abs(y);
  if (m_isinf(ax)) {
    if (m_isinf(ay)) { return m_nan(); }
    return bitcast<f32>(0x7f800000u | sign);
  }
  if (m_isinf(ay)) { return bitcast<f32>(sign); }
  if (ay == 0.0) {
    if (ax == 0.0) { return m_nan(); }
    return bitcast<f32>(0x7f800000u | sign);
  }
  return x / y;
}
