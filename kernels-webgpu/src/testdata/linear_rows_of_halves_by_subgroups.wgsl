// linear|b0|dots 2x64x1 directive|k x P.af P.ak x4|k y P.bf P.bk x4|matrix|x4|bias|f16x4@0,f16x4@1,f16@2,f16x4@3|rrrw
enable subgroups;
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
  bias_offset: u32,
  bias: u32,
  af: u32,
  ak: u32,
  bf: u32,
  bk: u32,
  o_offset: u32,
  om: u32,
  on: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> b1: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> b2: array<u32>;
@group(0) @binding(4) var<storage, read_write> b3: array<vec2<u32>>;
fn quad_x(i: u32) -> vec4<f32> {
  let w = b0[(i + P.x_offset) >> 2u];
  return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
fn quad_y(i: u32) -> vec4<f32> {
  let w = b1[(i + P.y_offset) >> 2u];
  return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
fn get_bias(i: u32) -> f32 {
  let j = i + P.bias_offset;
  return unpack2x16float(b2[j >> 1u] >> ((j & 1u) * 16u)).x;
}
fn quad_o(i: u32) -> vec4<f32> {
  let w = b3[(i + P.o_offset) >> 2u];
  return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
fn put_quad_o(i: u32, v: vec4<f32>) { b3[(i + P.o_offset) >> 2u] = vec2<u32>(m_half_bits(v.x) | (m_half_bits(v.y) << 16u), m_half_bits(v.z) | (m_half_bits(v.w) << 16u)); }

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
fn load_b(fix: Fix_b, i: u32, k: u32, k_end: u32) -> vec4<f32> {
  if (i >= fix.left || k >= k_end) { return vec4<f32>(); }
  return quad_y(fix.at + i * P.bf + k);
}

fn bias_of(m: u32, n: u32) -> f32 {
  return get_bias(n * P.bias);
}
fn store_o(po: u32, m: u32, n: u32, value: vec4<f32>, part: u32) {
  if (m >= P.rows || n >= P.columns) { return; }
  var v = value;
  v += vec4<f32>(bias_of(m, n), bias_of(m, n + 1u), bias_of(m, n + 2u), bias_of(m, n + 3u));
  put_quad_o(po + m * P.om + n, v);
}

var<workgroup> shared_sums: array<vec4<f32>, 128>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
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
  let four = lane / 64u;
  let walker = lane % 64u;
  let column = (group % P.across * 1u + four) * 4u;
  let fix = fix_b(pb, column, P.columns);
  let fix_a_0 = fix_a(pa, 0u, P.rows);
  var c_0 = vec4<f32>();
  var c_1 = vec4<f32>();
  for (var k = k_start + walker * 4u; k < k_end; k += 256u) {
    let x_0 = load_a(fix_a_0, 0u, k, k_end);
    let x_1 = load_a(fix_a_0, 1u, k, k_end);
    let w_0 = load_b(fix, 0u, k, k_end);
    let w_1 = load_b(fix, 1u, k, k_end);
    let w_2 = load_b(fix, 2u, k, k_end);
    let w_3 = load_b(fix, 3u, k, k_end);
    c_0 += vec4<f32>(dot(w_0, x_0), dot(w_1, x_0), dot(w_2, x_0), dot(w_3, x_0));
    c_1 += vec4<f32>(dot(w_0, x_1), dot(w_1, x_1), dot(w_2, x_1), dot(w_3, x_1));
  }
  let first = subgroupMin(lane);
  let s_0 = subgroupAdd(c_0);
  let s_1 = subgroupAdd(c_1);
  if (lane == first) {
    shared_sums[lane / subgroup_size] = s_0;
    shared_sums[lane / subgroup_size + 64u] = s_1;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var sum = vec4<f32>();
    for (var t = 0u; t < (63u + subgroup_size) / subgroup_size; t++) { sum += shared_sums[t]; }
    store_o(po, 0u, column, sum, part);
  }
  if (lane == 1u) {
    var sum = vec4<f32>();
    for (var t = 0u; t < (63u + subgroup_size) / subgroup_size; t++) { sum += shared_sums[t + 64u]; }
    store_o(po, 1u, column, sum, part);
  }
}

fn m_half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude < 0x38800000u) {
    if (magnitude < 0x33000000u) { return sign; }
    let shift = 126u - (magnitude >> 23u);
    let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    let kept = mantissa >> shift;
    let rest = mantissa & ((1u << shift) - 1u);
    let tie = 1u << (shift - 1u);
    let up = rest > tie || (rest == tie && (kept & 1u) == 1u);
    return sign | (kept + select(0u, 1u, up));
  }
  let kept = (magnitude - 0x38000000u) >> 13u;
  let rest = magnitude & 0x1fffu;
  let up = rest > 0x1000u || (rest == 0x1000u && (kept & 1u) == 1u);
  return sign | (kept + select(0u, 1u, up));
}
