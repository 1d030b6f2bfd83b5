// matmul|b0|16x16x16|kn|all|f32@0,f32@1,f32@2|rrw
struct Params {
  m: u32,
  n: u32,
  k: u32,
  batches: u32,
  down: u32,
  across: u32,
  groups: u32,
  piece: u32,
  x_offset: u32,
  y_offset: u32,
  o_offset: u32,
  xm: u32,
  xk: u32,
  yk: u32,
  yn: u32,
  om: u32,
  on: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
fn get_x(i: u32) -> f32 { return bitcast<f32>(b0[i + P.x_offset]); }
fn get_y(i: u32) -> f32 { return bitcast<f32>(b1[i + P.y_offset]); }
fn get_o(i: u32) -> f32 { return bitcast<f32>(b2[i + P.o_offset]); }
fn put_o(i: u32, v: f32) { b2[i + P.o_offset] = bitcast<u32>(v); }

var<workgroup> tile_a: array<f32, 256>;
var<workgroup> tile_b: array<f32, 256>;

fn load_a(pa: u32, m: u32, k: u32) -> f32 {
  return get_x(pa + m * P.xm + k * P.xk);
}
fn load_b(pb: u32, k: u32, n: u32) -> f32 {
  return get_y(pb + k * P.yk + n * P.yn);
}
fn store_o(po: u32, m: u32, n: u32, v: f32) {
  put_o(po + m * P.om + n * P.on, v);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  if (group >= P.groups) { return; }
  let tile_n = (group % P.across) * 16u;
  let tile_m = (group / P.across % P.down) * 16u;
  let number = group / P.across / P.down;
  let batch = number % P.batches;
  let part = number / P.batches;
  let k_start = part * P.piece;
  let k_end = min(P.k, k_start + P.piece);
  let pa = 0u;
  let pb = 0u;
  let po = 0u;
  let column = lane % 16u;
  let row = lane / 16u;
  var c_0_0 = f32(0);
  for (var k0 = k_start; k0 < k_end; k0 += 16u) {
    for (var e = lane; e < 256u; e += 256u) {
      let ek = e % 16u;
      let em = e / 16u;
      var value = f32(0);
      if (tile_m + em < P.m && k0 + ek < k_end) { value = load_a(pa, tile_m + em, k0 + ek); }
      tile_a[ek * 16u + em] = value;
    }
    for (var e = lane; e < 256u; e += 256u) {
      let en = e % 16u;
      let ek = e / 16u;
      var value = f32(0);
      if (tile_n + en < P.n && k0 + ek < k_end) { value = load_b(pb, k0 + ek, tile_n + en); }
      tile_b[ek * 16u + en] = value;
    }
    workgroupBarrier();
    for (var kk = 0u; kk < 16u; kk++) {
      let a_0 = tile_a[kk * 16u + row + 0u];
      let b_0 = tile_b[kk * 16u + column + 0u];
      c_0_0 += a_0 * b_0;
    }
    workgroupBarrier();
  }
  if (tile_m + row + 0u < P.m && tile_n + column + 0u < P.n) {
    store_o(po, tile_m + row + 0u, tile_n + column + 0u, c_0_0);
  }
}

