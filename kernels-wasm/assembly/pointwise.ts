/**
 * Loops of pointwise kernels: one template for every op and element type.
 *
 * An op is a class of size zero: `v` works on a vector, `s` on one element. A row of `n` elements has a step for each
 * operand, in elements; the steps 1 and 0 run by vectors, others one by one. Rows with an op that has vectors only
 * pass their last elements through a vector too, so an element's value does not depend on its place.
 */

/** The element at `p`, in all lanes or alone. */
// @ts-ignore: decorator
@inline
function at<T>(p: usize, i: i32): usize {
  return p + <usize>i * sizeof<T>();
}

/** A row of an op of one operand, T → T. */
// @ts-ignore: decorator
@inline
export function unary<T, Op>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (sa === 1 && so === 1 && isVectored<T, Op>()) {
    const lanes = 16 / sizeof<T>();
    const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
    const end2 = o + (<usize>n & ~(2 * lanes - 1)) * sizeof<T>();
    while (o < end2) {
      const x0 = v128.load(a);
      const x1 = v128.load(a, 16);
      v128.store(o, op.v<T>(x0));
      v128.store(o, op.v<T>(x1), 16);
      a += 32;
      o += 32;
    }
    if (o < end) {
      v128.store(o, op.v<T>(v128.load(a)));
      a += 16;
      o += 16;
    }
    for (let i = n & (lanes - 1); i > 0; i--) {
      store<T>(o, op.s<T>(load<T>(a)));
      a += sizeof<T>();
      o += sizeof<T>();
    }
    return;
  }
  const da = <usize>sa * sizeof<T>();
  const dq = <usize>so * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(o, op.s<T>(load<T>(a)));
    a += da;
    o += dq;
  }
}

/** A row of an op of one float32 operand whose form for ordinary values is tried on eight at a time. */
// @ts-ignore: decorator
@inline
export function guarded<T, Op>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (sa === 1 && so === 1) {
    const end = o + ((<usize>n & ~7) << 2);
    while (o < end) {
      const x0 = v128.load(a);
      const x1 = v128.load(a, 16);
      if (op.stray(x0, x1)) {
        v128.store(o, op.v<T>(x0));
        v128.store(o, op.v<T>(x1), 16);
      } else {
        v128.store(o, op.near(x0));
        v128.store(o, op.near(x1), 16);
      }
      a += 32;
      o += 32;
    }
    n &= 7;
  }
  unary<T, Op>(a, o, n, sa, so);
}

/** As {@linkcode unary} for a cheap op: eight vectors at a time, where single ones would wait for the loop. */
// @ts-ignore: decorator
@inline
export function unaryWide<T, Op>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (sa === 1 && so === 1) {
    const lanes = 128 / sizeof<T>();
    const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
    while (o < end) {
      v128.store(o, op.v<T>(v128.load(a)));
      v128.store(o, op.v<T>(v128.load(a, 16)), 16);
      v128.store(o, op.v<T>(v128.load(a, 32)), 32);
      v128.store(o, op.v<T>(v128.load(a, 48)), 48);
      v128.store(o, op.v<T>(v128.load(a, 64)), 64);
      v128.store(o, op.v<T>(v128.load(a, 80)), 80);
      v128.store(o, op.v<T>(v128.load(a, 96)), 96);
      v128.store(o, op.v<T>(v128.load(a, 112)), 112);
      a += 128;
      o += 128;
    }
    n &= <i32>(lanes - 1);
  }
  unary<T, Op>(a, o, n, sa, so);
}

