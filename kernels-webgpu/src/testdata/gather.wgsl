// gather||rank2|bits32@0,bits32@1,bits32@2|rrwa
struct Params {
  n: u32,
  x_offset: u32,
  index_offset: u32,
  o_offset: u32,
  size1: u32,
  x0: u32,
  x1: u32,
  index0: u32,
  index1: u32,
  o0: u32,
  o1: u32,
  size: u32,
  step: u32,
  report: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
@group(0) @binding(4) var<storage, read_write> b3: array<atomic<u32>>;
fn get_x(i: u32) -> u32 { return b0[i + P.x_offset]; }
fn get_index(i: u32) -> u32 { return b1[i + P.index_offset]; }
fn get_o(i: u32) -> u32 { return b2[i + P.o_offset]; }
fn put_o(i: u32, v: u32) { b2[i + P.o_offset] = v; }
fn report(value: i32) {
  if (atomicCompareExchangeWeak(&b3[0], 0u, P.report).exchanged) {
    atomicStore(&b3[1], bitcast<u32>(value));
  }
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
  let p_index = c0 * P.index0 + c1 * P.index1;
  let p_o = c0 * P.o0 + c1 * P.o1;
  let x = get_x(p_x);
  let index = get_index(p_index);
  var at = index;
  if (at >= P.size) {
    report(bitcast<i32>(at));
    at = 0u;
  }
  let o = get_x(p_x + at * P.step);
  put_o(p_o, o);
}

