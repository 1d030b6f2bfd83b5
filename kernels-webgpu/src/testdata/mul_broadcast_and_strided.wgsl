// mul||rank2|f32@0,f32@1,f32@2|rrw
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
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn get_y(i: u32) -> f32 { return bitcast<f32>(b1[i + P.y_offset]); }
fn get_o(i: u32) -> f32 { return bitcast<f32>(b2[i + P.o_offset]); }
fn put_o(i: u32, v: f32) { b2[i + P.o_offset] = bitcast<u32>(v); }

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
  let o = x * y;
  put_o(p_o, o);
}

