// copy||rank2|bits8@0,bits8@1|ra
struct Params {
  n: u32,
  x_offset: u32,
  o_offset: u32,
  size1: u32,
  x0: u32,
  x1: u32,
  o0: u32,
  o1: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read_write> b1: array<atomic<u32>>;
fn get_x(i: u32) -> u32 {
  let j = i + P.x_offset;
  return (b0[j >> 2u] >> ((j & 3u) * 8u)) & 0xffu;
}
fn get_o(i: u32) -> u32 {
  let j = i + P.o_offset;
  return (atomicLoad(&b1[j >> 2u]) >> ((j & 3u) * 8u)) & 0xffu;
}
fn put_o(i: u32, v: u32) {
  let j = i + P.o_offset;
  let at = (j & 3u) * 8u;
  atomicAnd(&b1[j >> 2u], ~(0xffu << at));
  atomicOr(&b1[j >> 2u], v << at);
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
  let p_o = c0 * P.o0 + c1 * P.o1;
  let x = get_x(p_x);
  let o = x;
  put_o(p_o, o);
}

