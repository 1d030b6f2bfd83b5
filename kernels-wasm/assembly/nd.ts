/**
 * Loops over the outer dimensions of strided operands. Rows are kernels in the table.
 *
 * The block at META holds: number of outer dimensions d, then for each its size, then for each operand d steps in
 * bytes. Dimension 0 is the outermost.
 */

/** Where the host writes sizes and steps. */
const META: usize = 16384;
/** Where the loops count. */
const COUNT: usize = 24576;

/** Turns the counters by one; answers the dimension that moved, or −1 at the end. Moved ones behind it are 0 again. */
// @ts-ignore: decorator
@inline
function turn(d: i32): i32 {
  let i = d - 1;
  for (; i >= 0; i--) {
    const at = COUNT + (<usize>i << 2);
    const next = load<i32>(at) + 1;
    if (next < load<i32>(META + 4 + (<usize>i << 2))) {
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
function move(d: i32, i: i32, q: i32): usize {
  const sizes = META + 4;
  const steps = sizes + (<usize>(d + q * d) << 2);
  let by = load<i32>(steps + (<usize>i << 2));
  for (let j = i + 1; j < d; j++) {
    by -= (load<i32>(sizes + (<usize>j << 2)) - 1) * load<i32>(steps + (<usize>j << 2));
  }
  return <usize>by;
}

// @ts-ignore: decorator
@inline
function start(d: i32): void {
  memory.fill(COUNT, 0, <usize>d << 2);
}

/** Calls rows (a, o, n, sa, so). */
export function nd_2(fn: i32, a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const d = load<i32>(META);
  start(d);
  for (;;) {
    call_indirect<void>(fn, a, o, n, sa, so);
    const i = turn(d);
    if (i < 0) return;
    a += move(d, i, 0);
    o += move(d, i, 1);
  }
}

/** Calls rows (a, b, o, n, sa, sb, so). */
export function nd_3(fn: i32, a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32): void {
  const d = load<i32>(META);
  start(d);
  for (;;) {
    call_indirect<void>(fn, a, b, o, n, sa, sb, so);
    const i = turn(d);
    if (i < 0) return;
    a += move(d, i, 0);
    b += move(d, i, 1);
    o += move(d, i, 2);
  }
}

/** Calls rows (c, a, b, o, n, sc, sa, sb, so). */
export function nd_4(
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
  const d = load<i32>(META);
  start(d);
  for (;;) {
    call_indirect<void>(fn, c, a, b, o, n, sc, sa, sb, so);
    const i = turn(d);
    if (i < 0) return;
    c += move(d, i, 0);
    a += move(d, i, 1);
    b += move(d, i, 2);
    o += move(d, i, 3);
  }
}
