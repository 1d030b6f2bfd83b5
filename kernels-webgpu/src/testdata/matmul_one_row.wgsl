// matmul|b0|spread 1x4x64|k x P.af P.ak x4|free y P.bf P.bk x4|matrix|x4|f32x4@0,f32x4@1,f32x4@2|rrw
struct Params {
  rows: u32,
  columns: u32,
  k: u32,
  batches: u32,
  piece: u32,
  groups: u32,
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
@group(0) @binding(1) var<storage, read> b0: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> b1: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> b2: array<vec4<u32>>;
fn quad_x(i: u32) -> vec4<f32> {
  let w = b0[(i + P.x_offset) >> 2u];
  return bitcast<vec4<f32>>(w);
}
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
  if (i >= fix.left || k >= k_end) { return vec4<f32>(); }
  return quad_x(fix.at + i * P.af + k);
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

var<workgroup> shared_sums: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  if (group >= P.groups) { return; }
  let number = group / P.across;
  let batch = number % P.batches;
  let part = number / P.batches;
  let k_start = part * P.piece;
  let k_end = min(P.k, k_start + P.piece);
  let pa = 0u;
  let pb = 0u;
  let po = 0u;
  let four = lane % 64u;
  let walker = lane / 64u;
  let column = (group % P.across * 64u + four) * 4u;
  let fix = fix_b(pb, column, P.columns);
  let fix_a_0 = fix_a(pa, 0u, P.rows);
  var c_0 = vec4<f32>();
  for (var k = k_start + walker * 4u; k < k_end; k += 16u) {
    let x_0 = load_a(fix_a_0, 0u, k, k_end);
    let w_0 = load_b(fix, k, k_end);
    let w_1 = load_b(fix, k + 1u, k_end);
    let w_2 = load_b(fix, k + 2u, k_end);
    let w_3 = load_b(fix, k + 3u, k_end);
    c_0 += x_0.x * w_0;
    c_0 += x_0.y * w_1;
    c_0 += x_0.z * w_2;
    c_0 += x_0.w * w_3;
  }
  shared_sums[lane] = c_0;
  workgroupBarrier();
  if (walker < 2u) {
    shared_sums[lane] += shared_sums[lane + 128u];
  }
  workgroupBarrier();
  if (walker < 1u) {
    shared_sums[lane] += shared_sums[lane + 64u];
  }
  workgroupBarrier();
  if (walker == 0u) {
    store_o(po, 0u, column, shared_sums[lane], part);
  }
}

