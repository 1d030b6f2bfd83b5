// gt||rank2|f32@0,f32@1,u8@2|rra
struct Params {
  n: u32,
  x_offset: u32,
  y_offset: u32,
  o_offset: u32,
  size1: u32,
  x0: u32,
  x1: u32,
  y0: u32,
  y1: u32,
  o0: u32,
  o1: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<atomic<u32>>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn get_y(i: u32) -> f32 { return bitcast<f32>(b1[i + P.y_offset]); }
fn get_o(i: u32) -> i32 {
  let j = i + P.o_offset;
  return bitcast<i32>((atomicLoad(&b2[j >> 2u]) >> ((j & 3u) * 8u)) & 0xffu);
}
fn put_o(i: u32, v: i32) {
  let j = i + P.o_offset;
  let at = (j & 3u) * 8u;
  atomicAnd(&b2[j >> 2u], ~(0xffu << at));
  atomicOr(&b2[j >> 2u], (bitcast<u32>(v) & 0xffu) << at);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let i = group * 256u + lane;
  if (i >= P.n) { return; }
  let c1 = i % P.size1;
  let r1 = i / P.size1;
  let c0 = r1;
  let p_x = c0 * P.x0 + c1 * P.x1;
  let p_y = c0 * P.y0 + c1 * P.y1;
  let p_o = c0 * P.o0 + c1 * P.o1;
  let x = get_x(p_x);
  let y = get_y(p_y);
  let o = select(0, 1, m_lt(y, x));
  put_o(p_o, o);
}

fn m_isnan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

fn m_lt(x: f32, y: f32) -> bool { return x < y && !m_isnan(x) && !m_isnan(y); }