/** A row of an op of two operands, T, T → T. */
// @ts-ignore: decorator
@inline
export function binary<T, Op>(a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (so === 1 && isVectored<T, Op>()) {
    const lanes = 16 / sizeof<T>();
    const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
    const end2 = o + (<usize>n & ~(2 * lanes - 1)) * sizeof<T>();
    if (sa === 1 && sb === 1) {
      while (o < end2) {
        const x0 = v128.load(a);
        const x1 = v128.load(a, 16);
        const y0 = v128.load(b);
        const y1 = v128.load(b, 16);
        v128.store(o, op.v<T>(x0, y0));
        v128.store(o, op.v<T>(x1, y1), 16);
        a += 32;
        b += 32;
        o += 32;
      }
      if (o < end) {
        v128.store(o, op.v<T>(v128.load(a), v128.load(b)));
        a += 16;
        b += 16;
        o += 16;
      }
      for (let i = n & (lanes - 1); i > 0; i--) {
        store<T>(o, op.s<T>(load<T>(a), load<T>(b)));
        a += sizeof<T>();
        b += sizeof<T>();
        o += sizeof<T>();
      }
      return;
    }
    if (sa === 1 && sb === 0) {
      const y = v128.splat<T>(load<T>(b));
      const s = load<T>(b);
      while (o < end2) {
        const x0 = v128.load(a);
        const x1 = v128.load(a, 16);
        v128.store(o, op.v<T>(x0, y));
        v128.store(o, op.v<T>(x1, y), 16);
        a += 32;
        o += 32;
      }
      if (o < end) {
        v128.store(o, op.v<T>(v128.load(a), y));
        a += 16;
        o += 16;
      }
      for (let i = n & (lanes - 1); i > 0; i--) {
        store<T>(o, op.s<T>(load<T>(a), s));
        a += sizeof<T>();
        o += sizeof<T>();
      }
      return;
    }
    if (sa === 0 && sb === 1) {
      const x = v128.splat<T>(load<T>(a));
      const s = load<T>(a);
      while (o < end) {
        v128.store(o, op.v<T>(x, v128.load(b)));
        b += 16;
        o += 16;
      }
      for (let i = n & (lanes - 1); i > 0; i--) {
        store<T>(o, op.s<T>(s, load<T>(b)));
        b += sizeof<T>();
        o += sizeof<T>();
      }
      return;
    }
  }
  const da = <usize>sa * sizeof<T>();
  const db = <usize>sb * sizeof<T>();
  const dq = <usize>so * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(o, op.s<T>(load<T>(a), load<T>(b)));
    a += da;
    b += db;
    o += dq;
  }
}

/**
 * As {@linkcode binary} for a cheap op: two cache lines at a time. Where both operands are rows, one address moves and theirs
 * are found from it: in caches that takes a tenth less time than a line at a time with three addresses that move.
 */
// @ts-ignore: decorator
@inline
export function binaryWide<T, Op>(a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (sa === 1 && so === 1) {
    if (sb === 1) {
      const lanes = 128 / sizeof<T>();
      const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
      const toA = a - o;
      const toB = b - o;
      while (o < end) {
        const x = o + toA;
        const y = o + toB;
        v128.store(o, op.v<T>(v128.load(x), v128.load(y)));
        v128.store(o, op.v<T>(v128.load(x, 16), v128.load(y, 16)), 16);
        v128.store(o, op.v<T>(v128.load(x, 32), v128.load(y, 32)), 32);
        v128.store(o, op.v<T>(v128.load(x, 48), v128.load(y, 48)), 48);
        v128.store(o, op.v<T>(v128.load(x, 64), v128.load(y, 64)), 64);
        v128.store(o, op.v<T>(v128.load(x, 80), v128.load(y, 80)), 80);
        v128.store(o, op.v<T>(v128.load(x, 96), v128.load(y, 96)), 96);
        v128.store(o, op.v<T>(v128.load(x, 112), v128.load(y, 112)), 112);
        o += 128;
      }
      a = o + toA;
      b = o + toB;
      n &= <i32>(lanes - 1);
    } else if (sb === 0) {
      const lanes = 128 / sizeof<T>();
      const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
      const y = v128.splat<T>(load<T>(b));
      while (o < end) {
        v128.store(o, op.v<T>(v128.load(a), y));
        v128.store(o, op.v<T>(v128.load(a, 16), y), 16);
        v128.store(o, op.v<T>(v128.load(a, 32), y), 32);
        v128.store(o, op.v<T>(v128.load(a, 48), y), 48);
        v128.store(o, op.v<T>(v128.load(a, 64), y), 64);
        v128.store(o, op.v<T>(v128.load(a, 80), y), 80);
        v128.store(o, op.v<T>(v128.load(a, 96), y), 96);
        v128.store(o, op.v<T>(v128.load(a, 112), y), 112);
        a += 128;
        o += 128;
      }
      n &= <i32>(lanes - 1);
    }
  }
  binary<T, Op>(a, b, o, n, sa, sb, so);
}

