/**
 * Loops over the outer dimensions of strided operands. Rows are kernels in the table.
 *
 * The block at `meta` holds: number of outer dimensions d, then for each its size, then for each operand d steps in
 * bytes, then room for d counters. Dimension 0 is the outermost.
 */

/** Turns the counters by one; answers the dimension that moved, or −1 at the end. Moved ones behind it are 0 again. */
// @ts-ignore: decorator
@inline
export function turn(meta: usize, count: usize, d: i32): i32 {
  let i = d - 1;
  for (; i >= 0; i--) {
    const at = count + (<usize>i << 2);
    const next = load<i32>(at) + 1;
    if (next < load<i32>(meta + 4 + (<usize>i << 2))) {
      store<i32>(at, next);
      break;
    }
    store<i32>(at, 0);
  }
  return i;
}

/** How far operand `q` moves when dimension `i` counts up and those behind it start again. */
// @ts-ignore: decorator
@inline
export function move(meta: usize, d: i32, i: i32, q: i32): usize {
  const sizes = meta + 4;
  const steps = sizes + (<usize>(d + q * d) << 2);
  let by = load<i32>(steps + (<usize>i << 2));
  for (let j = i + 1; j < d; j++) {
    by -= (load<i32>(sizes + (<usize>j << 2)) - 1) * load<i32>(steps + (<usize>j << 2));
  }
  return <usize>by;
}

/** Where the loops over `operands` count, all at 0. */
// @ts-ignore: decorator
@inline
export function start(meta: usize, d: i32, operands: i32): usize {
  const count = meta + (<usize>(1 + d * (1 + operands)) << 2);
  memory.fill(count, 0, <usize>d << 2);
  return count;
}

/** Calls rows (a, o, n, sa, so). */
export function nd_2(meta: usize, fn: i32, a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const d = load<i32>(meta);
  const count = start(meta, d, 2);
  for (;;) {
    call_indirect<void>(fn, a, o, n, sa, so);
    const i = turn(meta, count, d);
    if (i < 0) return;
    a += move(meta, d, i, 0);
    o += move(meta, d, i, 1);
  }
}

/** Calls rows (a, b, o, n, sa, sb, so). */
export function nd_3(meta: usize, fn: i32, a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32): void {
  const d = load<i32>(meta);
  const count = start(meta, d, 3);
  for (;;) {
    call_indirect<void>(fn, a, b, o, n, sa, sb, so);
    const i = turn(meta, count, d);
    if (i < 0) return;
    a += move(meta, d, i, 0);
    b += move(meta, d, i, 1);
    o += move(meta, d, i, 2);
  }
}

/** Calls rows (c, a, b, o, n, sc, sa, sb, so). */
export function nd_4(
  meta: usize,
  fn: i32,
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
  const d = load<i32>(meta);
  const count = start(meta, d, 4);
  for (;;) {
    call_indirect<void>(fn, c, a, b, o, n, sc, sa, sb, so);
    const i = turn(meta, count, d);
    if (i < 0) return;
    c += move(meta, d, i, 0);
    a += move(meta, d, i, 1);
    b += move(meta, d, i, 2);
    o += move(meta, d, i, 3);
  }
}
