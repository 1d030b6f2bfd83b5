/**
 * Recurrent layers over steps of equal size, and their gradients, in float32.
 *
 * All steps are one call: the weight is packed once, and the states, a matrix that every step replaces, stay in the cache.
 * Rows of samples never meet, so threads share the samples. `hop` is the number of rows from one step to the next, below
 * zero from the last step to the first; `n` samples of them belong to this call. Where `packed` is 0 the weight is read
 * where it is: for few samples packing would cost more. The host decides it, because it changes the order of sums.
 */

import { gemm_f32, gemm_scratch, KC, MC, multiplyPanels, packA, packB, packedA, padded } from "./gemm";
import { scratch } from "./memory";
import { sigmoid, tanh } from "./vector_math";

// @ts-ignore: decorator
@inline
function packedWeight(): usize {
  return scratch + <usize>gemm_scratch(4);
}

/** Bytes of one block of KC steps of the packed weight with n columns. */
// @ts-ignore: decorator
@inline
function blockBytes(kc: i32, n: i32): usize {
  return <usize>(padded(kc) * ((n + 7) & ~7)) << 2;
}

/** Bytes of working memory for a weight of k × n. */
export function recurrent_scratch(k: i32, n: i32): i32 {
  return gemm_scratch(4) + <i32>blockBytes(KC, n) * ((k + KC - 1) / KC);
}

/** Packs B, k × n; steps are in bytes. */
function packWeight(b: usize, k: i32, n: i32, rs: usize, cs: usize): void {
  let o = packedWeight();
  for (let p = 0; p < k; p += KC) {
    const kc = min(KC, k - p);
    packB<f32>(o, b + <usize>p * rs, kc, n, rs, cs);
    o += blockBytes(kc, n);
  }
}

/** C = A B, or C += A B, with the packed B; rows of A and C are dense, `lda` and `ldc` bytes apart. */
function multiply(a: usize, lda: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32, add: bool): void {
  const pa = packedA<f32>();
  let pb = packedWeight();
  for (let p = 0; p < k; p += KC) {
    const kc = min(KC, k - p);
    for (let i = 0; i < m; i += MC) {
      const mc = min(MC, m - i);
      packA<f32>(pa, a + <usize>i * lda + (<usize>p << 2), mc, kc, lda, 4);
      multiplyPanels<f32>(pa, pb, c + <usize>i * ldc, ldc, mc, n, padded(kc), add || p > 0);
    }
    pb += blockBytes(kc, n);
  }
}

/** sums += states Wᵀ: sums [m, columns of `width` elements], the first n of them; W [n, h]. */
// @ts-ignore: decorator
@inline
function forth(hn: usize, weight: usize, sums: usize, m: i32, n: i32, h: i32, width: i32, packed: i32): void {
  if (packed) multiply(hn, <usize>h << 2, sums, <usize>width << 2, m, n, h, true);
  else gemm_f32(hn, weight, sums, m, n, h, h, 1, 1, h, width, 1, 0, 0, 0, 1);
}

/** gh = gsums W, or added to it; W [n, h]. */
// @ts-ignore: decorator
@inline
function back(gsums: usize, weight: usize, gh: usize, m: i32, n: i32, h: i32, packed: i32, add: bool): void {
  if (packed) multiply(gsums, <usize>n << 2, gh, <usize>h << 2, m, h, n, add);
  else gemm_f32(gsums, weight, gh, m, h, n, n, 1, h, 1, h, 1, 0, 0, 0, add ? 1 : 0);
}

// @ts-ignore: decorator
@inline
function packForth(weight: usize, n: i32, h: i32): void {
  packWeight(weight, h, n, 4, <usize>h << 2);
}

// @ts-ignore: decorator
@inline
function packBack(weight: usize, n: i32, h: i32): void {
  packWeight(weight, n, h, <usize>h << 2, 4);
}

/** Four elements, or one and zeros. */
// @ts-ignore: decorator
@inline
function get(p: usize, one: bool): v128 {
  return one ? v128.load32_zero(p) : v128.load(p);
}

// @ts-ignore: decorator
@inline
function put(p: usize, v: v128, one: bool): void {
  if (one) v128.store32_lane(p, v, 0);
  else v128.store(p, v);
}

// @ts-ignore: decorator
@inline
function add(x: v128, y: v128): v128 {
  return f32x4.add(x, y);
}

// @ts-ignore: decorator
@inline
function sub(x: v128, y: v128): v128 {
  return f32x4.sub(x, y);
}

// @ts-ignore: decorator
@inline
function mul(x: v128, y: v128): v128 {
  return f32x4.mul(x, y);
}

/** g · y (1 − y): through y = σ(x). */
// @ts-ignore: decorator
@inline
function throughSigmoid(g: v128, y: v128): v128 {
  return mul(g, sub(y, mul(y, y)));
}

/** g · (1 − y²): through y = tanh(x). */
// @ts-ignore: decorator
@inline
function throughTanh(g: v128, y: v128): v128 {
  return sub(g, mul(g, mul(y, y)));
}

/** max(x, 0); NaN passes. */
// @ts-ignore: decorator
@inline
function relu(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0));
}

