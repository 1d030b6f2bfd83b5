/**
 * Choosing elements by index and combining elements into places given by index.
 *
 * Indices are int32 or int64 (`wide`). One that is out of range is answered by its place in the list of indices, before
 * anything is read or written with it; −1 says that all are in range.
 */

// @ts-ignore: decorator
@inline
function indexAt(index: usize, i: i32, wide: i32): i64 {
  return wide ? load<i64>(index + (<usize>i << 3)) : <i64>load<i32>(index + (<usize>i << 2));
}

/** −1, or the place of the first index outside 0 … size − 1. */
function firstOutside(index: usize, n: i32, size: i32, wide: i32): i32 {
  let i = 0;
  if (!wide) {
    // As unsigned numbers negative ones are the largest.
    const limit = i32x4.splat(size);
    for (; i + 8 <= n; i += 8) {
      const p = index + (<usize>i << 2);
      if (v128.any_true(i32x4.ge_u(i32x4.max_u(v128.load(p), v128.load(p, 16)), limit))) break;
    }
  }
  for (; i < n; i++) if (<u64>indexAt(index, i, wide) >= <u64>size) return i;
  return -1;
}

/** Moves a run of bytes, short ones without a call. */
// @ts-ignore: decorator
@inline
function moveRun(o: usize, x: usize, bytes: usize): void {
  if (bytes === 4) store<u32>(o, load<u32>(x));
  else if (bytes === 8) store<u64>(o, load<u64>(x));
  else memory.copy(o, x, bytes);
}

/** o[a, i, :] = x[a, index[i], :] with runs of `bytes` bytes; `step` bytes from a to a in x. */
export function index_select(
  x: usize,
  index: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  bytes: i32,
  step: i32,
  wide: i32,
): i32 {
  const bad = firstOutside(index, n, size, wide);
  if (bad >= 0) return bad;
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      moveRun(o, x + <usize>indexAt(index, i, wide) * <usize>bytes, <usize>bytes);
      o += <usize>bytes;
    }
    x += <usize>step;
  }
  return -1;
}

/** o[a, index[i], :] = source[a, i, :] with runs of `bytes` bytes. */
export function index_set(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  bytes: i32,
  wide: i32,
): i32 {
  const bad = firstOutside(index, n, size, wide);
  if (bad >= 0) return bad;
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      moveRun(o + <usize>indexAt(index, i, wide) * <usize>bytes, source, <usize>bytes);
      source += <usize>bytes;
    }
    o += <usize>size * <usize>bytes;
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function addRun<T>(o: usize, x: usize, n: i32): void {
  const all = <usize>n * sizeof<T>();
  let t: usize = 0;
  for (; t + 16 <= all; t += 16) v128.store(o + t, v128.add<T>(v128.load(o + t), v128.load(x + t)));
  for (; t < all; t += sizeof<T>()) store<T>(o + t, <T>(load<T>(o + t) + load<T>(x + t)));
}

/** o[a, index[i], :] += source[a, i, :] with runs of `inner` elements. */
// @ts-ignore: decorator
@inline
function indexAdd<T>(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  wide: i32,
): i32 {
  const bad = firstOutside(index, n, size, wide);
  if (bad >= 0) return bad;
  const run = <usize>inner * sizeof<T>();
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      addRun<T>(o + <usize>indexAt(index, i, wide) * run, source, inner);
      source += run;
    }
    o += <usize>size * run;
  }
  return -1;
}

/** o[a, i, b] = x[a, index[a, i, b], b]. */
// @ts-ignore: decorator
@inline
function gather<T>(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  const bad = firstOutside(index, outer * n * inner, size, wide);
  if (bad >= 0) return bad;
  if (inner === 1) {
    const shift: usize = wide ? 3 : 2;
    for (; outer > 0; outer--) {
      for (const end = o + <usize>n * sizeof<T>(); o < end; o += sizeof<T>()) {
        store<T>(o, load<T>(x + <usize>load<u32>(index) * sizeof<T>()));
        index += <usize>1 << shift;
      }
      x += <usize>size * sizeof<T>();
    }
    return -1;
  }
  let at = 0;
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      for (let b = 0; b < inner; b++) {
        const k = <usize>indexAt(index, at++, wide) * <usize>inner + <usize>b;
        store<T>(o, load<T>(x + k * sizeof<T>()));
        o += sizeof<T>();
      }
    }
    x += <usize>size * <usize>inner * sizeof<T>();
  }
  return -1;
}

/** o[a, index[a, i, b], b] = source[a, i, b], or += where `add` holds. */
// @ts-ignore: decorator
@inline
function scatter<T>(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  wide: i32,
  add: bool,
): i32 {
  const bad = firstOutside(index, outer * n * inner, size, wide);
  if (bad >= 0) return bad;
  if (inner === 1) {
    const shift: usize = wide ? 3 : 2;
    for (; outer > 0; outer--) {
      for (const end = source + <usize>n * sizeof<T>(); source < end; source += sizeof<T>()) {
        const q = o + <usize>load<u32>(index) * sizeof<T>();
        store<T>(q, add ? <T>(load<T>(q) + load<T>(source)) : load<T>(source));
        index += <usize>1 << shift;
      }
      o += <usize>size * sizeof<T>();
    }
    return -1;
  }
  let at = 0;
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      for (let b = 0; b < inner; b++) {
        const k = <usize>indexAt(index, at++, wide) * <usize>inner + <usize>b;
        const q = o + k * sizeof<T>();
        store<T>(q, add ? <T>(load<T>(q) + load<T>(source)) : load<T>(source));
        source += sizeof<T>();
      }
    }
    o += <usize>size * <usize>inner * sizeof<T>();
  }
  return -1;
}

export function index_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return indexAdd<f32>(index, source, o, outer, size, n, inner, wide);
}
export function scatter_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<f32>(index, source, o, outer, size, n, inner, wide, true);
}

export function index_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return indexAdd<f64>(index, source, o, outer, size, n, inner, wide);
}
export function scatter_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<f64>(index, source, o, outer, size, n, inner, wide, true);
}

export function index_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return indexAdd<i32>(index, source, o, outer, size, n, inner, wide);
}
export function scatter_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<i32>(index, source, o, outer, size, n, inner, wide, true);
}

export function index_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return indexAdd<i64>(index, source, o, outer, size, n, inner, wide);
}
export function scatter_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<i64>(index, source, o, outer, size, n, inner, wide, true);
}

export function gather_8(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u8>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_8(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<u8>(index, source, o, outer, size, n, inner, wide, false);
}

export function gather_16(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u16>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_16(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<u16>(index, source, o, outer, size, n, inner, wide, false);
}

export function gather_32(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u32>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<u32>(index, source, o, outer, size, n, inner, wide, false);
}

export function gather_64(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u64>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return scatter<u64>(index, source, o, outer, size, n, inner, wide, false);
}
