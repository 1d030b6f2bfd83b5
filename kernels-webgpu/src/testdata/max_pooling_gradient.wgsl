// maxPoolBackward|2d|f32@0,i32@1,f32@2|rrw
struct Params {
  n: u32,
  channels: u32,
  in0: u32,
  in1: u32,
  out0: u32,
  out1: u32,
  taps0: u32,
  taps1: u32,
  step0: u32,
  step1: u32,
  pad0: u32,
  pad1: u32,
  dil0: u32,
  dil1: u32,
  g_offset: u32,
  g0: u32,
  g1: u32,
  g2: u32,
  g3: u32,
  p_offset: u32,
  p0: u32,
  p1: u32,
  p2: u32,
  p3: u32,
  o_offset: u32,
  o0: u32,
  o1: u32,
  o2: u32,
  o3: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
fn get_g(i: u32) -> f32 { return bitcast<f32>(b0[i + P.g_offset]); }
fn get_p(i: u32) -> i32 { return bitcast<i32>(b1[i + P.p_offset]); }
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
  let y1 = i % P.in1;
  let yr1 = i / P.in1;
  let y0 = yr1 % P.in0;
  let yr0 = yr1 / P.in0;
  let channel = yr0 % P.channels;
  let image = yr0 / P.channels;
  let e0 = y0 + P.pad0;
  let before0 = (P.taps0 - 1u) * P.dil0;
  let first0 = (max(e0, before0) - before0 + P.step0 - 1u) / P.step0;
  let end0 = min(e0 / P.step0 + 1u, P.out0);
  let e1 = y1 + P.pad1;
  let before1 = (P.taps1 - 1u) * P.dil1;
  let first1 = (max(e1, before1) - before1 + P.step1 - 1u) / P.step1;
  let end1 = min(e1 / P.step1 + 1u, P.out1);
  let at = bitcast<i32>((y0) * P.in1 + y1);
  var total = 0.0;
  for (var o0 = first0; o0 < end0; o0++) {
    for (var o1 = first1; o1 < end1; o1++) {
      if (get_p(image * P.p0 + channel * P.p1 + o0 * P.p2 + o1 * P.p3) == at) { total += get_g(image * P.g0 + channel * P.g1 + o0 * P.g2 + o1 * P.g3); }
    }
  }
  put_o(image * P.o0 + channel * P.o1 + y0 * P.o2 + y1 * P.o3, total);
}

