/** Steps of optimizers, fused: one pass over a parameter, its gradient and its state. Outputs may be the inputs. */

import { mad, nmad } from "./fused";

/**
 * SGD with momentum. `sign` is −1 to maximize; `keep` is 1 − dampening; `nesterov` looks one step ahead.
 */
export function sgd_step_f32(
  p: usize,
  g: usize,
  b: usize,
  op: usize,
  ob: usize,
  n: i32,
  lr: f32,
  momentum: f32,
  keep: f32,
  decay: f32,
  nesterov: i32,
  sign: f32,
): void {
  const vlr = f32x4.splat(lr);
  const vm = f32x4.splat(momentum);
  const vk = f32x4.splat(keep);
  const vd = f32x4.splat(decay);
  const vs = f32x4.splat(sign);
  const all = <usize>n << 2;
  let t: usize = 0;
  for (; t + 16 <= all; t += 16) {
    const x = v128.load(p + t);
    let d = f32x4.mul(v128.load(g + t), vs);
    if (decay !== 0) d = f32x4.add(d, f32x4.mul(x, vd));
    let v = v128.load(b + t);
    if (momentum !== 0) {
      v = f32x4.add(f32x4.mul(v, vm), f32x4.mul(d, vk));
      d = nesterov ? f32x4.add(d, f32x4.mul(v, vm)) : v;
    }
    v128.store(ob + t, v);
    v128.store(op + t, f32x4.sub(x, f32x4.mul(d, vlr)));
  }
  for (; t < all; t += 4) {
    const x = load<f32>(p + t);
    let d = load<f32>(g + t) * sign;
    if (decay !== 0) d += x * decay;
    let v = load<f32>(b + t);
    if (momentum !== 0) {
      v = v * momentum + d * keep;
      d = nesterov ? d + v * momentum : v;
    }
    store<f32>(ob + t, v);
    store<f32>(op + t, x - d * lr);
  }
}

/**
 * Adam. `decay` is added to the gradient; `shrink` scales the parameter (AdamW); `rate` is lr / (1 − β₁ᵗ), `root` is
 * 1 / √(1 − β₂ᵗ); `sign` is −1 to maximize.
 */
export function adam_step_f32(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  op: usize,
  om: usize,
  ov: usize,
  n: i32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  eps: f32,
  decay: f32,
  shrink: f32,
  rate: f32,
  root: f32,
  sign: f32,
): void {
  const b1 = f32x4.splat(beta1);
  const r1 = f32x4.splat(rest1);
  const b2 = f32x4.splat(beta2);
  const r2 = f32x4.splat(rest2);
  const ve = f32x4.splat(eps);
  const vd = f32x4.splat(decay);
  const vh = f32x4.splat(shrink);
  const vr = f32x4.splat(rate);
  const vq = f32x4.splat(root);
  const vs = f32x4.splat(sign);
  const all = <usize>n << 2;
  let t: usize = 0;
  if (decay === 0) {
    // Nearly as fast as the root and the division alone.
    const rs = f32x4.mul(r1, vs);
    for (; t + 16 <= all; t += 16) {
      const x = v128.load(p + t);
      const d = v128.load(g + t);
      const a = mad(v128.load(m + t), b1, f32x4.mul(d, rs));
      const b = mad(v128.load(v + t), b2, f32x4.mul(f32x4.mul(d, d), r2));
      v128.store(om + t, a);
      v128.store(ov + t, b);
      const q = mad(f32x4.sqrt(b), vq, ve);
      v128.store(op + t, nmad(f32x4.div(a, q), vr, f32x4.mul(x, vh)));
    }
  }
  for (; t + 16 <= all; t += 16) {
    const x = v128.load(p + t);
    const d = mad(x, vd, f32x4.mul(v128.load(g + t), vs));
    const a = f32x4.add(f32x4.mul(v128.load(m + t), b1), f32x4.mul(d, r1));
    const b = f32x4.add(f32x4.mul(v128.load(v + t), b2), f32x4.mul(f32x4.mul(d, d), r2));
    v128.store(om + t, a);
    v128.store(ov + t, b);
    const q = f32x4.add(f32x4.mul(f32x4.sqrt(b), vq), ve);
    v128.store(op + t, f32x4.sub(f32x4.mul(x, vh), f32x4.mul(f32x4.div(a, q), vr)));
  }
  for (; t < all; t += 4) {
    const x = load<f32>(p + t);
    let d = load<f32>(g + t) * sign;
    if (decay !== 0) d += x * decay;
    const a = load<f32>(m + t) * beta1 + d * rest1;
    const b = load<f32>(v + t) * beta2 + d * d * rest2;
    store<f32>(om + t, a);
    store<f32>(ov + t, b);
    store<f32>(op + t, x * shrink - a / (sqrt<f32>(b) * root + eps) * rate);
  }
}
