// matmul|b0|brief 4x4x8x8|k x P.af P.ak|free y P.bf P.bk x4|matrix|x4|f32@0,f32x4@1,f32x4@2|rrw
struct Params {
  rows: u32,
  columns: u32,
  k: u32,
  batches: u32,
  piece: u32,
  groups: u32,
  down: u32,
  across: u32,
  x_offset: u32,
  y_offset: u32,
  af: u32,
  ak: u32,
  bf: u32,
  bk: u32,
  o_offset: u32,
  om: u32,
  on: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> b2: array<vec4<u32>>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn quad_y(i: u32) -> vec4<f32> {
  let w = b1[(i + P.y_offset) >> 2u];
  return bitcast<vec4<f32>>(w);
}
fn quad_o(i: u32) -> vec4<f32> {
  let w = b2[(i + P.o_offset) >> 2u];
  return bitcast<vec4<f32>>(w);
}
fn put_quad_o(i: u32, v: vec4<f32>) { b2[(i + P.o_offset) >> 2u] = bitcast<vec4<u32>>(v); }

struct Fix_a {
  at: u32,
  left: u32,
}
fn fix_a(p: u32, f: u32, end: u32) -> Fix_a {
  return Fix_a(p + f * P.af, end - min(f, end));
}
fn load_a(fix: Fix_a, i: u32, k: u32, k_end: u32) -> vec4<f32> {
  var v = vec4<f32>();
  if (i >= fix.left) { return v; }
  let at = fix.at + i * P.af + k * P.ak;
  if (k < k_end) { v.x = get_x(at); }
  if (k + 1u < k_end) { v.y = get_x(at + 1u * P.ak); }
  if (k + 2u < k_end) { v.z = get_x(at + 2u * P.ak); }
  if (k + 3u < k_end) { v.w = get_x(at + 3u * P.ak); }
  return v;
}
struct Fix_b {
  at: u32,
  left: u32,
}
fn fix_b(p: u32, f: u32, end: u32) -> Fix_b {
  return Fix_b(p + f * P.bf, end - min(f, end));
}
fn load_b(fix: Fix_b, k: u32, k_end: u32) -> vec4<f32> {
  if (fix.left == 0u || k >= k_end) { return vec4<f32>(); }
  return quad_y(fix.at + k * P.bk);
}

fn store_o(po: u32, m: u32, n: u32, value: vec4<f32>, part: u32) {
  if (m >= P.rows || n >= P.columns) { return; }
  var v = value;
  put_quad_o(po + m * P.om + n, v);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  if (group >= P.groups) { return; }
  let tiles = P.down * P.across;
  let number = group / tiles;
  let tile = group % tiles;
  let row0 = (tile / P.across * 8u + lane / 8u) * 4u;
  let column0 = (tile % P.across * 8u + lane % 8u) * 4u;
  if (row0 >= P.rows || column0 >= P.columns) { return; }
  let batch = number % P.batches;
  let part = number / P.batches;
  let k_start = part * P.piece;
  let k_end = min(P.k, k_start + P.piece);
  let pa = 0u;
  let pb = 0u;
  let po = 0u;
  let fix_a_0 = fix_a(pa, row0, P.rows);
  let fix_b_0 = fix_b(pb, column0, P.columns);
  var x: array<vec4<f32>, 4>;
  var w: array<vec4<f32>, 4>;
  var c_0_0 = vec4<f32>();
  var c_1_0 = vec4<f32>();
  var c_2_0 = vec4<f32>();
  var c_3_0 = vec4<f32>();
  for (var k = k_start; k < k_end; k += 4u) {
    for (var i = 0u; i < 4u; i++) { x[i] = load_a(fix_a_0, i, k, k_end); }
    for (var i = 0u; i < 4u; i++) { w[i] = load_b(fix_b_0, k + i, k_end); }
    {
      let b_0 = w[0];
      c_0_0 += x[0].x * b_0;
      c_1_0 += x[1].x * b_0;
      c_2_0 += x[2].x * b_0;
      c_3_0 += x[3].x * b_0;
    }
    {
      let b_0 = w[1];
      c_0_0 += x[0].y * b_0;
      c_1_0 += x[1].y * b_0;
      c_2_0 += x[2].y * b_0;
      c_3_0 += x[3].y * b_0;
    }
    {
      let b_0 = w[2];
      c_0_0 += x[0].z * b_0;
      c_1_0 += x[1].z * b_0;
      c_2_0 += x[2].z * b_0;
      c_3_0 += x[3].z * b_0;
    }
    {
      let b_0 = w[3];
      c_0_0 += x[0].w * b_0;
      c_1_0 += x[1].w * b_0;
      c_2_0 += x[2].w * b_0;
      c_3_0 += x[3].w * b_0;
    }
  }
  var sums = array<vec4<f32>, 4>(c_0_0, c_1_0, c_2_0, c_3_0);
  for (var i = 0u; i < 4u; i++) {
    store_o(po, row0 + i / 1u, column0 + i % 1u * 4u, sums[i], part);
  }
}

