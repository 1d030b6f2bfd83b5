/**
 * Running products and extremes along a dimension, a few lines at a time: each step of a line waits for the one before.
 *
 * x [outer, n, inner] → as much, lines along n.
 */

/** Running products of one line, in type A. */
// @ts-ignore: decorator
@inline
function multiplyLine<T, A>(x: usize, o: usize, n: i32, step: usize): void {
  let total: A = <A>1;
  for (; n > 0; n--) {
    total *= <A>load<T>(x);
    store<T>(o, <T>total);
    x += step;
    o += step;
  }
}

/** As {@linkcode multiplyLine} for four lines, `apart` bytes from one another. */
// @ts-ignore: decorator
@inline
function multiplyLines<T, A>(x: usize, o: usize, n: i32, step: usize, apart: usize): void {
  let a: A = <A>1;
  let b: A = <A>1;
  let c: A = <A>1;
  let d: A = <A>1;
  for (; n > 0; n--) {
    a *= <A>load<T>(x);
    b *= <A>load<T>(x + apart);
    c *= <A>load<T>(x + 2 * apart);
    d *= <A>load<T>(x + 3 * apart);
    store<T>(o, <T>a);
    store<T>(o + apart, <T>b);
    store<T>(o + 2 * apart, <T>c);
    store<T>(o + 3 * apart, <T>d);
    x += step;
    o += step;
  }
}

// @ts-ignore: decorator
@inline
function products<T, A>(x: usize, o: usize, outer: i32, n: i32, inner: i32): void {
  const step = <usize>inner * sizeof<T>();
  const line = <usize>n * step;
  if (inner === 1) {
    for (; outer >= 4; outer -= 4) {
      multiplyLines<T, A>(x, o, n, step, line);
      x += 4 * line;
      o += 4 * line;
    }
  }
  for (; outer > 0; outer--) {
    let j = 0;
    for (; j + 4 <= inner; j += 4) {
      const at = <usize>j * sizeof<T>();
      multiplyLines<T, A>(x + at, o + at, n, step, sizeof<T>());
    }
    for (; j < inner; j++) multiplyLine<T, A>(x + <usize>j * sizeof<T>(), o + <usize>j * sizeof<T>(), n, step);
    x += line;
    o += line;
  }
}

/** Whether `v` takes the place of `best`: the last among equals does, and a NaN, which only another one replaces. */
// @ts-ignore: decorator
@inline
function replaces<T>(v: T, best: T, least: bool): bool {
  if (isFloat<T>()) return (least ? v <= best : v >= best) || v != v;
  return least ? v <= best : v >= best;
}

/** The further of two, lane by lane; the first of equals, and of floats without order. */
// @ts-ignore: decorator
@inline
function further<T>(a: v128, b: v128, least: bool): v128 {
  if (isFloat<T>()) return least ? f32x4.pmin(a, b) : f32x4.pmax(a, b);
  return least ? i32x4.min_s(a, b) : i32x4.max_s(a, b);
}

/**
 * Running extremes of one row of 32-bit elements: within each vector by halves, then with the best before. An element is
 * taken where it equals the running extreme, so places are the running maximum of those that are taken.
 *
 * Vectors with NaN, or where the extreme is a zero (whose sign is that of the last one), go element by element.
 */
// @ts-ignore: decorator
@inline
function extremeRow<T>(x: usize, o: usize, places: usize, n: i32, least: bool): void {
  let best = v128.load32_splat(x);
  let place = i32x4.splat(0);
  let here = i32x4(0, 1, 2, 3);
  const four = i32x4.splat(4);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x);
    let m = further<T>(v, i32x4.shuffle(v, v, 0, 0, 1, 2), least);
    m = further<T>(best, further<T>(m, i32x4.shuffle(m, m, 0, 1, 0, 1), least), least);
    const plain = isFloat<T>()
      ? i32x4.all_true(v128.and(v128.and(f32x4.eq(v, v), f32x4.ne(m, f32x4.splat(0))), f32x4.eq(best, best)))
      : true;
    if (plain) {
      const taken = isFloat<T>() ? f32x4.eq(v, m) : i32x4.eq(v, m);
      let p = v128.and(here, taken);
      p = i32x4.max_s(p, i32x4.shuffle(p, p, 0, 0, 1, 2));
      p = i32x4.max_s(place, i32x4.max_s(p, i32x4.shuffle(p, p, 0, 1, 0, 1)));
      v128.store(o, m);
      v128.store(places, p);
      best = i32x4.shuffle(m, m, 3, 3, 3, 3);
      place = i32x4.shuffle(p, p, 3, 3, 3, 3);
    } else {
      extremePart<T>(x, o, places, i, i + 4, 1, reinterpretLane<T>(best), i32x4.extract_lane(place, 0), least);
      best = v128.load32_splat(o + 12);
      place = v128.load32_splat(places + 12);
    }
    here = i32x4.add(here, four);
    x += 16;
    o += 16;
    places += 16;
  }
  extremePart<T>(x, o, places, i, n, 1, reinterpretLane<T>(best), i32x4.extract_lane(place, 0), least);
}

