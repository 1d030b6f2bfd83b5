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

/** Running extremes of one line and their places in it. */
// @ts-ignore: decorator
@inline
function extremeLine<T>(x: usize, o: usize, places: usize, n: i32, inner: i32, least: bool): void {
  let best = load<T>(x);
  let place = 0;
  for (let i = 0; i < n; i++) {
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

/** As {@linkcode extremeLine} for two lines, `lines` elements apart. */
// @ts-ignore: decorator
@inline
function extremeLines<T>(x: usize, o: usize, places: usize, n: i32, inner: i32, lines: i32, least: bool): void {
  const apart = <usize>lines * sizeof<T>();
  let a = load<T>(x);
  let b = load<T>(x + apart);
  let p = 0;
  let q = 0;
  for (let i = 0; i < n; i++) {
    const v = load<T>(x);
    const w = load<T>(x + apart);
    const first = replaces<T>(v, a, least);
    const second = replaces<T>(w, b, least);
    a = select<T>(v, a, first);
    b = select<T>(w, b, second);
    p = select<i32>(i, p, first);
    q = select<i32>(i, q, second);
    store<T>(o, a);
    store<T>(o + apart, b);
    store<i32>(places, p);
    store<i32>(places + (<usize>lines << 2), q);
    x += <usize>inner * sizeof<T>();
    o += <usize>inner * sizeof<T>();
    places += <usize>inner << 2;
  }
}

// @ts-ignore: decorator
@inline
function extremes<T>(x: usize, o: usize, places: usize, outer: i32, n: i32, inner: i32, least: bool): void {
  const line = <usize>(n * inner);
  if (inner === 1) {
    for (; outer >= 2; outer -= 2) {
      extremeLines<T>(x, o, places, n, 1, n, least);
      x += 2 * line * sizeof<T>();
      o += 2 * line * sizeof<T>();
      places += line << 3;
    }
  }
  for (; outer > 0; outer--) {
    let j = 0;
    for (; j + 2 <= inner; j += 2) {
      const at = <usize>j * sizeof<T>();
      extremeLines<T>(x + at, o + at, places + (<usize>j << 2), n, inner, 1, least);
    }
    if (j < inner) {
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
