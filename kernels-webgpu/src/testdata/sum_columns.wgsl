// sum|w32|1|1|all|f32@0,f32@1|rw
struct Params {
  n: u32,
  length: u32,
  pieces: u32,
  piece: u32,
  x_offset: u32,
  o_offset: u32,
  k_x0: u32,
  k_o0: u32,
  f_x0: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read_write> b1: array<u32>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn get_o(i: u32) -> f32 { return bitcast<f32>(b1[i + P.o_offset]); }
fn put_o(i: u32, v: f32) { b1[i + P.o_offset] = bitcast<u32>(v); }

var<workgroup> shared_value: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let column = lane % 32u;
  let row = lane / 32u;
  let i = group * 32u + column;
  let o = min(i % P.n, P.n - 1u);
  let piece = i / P.n;
  let k_c0 = o;
  let p_x = k_c0 * P.k_x0;
  let p_o = k_c0 * P.k_o0;
  var total = 0.0;
  let last = min(P.length, (piece + 1u) * P.piece);
  if (i < P.n * P.pieces) {
    for (var r = piece * P.piece + row; r < last; r += 8u) {
      let f_c0 = r;
      let q_x = f_c0 * P.f_x0;
      let x = get_x(p_x + q_x);
      let value = x;
      total = total + value;
    }
  }
  shared_value[lane] = total;
  for (var step = 4u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (row < step) {
      let other = lane + step * 32u;
      shared_value[lane] = shared_value[lane] + shared_value[other];
    }
  }
  if (row == 0u && i < P.n * P.pieces) {
    total = shared_value[lane];
    put_o(p_o, total);
  }
}