// @ts-ignore: decorator
@inline
function reinterpretLane<T>(v: v128): T {
  if (isFloat<T>()) return <T>f32x4.extract_lane(v, 0);
  return <T>i32x4.extract_lane(v, 0);
}

/** Running extremes of one line and their places in it. */
// @ts-ignore: decorator
@inline
function extremeLine<T>(x: usize, o: usize, places: usize, n: i32, inner: i32, least: bool): void {
  extremePart<T>(x, o, places, 0, n, inner, load<T>(x), 0, least);
}

/** Those of places `i` to `n`, from the best before and its place on. */
function extremePart<T>(
  x: usize,
  o: usize,
  places: usize,
  i: i32,
  n: i32,
  inner: i32,
  best: T,
  place: i32,
  least: bool,
): void {
  for (; i < n; i++) {
    const v = load<T>(x);
    const taken = replaces<T>(v, best, least);
    best = select<T>(v, best, taken);
    place = select<i32>(i, place, taken);
    store<T>(o, best);
    store<i32>(places, place);
    x += <usize>inner * sizeof<T>();
    o += <usize>inner * sizeof<T>();
    places += <usize>inner << 2;
  }
}

/** As {@linkcode extremeLine} for four lines, `lines` elements apart. */
// @ts-ignore: decorator
@inline
function extremeLines<T>(x: usize, o: usize, places: usize, n: i32, inner: i32, lines: i32, least: bool): void {
  const apart = <usize>lines * sizeof<T>();
  const gap = <usize>lines << 2;
  let a = load<T>(x);
  let b = load<T>(x + apart);
  let c = load<T>(x + 2 * apart);
  let d = load<T>(x + 3 * apart);
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  for (let i = 0; i < n; i++) {
    const v0 = load<T>(x);
    const v1 = load<T>(x + apart);
    const v2 = load<T>(x + 2 * apart);
    const v3 = load<T>(x + 3 * apart);
    const t0 = replaces<T>(v0, a, least);
    const t1 = replaces<T>(v1, b, least);
    const t2 = replaces<T>(v2, c, least);
    const t3 = replaces<T>(v3, d, least);
    a = select<T>(v0, a, t0);
    b = select<T>(v1, b, t1);
    c = select<T>(v2, c, t2);
    d = select<T>(v3, d, t3);
    p = select<i32>(i, p, t0);
    q = select<i32>(i, q, t1);
    r = select<i32>(i, r, t2);
    s = select<i32>(i, s, t3);
    store<T>(o, a);
    store<T>(o + apart, b);
    store<T>(o + 2 * apart, c);
    store<T>(o + 3 * apart, d);
    store<i32>(places, p);
    store<i32>(places + gap, q);
    store<i32>(places + 2 * gap, r);
    store<i32>(places + 3 * gap, s);
    x += <usize>inner * sizeof<T>();
    o += <usize>inner * sizeof<T>();
    places += <usize>inner << 2;
  }
}

// @ts-ignore: decorator
@inline
function extremes<T>(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32, least: bool): void {
  const line = <usize>(n * inner);
  for (; outer > 0; outer--) {
    let j = 0;
    if (sizeof<T>() === 4 && inner === 1) {
      extremeRow<T>(x, o, places, n, least);
      j = 1;
    }
    for (; j + 4 <= inner; j += 4) {
      const at = <usize>j * sizeof<T>();
      extremeLines<T>(x + at, o + at, places + (<usize>j << 2), n, inner, 1, least);
    }
    for (; j < inner; j++) {
      const at = <usize>j * sizeof<T>();
      extremeLine<T>(x + at, o + at, places + (<usize>j << 2), n, inner, least);
    }
    x += line * sizeof<T>();
    o += line * sizeof<T>();
    places += line << 2;
  }
}

export function cumprod_f32(x: usize, o: usize, outer: i32, n: i32, inner: i32): void {
  products<f32, f64>(x, o, outer, n, inner);
}
export function cumprod_f64(x: usize, o: usize, outer: i32, n: i32, inner: i32): void {
  products<f64, f64>(x, o, outer, n, inner);
}
export function cumprod_i32(x: usize, o: usize, outer: i32, n: i32, inner: i32): void {
  products<i32, i32>(x, o, outer, n, inner);
}
export function cumprod_i64(x: usize, o: usize, outer: i32, n: i32, inner: i32): void {
  products<i64, i64>(x, o, outer, n, inner);
}
export function cummax_f32(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<f32>(x, o, places, outer, n, inner, false);
}
export function cummin_f32(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<f32>(x, o, places, outer, n, inner, true);
}
export function cummax_f64(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<f64>(x, o, places, outer, n, inner, false);
}
export function cummin_f64(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<f64>(x, o, places, outer, n, inner, true);
}
export function cummax_i32(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<i32>(x, o, places, outer, n, inner, false);
}
export function cummin_i32(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<i32>(x, o, places, outer, n, inner, true);
}
export function cummax_i64(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<i64>(x, o, places, outer, n, inner, false);
}
export function cummin_i64(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32): void {
  extremes<i64>(x, o, places, outer, n, inner, true);
}
