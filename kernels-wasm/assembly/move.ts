/** Moving a few bytes. */

/** Moves `n` bytes that do not overlap, without a call where they are few: the last vector may cover some of the one before. */
// @ts-ignore: decorator
@inline
export function moveFew(a: usize, o: usize, n: usize): void {
  if (n > 512) memory.copy(o, a, n);
  else if (n >= 16) {
    const last = n - 16;
    let t: usize = 0;
    for (; t + 64 <= n; t += 64) {
      const v0 = v128.load(a + t);
      const v1 = v128.load(a + t, 16);
      const v2 = v128.load(a + t, 32);
      const v3 = v128.load(a + t, 48);
      v128.store(o + t, v0);
      v128.store(o + t, v1, 16);
      v128.store(o + t, v2, 32);
      v128.store(o + t, v3, 48);
    }
    for (; t < last; t += 16) v128.store(o + t, v128.load(a + t));
    if (t < n) v128.store(o + last, v128.load(a + last));
  } else if (n >= 8) {
    const tail = load<u64>(a + n - 8);
    store<u64>(o, load<u64>(a));
    store<u64>(o + n - 8, tail);
  } else if (n >= 4) {
    const tail = load<u32>(a + n - 4);
    store<u32>(o, load<u32>(a));
    store<u32>(o + n - 4, tail);
  } else {
    for (let t: usize = 0; t < n; t++) store<u8>(o + t, load<u8>(a + t));
  }
}
