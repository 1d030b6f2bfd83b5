// conv|2d|32x32x32|k w P.w0 1u x4|free windows 2|images 2 flat|x4|f32@0,f32x4@1,f32x4@2|rrw
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
  x0: u32,
  x1: u32,
  x2: u32,
  x3: u32,
  w_offset: u32,
  w0: u32,
  w1: u32,
  w2: u32,
  w3: u32,
  o0: u32,
  o1: u32,
  o2: u32,
  o3: u32,
  inside: u32,
  outside: u32,
  ins: u32,
  outs: u32,
  taps: u32,
  in0: u32,
  in1: u32,
  out0: u32,
  out1: u32,
  tap0: u32,
  tap1: u32,
  step0: u32,
  step1: u32,
  pad0: u32,
  pad1: u32,
  dil0: u32,
  dil1: u32,
  o_offset: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> b2: array<vec4<u32>>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn quad_w(i: u32) -> vec4<f32> {
  let w = b1[(i + P.w_offset) >> 2u];
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
  return Fix_a(p + f * P.w0, end - min(f, end));
}
fn load_a(fix: Fix_a, i: u32, k: u32, k_end: u32) -> vec4<f32> {
  if (i >= fix.left || k >= k_end) { return vec4<f32>(); }
  return quad_w(fix.at + i * P.w0 + k);
}
struct Fix_b {
  at: vec4<u32>,
  y0: vec4<u32>,
  y1: vec4<u32>,
}
fn fix_b(p: u32, f: u32, end: u32) -> Fix_b {
  var fix: Fix_b;
  {
    let o1 = f % P.out1;
    let or1 = f / P.out1;
    let o0 = or1 % P.out0;
    let or0 = or1 / P.out0;
    let o = or0;
    let y0 = o0 * P.step0 - P.pad0;
    let y1 = o1 * P.step1 - P.pad1;
    fix.at.x = p + o * P.x0 + y0 * P.x2 + y1 * P.x3;
    fix.y1.x = y1;
    fix.y0.x = select(0xc0000000u, y0, f < end);
  }
  {
    let o1 = (f + 1u) % P.out1;
    let or1 = (f + 1u) / P.out1;
    let o0 = or1 % P.out0;
    let or0 = or1 / P.out0;
    let o = or0;
    let y0 = o0 * P.step0 - P.pad0;
    let y1 = o1 * P.step1 - P.pad1;
    fix.at.y = p + o * P.x0 + y0 * P.x2 + y1 * P.x3;
    fix.y1.y = y1;
    fix.y0.y = select(0xc0000000u, y0, f + 1u < end);
  }
  {
    let o1 = (f + 2u) % P.out1;
    let or1 = (f + 2u) / P.out1;
    let o0 = or1 % P.out0;
    let or0 = or1 / P.out0;
    let o = or0;
    let y0 = o0 * P.step0 - P.pad0;
    let y1 = o1 * P.step1 - P.pad1;
    fix.at.z = p + o * P.x0 + y0 * P.x2 + y1 * P.x3;
    fix.y1.z = y1;
    fix.y0.z = select(0xc0000000u, y0, f + 2u < end);
  }
  {
    let o1 = (f + 3u) % P.out1;
    let or1 = (f + 3u) / P.out1;
    let o0 = or1 % P.out0;
    let or0 = or1 / P.out0;
    let o = or0;
    let y0 = o0 * P.step0 - P.pad0;
    let y1 = o1 * P.step1 - P.pad1;
    fix.at.w = p + o * P.x0 + y0 * P.x2 + y1 * P.x3;
    fix.y1.w = y1;
    fix.y0.w = select(0xc0000000u, y0, f + 3u < end);
  }
  return fix;
}
fn load_b(fix: Fix_b, k: u32, k_end: u32) -> vec4<f32> {
  if (k >= k_end) { return vec4<f32>(); }
  let t1 = k % P.tap1;
  let tr1 = k / P.tap1;
  let t0 = tr1 % P.tap0;
  let tr0 = tr1 / P.tap0;
  let t = tr0;
  let m0 = t0 * P.dil0;
  let m1 = t1 * P.dil1;
  let y0 = fix.y0 + vec4<u32>(m0);
  let y1 = fix.y1 + vec4<u32>(m1);
  let at = fix.at + vec4<u32>(t * P.x1 + m0 * P.x2 + m1 * P.x3);
  let ok = (y0 < vec4<u32>(P.in0)) & (y1 < vec4<u32>(P.in1));
  var v = vec4<f32>();
  if (ok.x) { v.x = get_x(at.x); }
  if (ok.y) { v.y = get_x(at.y); }
  if (ok.z) { v.z = get_x(at.z); }
  if (ok.w) { v.w = get_x(at.w); }
  return v;
}

fn store_o(po: u32, m: u32, n: u32, value: vec4<f32>, part: u32) {
  if (m >= P.rows || n >= P.columns) { return; }
  var v = value;
  put_quad_o(n / P.outs * P.o0 + (po * P.outside + m) * P.o1 + n % P.outs, v);
}

