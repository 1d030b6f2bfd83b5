// mul, add, relu, gt|float32 =float32 mul:(0,1)float32 float32 add:(2,3)float32 relu:(4)float32 =float32 gt:(5,6)bool|7x4,5x1|rank2|f32@0,f32@1,u8@2,f32@3|rrww
struct Params {
  n: u32,
  v0_offset: u32,
  v3_offset: u32,
  o0_offset: u32,
  o1_offset: u32,
  size1: u32,
  v00: u32,
  v01: u32,
  v30: u32,
  v31: u32,
  o00: u32,
  o01: u32,
  o10: u32,
  o11: u32,
  zero: u32,
  c1: u32,
  c6: u32,
}
@group(0) @binding(0) var<uniform> P: Params;
@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;
@group(0) @binding(4) var<storage, read_write> b3: array<u32>;
fn get_v0(i: u32) -> f32 { return bitcast<f32>(b0[i + P.v0_offset]); }
fn get_v3(i: u32) -> f32 { return bitcast<f32>(b1[i + P.v3_offset]); }
fn get_o0(i: u32) -> i32 {
  let j = i + P.o0_offset;
  return bitcast<i32>((b2[j >> 2u] >> ((j & 3u) * 8u)) & 0xffu);
}
fn put_word_o0(i: u32, bits: u32, keep: u32) {
  let at = i + (P.o0_offset >> 2u);
  b2[at] = bits | (b2[at] & keep);
}
fn get_o1(i: u32) -> f32 { return bitcast<f32>(b3[i + P.o1_offset]); }
fn put_o1(i: u32, v: f32) { b3[i + P.o1_offset] = bitcast<u32>(v); }

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
    let p_o1 = c0 * P.o10 + c1 * P.o11;
    let v0 = get_v0(p_v0);
    let v3 = get_v3(p_v3);
    let v1 = bitcast<f32>(P.c1);
    let v2 = bitcast<f32>(bitcast<u32>(v0 * v1) | P.zero);
    let v4 = bitcast<f32>(bitcast<u32>(v2 + v3) | P.zero);
    let v5 = select(v4, 0.0, v4 < 0.0);
    let v6 = bitcast<f32>(P.c6);
    let v7 = select(0, 1, m_lt(v6, v5));
    let at_o0 = i % 4u;
    w_o0 |= (bitcast<u32>(v7) & 0xffu) << (at_o0 * 8u);
    if (at_o0 == 3u || i == P.n - 1u) {
      let keep = select(0xffffffffu << ((at_o0 + 1u) * 8u % 32u), 0u, at_o0 == 3u);
      put_word_o0(i / 4u, w_o0, keep);
      w_o0 = 0u;
    }
    put_o1(p_o1, v5);
  }
}

fn m_isnan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

fn m_lt(x: f32, y: f32) -> bool { return x < y && !m_isnan(x) && !m_isnan(y); }
