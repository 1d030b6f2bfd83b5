// matmul|b0|128x128x16|k x P.af P.ak x4|free y P.bf P.bk x4|matrix|x4|f32x4@0,f32x4@1,f32x4@2|rrw
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

var<workgroup> slab: array<vec4<f32>, 1024>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  if (group >= P.groups) { return; }
  let tiles = P.down * P.across;
  let number = group / tiles;
  let band = group % tiles / (8u * P.across);
  let in_band = group % tiles % (8u * P.across);
  let band_height = min(P.down - band * 8u, 8u);
  let tile_row = (band * 8u + in_band % band_height) * 128u;
  let tile_column = in_band / band_height * 128u;
  let batch = number % P.batches;
  let part = number / P.batches;
  let k_start = part * P.piece;
  let k_end = min(P.k, k_start + P.piece);
  let pa = 0u;
  let pb = 0u;
  let po = 0u;
  let row = lane / 16u % 16u;
  let column = lane % 16u;
  var block_f_0 = 0u;
  var block_k_0 = 0u;
  var r_0_0 = vec4<f32>();
  var r_0_1 = vec4<f32>();
  var r_0_2 = vec4<f32>();
  var r_0_3 = vec4<f32>();
  var fix_a_0: Fix_a;
  var fix_b_0: Fix_b;
  if (lane < 128u) {
    block_k_0 = lane % 4u;
    block_f_0 = lane / 4u;
    fix_a_0 = fix_a(pa, tile_row + block_f_0 * 4u, P.rows);
  } else {
    block_f_0 = (lane - 128u) % 32u;
    block_k_0 = (lane - 128u) / 32u;
    fix_b_0 = fix_b(pb, tile_column + block_f_0 * 4u, P.columns);
  }
  var c_0_0 = vec4<f32>();
  var c_0_1 = vec4<f32>();
  var c_1_0 = vec4<f32>();
  var c_1_1 = vec4<f32>();
  var c_2_0 = vec4<f32>();
  var c_2_1 = vec4<f32>();
  var c_3_0 = vec4<f32>();
  var c_3_1 = vec4<f32>();
  var c_4_0 = vec4<f32>();
  var c_4_1 = vec4<f32>();
  var c_5_0 = vec4<f32>();
  var c_5_1 = vec4<f32>();
  var c_6_0 = vec4<f32>();
  var c_6_1 = vec4<f32>();
  var c_7_0 = vec4<f32>();
  var c_7_1 = vec4<f32>();
  var k0 = k_start;
  if (lane < 128u) {
    r_0_0 = load_a(fix_a_0, 0u, k0 + block_k_0 * 4u, k_end);
    r_0_1 = load_a(fix_a_0, 1u, k0 + block_k_0 * 4u, k_end);
    r_0_2 = load_a(fix_a_0, 2u, k0 + block_k_0 * 4u, k_end);
    r_0_3 = load_a(fix_a_0, 3u, k0 + block_k_0 * 4u, k_end);
  } else {
    r_0_0 = load_b(fix_b_0, k0 + block_k_0 * 4u, k_end);
    r_0_1 = load_b(fix_b_0, k0 + block_k_0 * 4u + 1u, k_end);
    r_0_2 = load_b(fix_b_0, k0 + block_k_0 * 4u + 2u, k_end);
    r_0_3 = load_b(fix_b_0, k0 + block_k_0 * 4u + 3u, k_end);
  }
  while (k0 < k_end) {
    if (lane < 128u) {
      slab[(block_k_0 * 4u) * 32u + block_f_0] = vec4<f32>(r_0_0.x, r_0_1.x, r_0_2.x, r_0_3.x);
      slab[(block_k_0 * 4u + 1u) * 32u + block_f_0] = vec4<f32>(r_0_0.y, r_0_1.y, r_0_2.y, r_0_3.y);
      slab[(block_k_0 * 4u + 2u) * 32u + block_f_0] = vec4<f32>(r_0_0.z, r_0_1.z, r_0_2.z, r_0_3.z);
      slab[(block_k_0 * 4u + 3u) * 32u + block_f_0] = vec4<f32>(r_0_0.w, r_0_1.w, r_0_2.w, r_0_3.w);
    } else {
      slab[(block_k_0 * 4u) * 32u + block_f_0 + 512u] = r_0_0;
      slab[(block_k_0 * 4u + 1u) * 32u + block_f_0 + 512u] = r_0_1;
      slab[(block_k_0 * 4u + 2u) * 32u + block_f_0 + 512u] = r_0_2;
      slab[(block_k_0 * 4u + 3u) * 32u + block_f_0 + 512u] = r_0_3;
    }
    workgroupBarrier();
    k0 += 16u;
    if (lane < 128u) {
      r_0_0 = load_a(fix_a_0, 0u, k0 + block_k_0 * 4u, k_end);
      r_0_1 = load_a(fix_a_0, 1u, k0 + block_k_0 * 4u, k_end);
      r_0_2 = load_a(fix_a_0, 2u, k0 + block_k_0 * 4u, k_end);
      r_0_3 = load_a(fix_a_0, 3u, k0 + block_k_0 * 4u, k_end);
    } else {
      r_0_0 = load_b(fix_b_0, k0 + block_k_0 * 4u, k_end);
      r_0_1 = load_b(fix_b_0, k0 + block_k_0 * 4u + 1u, k_end);
      r_0_2 = load_b(fix_b_0, k0 + block_k_0 * 4u + 2u, k_end);
      r_0_3 = load_b(fix_b_0, k0 + block_k_0 * 4u + 3u, k_end);
    }
    {
      {
        let a_0 = slab[row];
        let a_1 = slab[row + 16u];
        let b_0 = slab[column + 512u];
        let b_1 = slab[column + 528u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 32u];
        let a_1 = slab[row + 48u];
        let b_0 = slab[column + 544u];
        let b_1 = slab[column + 560u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 64u];
        let a_1 = slab[row + 80u];
        let b_0 = slab[column + 576u];
        let b_1 = slab[column + 592u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 96u];
        let a_1 = slab[row + 112u];
        let b_0 = slab[column + 608u];
        let b_1 = slab[column + 624u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 128u];
        let a_1 = slab[row + 144u];
        let b_0 = slab[column + 640u];
        let b_1 = slab[column + 656u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 160u];
        let a_1 = slab[row + 176u];
        let b_0 = slab[column + 672u];
        let b_1 = slab[column + 688u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 192u];
        let a_1 = slab[row + 208u];
        let b_0 = slab[column + 704u];
        let b_1 = slab[column + 720u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 224u];
        let a_1 = slab[row + 240u];
        let b_0 = slab[column + 736u];
        let b_1 = slab[column + 752u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 256u];
        let a_1 = slab[row + 272u];
        let b_0 = slab[column + 768u];
        let b_1 = slab[column + 784u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 288u];
        let a_1 = slab[row + 304u];
        let b_0 = slab[column + 800u];
        let b_1 = slab[column + 816u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 320u];
        let a_1 = slab[row + 336u];
        let b_0 = slab[column + 832u];
        let b_1 = slab[column + 848u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 352u];
        let a_1 = slab[row + 368u];
        let b_0 = slab[column + 864u];
        let b_1 = slab[column + 880u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 384u];
        let a_1 = slab[row + 400u];
        let b_0 = slab[column + 896u];
        let b_1 = slab[column + 912u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 416u];
        let a_1 = slab[row + 432u];
        let b_0 = slab[column + 928u];
        let b_1 = slab[column + 944u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 448u];
        let a_1 = slab[row + 464u];
        let b_0 = slab[column + 960u];
        let b_1 = slab[column + 976u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
      {
        let a_0 = slab[row + 480u];
        let a_1 = slab[row + 496u];
        let b_0 = slab[column + 992u];
        let b_1 = slab[column + 1008u];
        c_0_0 += a_0.x * b_0;
        c_0_1 += a_0.x * b_1;
        c_1_0 += a_0.y * b_0;
        c_1_1 += a_0.y * b_1;
        c_2_0 += a_0.z * b_0;
        c_2_1 += a_0.z * b_1;
        c_3_0 += a_0.w * b_0;
        c_3_1 += a_0.w * b_1;
        c_4_0 += a_1.x * b_0;
        c_4_1 += a_1.x * b_1;
        c_5_0 += a_1.y * b_0;
        c_5_1 += a_1.y * b_1;
        c_6_0 += a_1.z * b_0;
        c_6_1 += a_1.z * b_1;
        c_7_0 += a_1.w * b_0;
        c_7_1 += a_1.w * b_1;
      }
    }
    workgroupBarrier();
  }
  store_o(po, tile_row + (row) * 4u, tile_column + (column) * 4u, c_0_0, part);
  store_o(po, tile_row + (row) * 4u, tile_column + (column + 16u) * 4u, c_0_1, part);
  store_o(po, tile_row + (row) * 4u + 1u, tile_column + (column) * 4u, c_1_0, part);
  store_o(po, tile_row + (row) * 4u + 1u, tile_column + (column + 16u) * 4u, c_1_1, part);
  store_o(po, tile_row + (row) * 4u + 2u, tile_column + (column) * 4u, c_2_0, part);
  store_o(po, tile_row + (row) * 4u + 2u, tile_column + (column + 16u) * 4u, c_2_1, part);
  store_o(po, tile_row + (row) * 4u + 3u, tile_column + (column) * 4u, c_3_0, part);
  store_o(po, tile_row + (row) * 4u + 3u, tile_column + (column + 16u) * 4u, c_3_1, part);
  store_o(po, tile_row + (row + 16u) * 4u, tile_column + (column) * 4u, c_4_0, part);
  store_o(po, tile_row + (row + 16u) * 4u, tile_column + (column + 16u) * 4u, c_4_1, part);
  store_o(po, tile_row + (row + 16u) * 4u + 1u, tile_column + (column) * 4u, c_5_0, part);
  store_o(po, tile_row + (row + 16u) * 4u + 1u, tile_column + (column + 16u) * 4u, c_5_1, part);
  store_o(po, tile_row + (row + 16u) * 4u + 2u, tile_column + (column) * 4u, c_6_0, part);
  store_o(po, tile_row + (row + 16u) * 4u + 2u, tile_column + (column + 16u) * 4u, c_6_1, part);
  store_o(po, tile_row + (row + 16u) * 4u + 3u, tile_column + (column) * 4u, c_7_0, part);
  store_o(po, tile_row + (row + 16u) * 4u + 3u, tile_column + (column + 16u) * 4u, c_7_1, part);
}