/** A row of a comparison, T, T → bool. */
// @ts-ignore: decorator
@inline
export function compare<T, Op>(a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (so === 1 && sa === 1 && sb <= 1 && sb >= 0 && sizeof<T>() === 4) {
    const end = o + (<usize>n & ~15);
    const step = sb * 16;
    let y = v128.splat<T>(load<T>(b));
    while (o < end) {
      if (sb) y = v128.load(b);
      const m0 = op.v<T>(v128.load(a), y);
      if (sb) y = v128.load(b, 16);
      const m1 = op.v<T>(v128.load(a, 16), y);
      if (sb) y = v128.load(b, 32);
      const m2 = op.v<T>(v128.load(a, 32), y);
      if (sb) y = v128.load(b, 48);
      const m3 = op.v<T>(v128.load(a, 48), y);
      const m = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(m0, m1), i16x8.narrow_i32x4_s(m2, m3));
      v128.store(o, v128.and(m, i8x16.splat(1)));
      a += 64;
      b += <usize>(4 * step);
      o += 16;
    }
    n &= 15;
  }
  const da = <usize>sa * sizeof<T>();
  const db = <usize>sb * sizeof<T>();
  for (; n > 0; n--) {
    store<u8>(o, <u8>op.s<T>(load<T>(a), load<T>(b)));
    a += da;
    b += db;
    o += <usize>so;
  }
}

/** A row of an op of one operand that answers a truth, T → bool. */
// @ts-ignore: decorator
@inline
export function test<T, Op>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const op = changetype<Op>(0);
  if (sa === 1 && so === 1) {
    for (; n >= 16; n -= 16) {
      let m = op.v<T>(v128.load(a));
      if (sizeof<T>() === 2) m = i8x16.narrow_i16x8_s(m, op.v<T>(v128.load(a, 16)));
      if (sizeof<T>() === 4) {
        m = i16x8.narrow_i32x4_s(m, op.v<T>(v128.load(a, 16)));
        m = i8x16.narrow_i16x8_s(m, i16x8.narrow_i32x4_s(op.v<T>(v128.load(a, 32)), op.v<T>(v128.load(a, 48))));
      }
      if (sizeof<T>() === 8) {
        // As lanes of 32 bits, each truth is there twice.
        m = i16x8.narrow_i32x4_s(m, op.v<T>(v128.load(a, 16)));
        const m1 = i16x8.narrow_i32x4_s(op.v<T>(v128.load(a, 32)), op.v<T>(v128.load(a, 48)));
        const m2 = i16x8.narrow_i32x4_s(op.v<T>(v128.load(a, 64)), op.v<T>(v128.load(a, 80)));
        const m3 = i16x8.narrow_i32x4_s(op.v<T>(v128.load(a, 96)), op.v<T>(v128.load(a, 112)));
        m = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(m, m1), i16x8.narrow_i32x4_s(m2, m3));
      }
      v128.store(o, v128.and(m, i8x16.splat(1)));
      a += 16 * sizeof<T>();
      o += 16;
    }
  }
  const da = <usize>sa * sizeof<T>();
  for (; n > 0; n--) {
    store<u8>(o, <u8>op.s<T>(load<T>(a)));
    a += da;
    o += <usize>so;
  }
}

/** True when `Op` has vectors of T. */
// @ts-ignore: decorator
@inline
function isVectored<T, Op>(): bool {
  return changetype<Op>(0).has<T>();
}

/** Lanes of `x` where those of the mask are all ones, of `y` where they are 0. */
// @ts-ignore: decorator
@inline
function pick(x: v128, y: v128, mask: v128): v128 {
  return i8x16.relaxed_laneselect(x, y, mask);
}

/** A row of `where`: bool, T, T → T, by bits. */
// @ts-ignore: decorator
@inline
export function where<T>(
  c: usize,
  a: usize,
  b: usize,
  o: usize,
  n: i32,
  sc: i32,
  sa: i32,
  sb: i32,
  so: i32,
): void {
  if (sizeof<T>() <= 4 && sizeof<T>() !== 2 && sc === 1 && so === 1 && (sa === 1 || sa === 0) && (sb === 1 || sb === 0)) {
    const ia = <usize>sa * 16 * sizeof<T>();
    const ib = <usize>sb * 16 * sizeof<T>();
    const x = v128.splat<T>(load<T>(a));
    const y = v128.splat<T>(load<T>(b));
    for (; n >= 16; n -= 16) {
      // All ones where the condition is 0.
      const m = i8x16.eq(v128.load(c), i8x16.splat(0));
      if (sizeof<T>() === 1) {
        v128.store(o, pick(sb ? v128.load(b) : y, sa ? v128.load(a) : x, m));
      } else {
        const low = i16x8.extend_low_i8x16_s(m);
        const high = i16x8.extend_high_i8x16_s(m);
        const m0 = i32x4.extend_low_i16x8_s(low);
        const m1 = i32x4.extend_high_i16x8_s(low);
        const m2 = i32x4.extend_low_i16x8_s(high);
        const m3 = i32x4.extend_high_i16x8_s(high);
        v128.store(o, pick(sb ? v128.load(b) : y, sa ? v128.load(a) : x, m0));
        v128.store(o, pick(sb ? v128.load(b, 16) : y, sa ? v128.load(a, 16) : x, m1), 16);
        v128.store(o, pick(sb ? v128.load(b, 32) : y, sa ? v128.load(a, 32) : x, m2), 32);
        v128.store(o, pick(sb ? v128.load(b, 48) : y, sa ? v128.load(a, 48) : x, m3), 48);
      }
      a += ia;
      b += ib;
      c += 16;
      o += 16 * sizeof<T>();
    }
  }
  const dc = <usize>sc;
  const da = <usize>sa * sizeof<T>();
  const db = <usize>sb * sizeof<T>();
  const dq = <usize>so * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(o, load<u8>(c) ? load<T>(a) : load<T>(b));
    c += dc;
    a += da;
    b += db;
    o += dq;
  }
}

