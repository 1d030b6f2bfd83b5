// mul, add, relu, gt|bfloat16 =bfloat16 mul:(0,1)bfloat16 bfloat16 add:(2,3)bfloat16 relu:(4)bfloat16 =bfloat16 gt:(5,6)bool|7x4|rank2|bf16@0,bf16@1,u8@2|rrw
struct Params {
  n: u32,
  v0_offset: u32,
  v3_offset: u32,
  o0_offset: u32,
  size1: u32,
  v00: u32,
  v01: u32,
  v30: u32,
  v31: u32,
  o00: u32,
  o01: u32,
  c1: u32,
  c6: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
fn get_v0(i: u32) -> f32 {
  let j = i + P.v0_offset;
  return bitcast<f32>((b0[j >> 1u] >> ((j & 1u) * 16u)) << 16u);
}
fn get_v3(i: u32) -> f32 {
  let j = i + P.v3_offset;
  return bitcast<f32>((b1[j >> 1u] >> ((j & 1u) * 16u)) << 16u);
}
fn get_o0(i: u32) -> i32 {
  let j = i + P.o0_offset;
  return bitcast<i32>((b2[j >> 2u] >> ((j & 3u) * 8u)) & 0xffu);
}
fn put_word_o0(i: u32, bits: u32, keep: u32) {
  let at = i + (P.o0_offset >> 2u);
  b2[at] = bits | (b2[at] & keep);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let first = (group * 256u + lane) * 4u;
  var w_o0 = 0u;
  for (var i = first; i < min(first + 4u, P.n); i++) {
    let c1 = i % P.size1;
    let r1 = i / P.size1;
    let c0 = r1;
    let p_v0 = c0 * P.v00 + c1 * P.v01;
    let p_v3 = c0 * P.v30 + c1 * P.v31;
    let p_o0 = c0 * P.o00 + c1 * P.o01;
    let v0 = get_v0(p_v0);
    let v3 = get_v3(p_v3);
    let v1 = bitcast<f32>((m_bfloat_bits(bitcast<f32>(P.c1))) << 16u);
    let v2 = bitcast<f32>((m_bfloat_bits(v0 * v1)) << 16u);
    let v4 = bitcast<f32>((m_bfloat_bits(v2 + v3)) << 16u);
    let v5 = bitcast<f32>((m_bfloat_bits(select(v4, 0.0, v4 < 0.0))) << 16u);
    let v6 = bitcast<f32>((m_bfloat_bits(bitcast<f32>(P.c6))) << 16u);
    let v7 = select(0, 1, m_lt(v6, v5));
    let at_o0 = i % 4u;
    w_o0 |= (bitcast<u32>(v7) & 0xffu) << (at_o0 * 8u);
    if (at_o0 == 3u || i == P.n - 1u) {
      let keep = select(0xffffffffu << ((at_o0 + 1u) * 8u % 32u), 0u, at_o0 == 3u);
      put_word_o0(i / 4u, w_o0, keep);
      w_o0 = 0u;
    }
  }
}

fn m_isnan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

fn m_lt(x: f32, y: f32) -> bool { return x < y && !m_isnan(x) && !m_isnan(y); }

fn m_bfloat_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}