var<workgroup> slab: array<vec4<f32>, 512>;

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
  let band = group % tiles / (8u * P.across);
  let in_band = group % tiles % (8u * P.across);
  let band_height = min(P.down - band * 8u, 8u);
  let tile_row = (band * 8u + in_band % band_height) * 32u;
  let tile_column = in_band / band_height * 32u;
  let batch = number % P.batches;
  let part = number / P.batches;
  let k_start = part * P.piece;
  let k_end = min(P.k, k_start + P.piece);
  let pa = batch * P.outside * P.w0;
  let pb = batch * P.inside * P.x1;
  let po = batch;
  let row = lane / 8u % 8u;
  let column = lane % 8u;
  var block_f_0 = 0u;
  var block_k_0 = 0u;
  var r_0_0 = vec4<f32>();
  var r_0_1 = vec4<f32>();
  var r_0_2 = vec4<f32>();
  var r_0_3 = vec4<f32>();
  var fix_a_0: Fix_a;
  var fix_b_0: Fix_b;
  block_k_0 = lane % 8u;
  block_f_0 = lane / 8u;
  fix_a_0 = fix_a(pa, tile_row + block_f_0 * 4u, P.rows);
  var block_f_1 = 0u;
  var block_k_1 = 0u;
  var r_1_0 = vec4<f32>();
  var r_1_1 = vec4<f32>();
  var r_1_2 = vec4<f32>();
  var r_1_3 = vec4<f32>();
  var fix_a_1: Fix_a;
  var fix_b_1: Fix_b;
  block_f_1 = lane % 8u;
  block_k_1 = lane / 8u;
  fix_b_1 = fix_b(pb, tile_column + block_f_1 * 4u, P.columns);
  var c_0_0 = vec4<f32>();
  var c_1_0 = vec4<f32>();
  var c_2_0 = vec4<f32>();
  var c_3_0 = vec4<f32>();
  var k0 = k_start;
  r_0_0 = load_a(fix_a_0, 0u, k0 + block_k_0 * 4u, k_end);
  r_0_1 = load_a(fix_a_0, 1u, k0 + block_k_0 * 4u, k_end);
  r_0_2 = load_a(fix_a_0, 2u, k0 + block_k_0 * 4u, k_end);
  r_0_3 = load_a(fix_a_0, 3u, k0 + block_k_0 * 4u, k_end);
  r_1_0 = load_b(fix_b_1, k0 + block_k_1 * 4u, k_end);
  r_1_1 = load_b(fix_b_1, k0 + block_k_1 * 4u + 1u, k_end);
  r_1_2 = load_b(fix_b_1, k0 + block_k_1 * 4u + 2u, k_end);
  r_1_3 = load_b(fix_b_1, k0 + block_k_1 * 4u + 3u, k_end);
  while (k0 < k_end) {
    slab[(block_k_0 * 4u) * 8u + block_f_0] = vec4<f32>(r_0_0.x, r_0_1.x, r_0_2.x, r_0_3.x);
    slab[(block_k_0 * 4u + 1u) * 8u + block_f_0] = vec4<f32>(r_0_0.y, r_0_1.y, r_0_2.y, r_0_3.y);
    slab[(block_k_0 * 4u + 2u) * 8u + block_f_0] = vec4<f32>(r_0_0.z, r_0_1.z, r_0_2.z, r_0_3.z);
    slab[(block_k_0 * 4u + 3u) * 8u + block_f_0] = vec4<f32>(r_0_0.w, r_0_1.w, r_0_2.w, r_0_3.w);
    slab[(block_k_1 * 4u) * 8u + block_f_1 + 256u] = r_1_0;
    slab[(block_k_1 * 4u + 1u) * 8u + block_f_1 + 256u] = r_1_1;
    slab[(block_k_1 * 4u + 2u) * 8u + block_f_1 + 256u] = r_1_2;
    slab[(block_k_1 * 4u + 3u) * 8u + block_f_1 + 256u] = r_1_3;
    workgroupBarrier();
    k0 += 32u;
    r_0_0 = load_a(fix_a_0, 0u, k0 + block_k_0 * 4u, k_end);
    r_0_1 = load_a(fix_a_0, 1u, k0 + block_k_0 * 4u, k_end);
    r_0_2 = load_a(fix_a_0, 2u, k0 + block_k_0 * 4u, k_end);
    r_0_3 = load_a(fix_a_0, 3u, k0 + block_k_0 * 4u, k_end);
    r_1_0 = load_b(fix_b_1, k0 + block_k_1 * 4u, k_end);
    r_1_1 = load_b(fix_b_1, k0 + block_k_1 * 4u + 1u, k_end);
    r_1_2 = load_b(fix_b_1, k0 + block_k_1 * 4u + 2u, k_end);
    r_1_3 = load_b(fix_b_1, k0 + block_k_1 * 4u + 3u, k_end);
    for (var kk = 0u; kk < 32u; kk += 8u) {
      {
        let a_0 = slab[kk * 8u + row];
        let b_0 = slab[kk * 8u + column + 256u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 8u];
        let b_0 = slab[kk * 8u + column + 264u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 16u];
        let b_0 = slab[kk * 8u + column + 272u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 24u];
        let b_0 = slab[kk * 8u + column + 280u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 32u];
        let b_0 = slab[kk * 8u + column + 288u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 40u];
        let b_0 = slab[kk * 8u + column + 296u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 48u];
        let b_0 = slab[kk * 8u + column + 304u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
      {
        let a_0 = slab[kk * 8u + row + 56u];
        let b_0 = slab[kk * 8u + column + 312u];
        c_0_0 += a_0.x * b_0;
        c_1_0 += a_0.y * b_0;
        c_2_0 += a_0.z * b_0;
        c_3_0 += a_0.w * b_0;
      }
    }
    workgroupBarrier();
  }
  store_o(po, tile_row + (row) * 4u, tile_column + (column) * 4u, c_0_0, part);
  store_o(po, tile_row + (row) * 4u + 1u, tile_column + (column) * 4u, c_1_0, part);
  store_o(po, tile_row + (row) * 4u + 2u, tile_column + (column) * 4u, c_2_0, part);
  store_o(po, tile_row + (row) * 4u + 3u, tile_column + (column) * 4u, c_3_0, part);
}