/** x limited to low … high; NaN passes. */
export function clamp_f32(a: usize, o: usize, n: i32, low: f32, high: f32): void {
  const lo = f32x4.splat(low);
  const hi = f32x4.splat(high);
  const end = o + ((<usize>n & ~3) << 2);
  const end4 = o + ((<usize>n & ~15) << 2);
  while (o < end4) {
    v128.store(o, f32x4.pmin(f32x4.pmax(v128.load(a), lo), hi));
    v128.store(o, f32x4.pmin(f32x4.pmax(v128.load(a, 16), lo), hi), 16);
    v128.store(o, f32x4.pmin(f32x4.pmax(v128.load(a, 32), lo), hi), 32);
    v128.store(o, f32x4.pmin(f32x4.pmax(v128.load(a, 48), lo), hi), 48);
    a += 64;
    o += 64;
  }
  while (o < end) {
    v128.store(o, f32x4.pmin(f32x4.pmax(v128.load(a), lo), hi));
    a += 16;
    o += 16;
  }
  for (let i = n & 3; i > 0; i--) {
    let x = load<f32>(a);
    if (x < low) x = low;
    if (high < x) x = high;
    store<f32>(o, x);
    a += 4;
    o += 4;
  }
}

/** x limited to low … high; NaN passes. */
export function clamp_f64(a: usize, o: usize, n: i32, low: f64, high: f64): void {
  for (; n > 0; n--) {
    let x = load<f64>(a);
    if (x < low) x = low;
    if (high < x) x = high;
    store<f64>(o, x);
    a += 8;
    o += 8;
  }
}

/** x + alpha · y, by the loop of {@linkcode binaryWide}. */
export function add_scaled_f32(a: usize, b: usize, o: usize, n: i32, alpha: f32): void {
  const s = f32x4.splat(alpha);
  const end = o + ((<usize>n & ~3) << 2);
  const end8 = o + ((<usize>n & ~31) << 2);
  const toA = a - o;
  const toB = b - o;
  while (o < end8) {
    const x = o + toA;
    const y = o + toB;
    v128.store(o, f32x4.add(v128.load(x), f32x4.mul(s, v128.load(y))));
    v128.store(o, f32x4.add(v128.load(x, 16), f32x4.mul(s, v128.load(y, 16))), 16);
    v128.store(o, f32x4.add(v128.load(x, 32), f32x4.mul(s, v128.load(y, 32))), 32);
    v128.store(o, f32x4.add(v128.load(x, 48), f32x4.mul(s, v128.load(y, 48))), 48);
    v128.store(o, f32x4.add(v128.load(x, 64), f32x4.mul(s, v128.load(y, 64))), 64);
    v128.store(o, f32x4.add(v128.load(x, 80), f32x4.mul(s, v128.load(y, 80))), 80);
    v128.store(o, f32x4.add(v128.load(x, 96), f32x4.mul(s, v128.load(y, 96))), 96);
    v128.store(o, f32x4.add(v128.load(x, 112), f32x4.mul(s, v128.load(y, 112))), 112);
    o += 128;
  }
  a = o + toA;
  b = o + toB;
  while (o < end) {
    v128.store(o, f32x4.add(v128.load(a), f32x4.mul(s, v128.load(b))));
    a += 16;
    b += 16;
    o += 16;
  }
  for (let i = n & 3; i > 0; i--) {
    store<f32>(o, load<f32>(a) + alpha * load<f32>(b));
    a += 4;
    b += 4;
    o += 4;
  }
}

/** x + alpha · y. */
export function add_scaled_f64(a: usize, b: usize, o: usize, n: i32, alpha: f64): void {
  for (; n > 0; n--) {
    store<f64>(o, load<f64>(a) + alpha * load<f64>(b));
    a += 8;
    b += 8;
    o += 8;
  }
}