/** h ← f(gates + h Wᵀ) → y and the states before. `positive`: f is relu, else tanh. */
export function rnn_layer_f32(
  gates: usize,
  weight: usize,
  y: usize,
  hn: usize,
  hiddens: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
  positive: i32,
): void {
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  const vectors = all & ~15;
  if (packed) packForth(weight, h, h);
  for (; steps > 0; steps--) {
    memory.copy(hiddens, hn, all);
    memory.copy(y, gates, all);
    forth(hn, weight, y, n, h, h, h, packed);
    let t: usize = 0;
    for (; t < vectors; t += 16) {
      const x = v128.load(y + t);
      v128.store(y + t, positive ? relu(x) : tanh(x));
    }
    for (; t < all; t += 4) {
      const x = v128.load32_zero(y + t);
      v128.store32_lane(y + t, positive ? relu(x) : tanh(x), 0);
    }
    memory.copy(hn, y, all);
    gates += jump;
    y += jump;
    hiddens += jump;
  }
}

/** Gradients of {@linkcode rnn_layer_f32} for gates and the state. */
export function rnn_layer_backward_f32(
  gy: usize,
  weight: usize,
  y: usize,
  ggates: usize,
  gh: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
  positive: i32,
): void {
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  if (packed) packBack(weight, h, h);
  for (; steps > 0; steps--) {
    let t: usize = 0;
    for (; t + 16 <= all; t += 16) rnnBack(gy + t, y + t, ggates + t, gh + t, positive, false);
    for (; t < all; t += 4) rnnBack(gy + t, y + t, ggates + t, gh + t, positive, true);
    back(ggates, weight, gh, n, h, h, packed, false);
    gy += jump;
    y += jump;
    ggates += jump;
  }
}

// @ts-ignore: decorator
@inline
function rnnBack(gy: usize, y: usize, ggates: usize, gh: usize, positive: i32, one: bool): void {
  const g = add(get(gy, one), get(gh, one));
  const v = get(y, one);
  put(ggates, positive ? v128.andnot(g, f32x4.le(v, f32x4.splat(0))) : throughTanh(g, v), one);
}

/** c ← f c + i g, h ← o tanh(c) → y, activations and the states before. */
export function lstm_layer_f32(
  gates: usize,
  weight: usize,
  y: usize,
  hn: usize,
  cn: usize,
  activations: usize,
  hiddens: usize,
  cells: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
): void {
  const row = <usize>h << 2;
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  if (packed) packForth(weight, 4 * h, h);
  for (; steps > 0; steps--) {
    memory.copy(hiddens, hn, all);
    memory.copy(cells, cn, all);
    memory.copy(activations, gates, 4 * all);
    forth(hn, weight, activations, n, 4 * h, h, 4 * h, packed);
    let a = activations;
    for (let s: usize = 0; s < all; s += row) {
      let t: usize = 0;
      for (; t + 16 <= row; t += 16) lstmForth(a + t, row, y + s + t, hn + s + t, cn + s + t, false);
      for (; t < row; t += 4) lstmForth(a + t, row, y + s + t, hn + s + t, cn + s + t, true);
      a += 4 * row;
    }
    gates += 4 * jump;
    y += jump;
    activations += 4 * jump;
    hiddens += jump;
    cells += jump;
  }
}

// @ts-ignore: decorator
@inline
function lstmForth(a: usize, row: usize, y: usize, hn: usize, cn: usize, one: bool): void {
  const i = sigmoid(get(a, one));
  put(a, i, one);
  const f = sigmoid(get(a + row, one));
  put(a + row, f, one);
  const g = tanh(get(a + 2 * row, one));
  put(a + 2 * row, g, one);
  const c = add(mul(f, get(cn, one)), mul(i, g));
  put(cn, c, one);
  const o = sigmoid(get(a + 3 * row, one));
  put(a + 3 * row, o, one);
  const out = mul(o, tanh(c));
  put(y, out, one);
  put(hn, out, one);
}

/** Gradients of {@linkcode lstm_layer_f32} for gates and both states. */
export function lstm_layer_backward_f32(
  gy: usize,
  weight: usize,
  activations: usize,
  cells: usize,
  ggates: usize,
  gh: usize,
  gc: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
): void {
  const row = <usize>h << 2;
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  if (packed) packBack(weight, 4 * h, h);
  for (; steps > 0; steps--) {
    let at: usize = 0;
    for (let s: usize = 0; s < all; s += row) {
      let t: usize = 0;
      for (; t + 16 <= row; t += 16) {
        lstmBack(gy + s + t, activations + at + t, cells + s + t, ggates + at + t, gh + s + t, gc + s + t, row, false);
      }
      for (; t < row; t += 4) {
        lstmBack(gy + s + t, activations + at + t, cells + s + t, ggates + at + t, gh + s + t, gc + s + t, row, true);
      }
      at += 4 * row;
    }
    back(ggates, weight, gh, n, 4 * h, h, packed, false);
    gy += jump;
    activations += 4 * jump;
    cells += jump;
    ggates += 4 * jump;
  }
}

// @ts-ignore: decorator
@inline
function lstmBack(
  gy: usize,
  a: usize,
  cells: usize,
  ga: usize,
  gh: usize,
  gc: usize,
  row: usize,
  one: bool,
): void {
  const i = get(a, one);
  const f = get(a + row, one);
  const g = get(a + 2 * row, one);
  const o = get(a + 3 * row, one);
  const before = get(cells, one);
  const squashed = tanh(add(mul(f, before), mul(i, g)));
  const v = add(get(gy, one), get(gh, one));
  const gcell = add(get(gc, one), throughTanh(mul(v, o), squashed));
  put(ga, throughSigmoid(mul(gcell, g), i), one);
  put(ga + row, throughSigmoid(mul(gcell, before), f), one);
  put(ga + 2 * row, throughTanh(mul(gcell, i), g), one);
  put(ga + 3 * row, throughSigmoid(mul(v, squashed), o), one);
  put(gc, mul(gcell, f), one);
}

/** r, z = σ(a + b), n = tanh(a + r b), h ← n + z (h − n) → y, r, z, b, n and the states before. */
export function gru_layer_f32(
  gates: usize,
  weight: usize,
  bias: usize,
  y: usize,
  hn: usize,
  activations: usize,
  hiddens: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
): void {
  const row = <usize>h << 2;
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  if (packed) packForth(weight, 3 * h, h);
  for (; steps > 0; steps--) {
    memory.copy(hiddens, hn, all);
    for (let at: usize = 0; at < 4 * all; at += 4 * row) memory.copy(activations + at, bias, 3 * row);
    forth(hn, weight, activations, n, 3 * h, h, 4 * h, packed);
    let a = activations;
    let x = gates;
    for (let s: usize = 0; s < all; s += row) {
      let t: usize = 0;
      for (; t + 16 <= row; t += 16) gruForth(x + t, a + t, row, y + s + t, hn + s + t, false);
      for (; t < row; t += 4) gruForth(x + t, a + t, row, y + s + t, hn + s + t, true);
      a += 4 * row;
      x += 3 * row;
    }
    gates += 3 * jump;
    y += jump;
    activations += 4 * jump;
    hiddens += jump;
  }
}

// @ts-ignore: decorator
@inline
function gruForth(x: usize, a: usize, row: usize, y: usize, hn: usize, one: bool): void {
  const r = sigmoid(add(get(x, one), get(a, one)));
  put(a, r, one);
  const z = sigmoid(add(get(x + row, one), get(a + row, one)));
  put(a + row, z, one);
  const fresh = tanh(add(get(x + 2 * row, one), mul(r, get(a + 2 * row, one))));
  put(a + 3 * row, fresh, one);
  const out = add(fresh, mul(z, sub(get(hn, one), fresh)));
  put(y, out, one);
  put(hn, out, one);
}

/** Gradients of {@linkcode gru_layer_f32} for a, b and the state. */
export function gru_layer_backward_f32(
  gy: usize,
  weight: usize,
  activations: usize,
  hiddens: usize,
  ga: usize,
  gb: usize,
  gh: usize,
  n: i32,
  steps: i32,
  hop: i32,
  h: i32,
  packed: i32,
): void {
  const row = <usize>h << 2;
  const jump = <usize>(hop * h) << 2;
  const all = <usize>(n * h) << 2;
  if (packed) packBack(weight, 3 * h, h);
  for (; steps > 0; steps--) {
    let a = activations;
    let at: usize = 0;
    for (let s: usize = 0; s < all; s += row) {
      let t: usize = 0;
      for (; t + 16 <= row; t += 16) {
        gruBack(gy + s + t, a + t, hiddens + s + t, ga + at + t, gb + at + t, gh + s + t, row, false);
      }
      for (; t < row; t += 4) {
        gruBack(gy + s + t, a + t, hiddens + s + t, ga + at + t, gb + at + t, gh + s + t, row, true);
      }
      a += 4 * row;
      at += 3 * row;
    }
    back(gb, weight, gh, n, 3 * h, h, packed, true);
    gy += jump;
    activations += 4 * jump;
    hiddens += jump;
    ga += 3 * jump;
    gb += 3 * jump;
  }
}

// @ts-ignore: decorator
@inline
function gruBack(
  gy: usize,
  a: usize,
  hiddens: usize,
  ga: usize,
  gb: usize,
  gh: usize,
  row: usize,
  one: bool,
): void {
  const r = get(a, one);
  const z = get(a + row, one);
  const fresh = get(a + 3 * row, one);
  const v = add(get(gy, one), get(gh, one));
  const kept = mul(v, z);
  const gn = throughTanh(sub(v, kept), fresh);
  const gz = throughSigmoid(mul(v, sub(get(hiddens, one), fresh)), z);
  const gr = throughSigmoid(mul(gn, get(a + 2 * row, one)), r);
  put(ga, gr, one);
  put(ga + row, gz, one);
  put(ga + 2 * row, gn, one);
  put(gb, gr, one);
  put(gb + row, gz, one);
  put(gb + 2 * row, mul(gn, r), one);
  put(gh, kept, one);
}
