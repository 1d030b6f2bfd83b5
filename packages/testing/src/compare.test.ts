import { bfloat16, float16, float32, float64, int32, int64 } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { elementsOf, hostTensor, seenBy } from "./host_tensor.ts";
import { GAP, layouts, place } from "./layouts.ts";
import { difference, tolerances, within } from "./tolerance.ts";

const exact = tolerances.exact(float32);

describe("difference", () => {
  test("finds shape, dtype and the first element that is off", () => {
    const x = hostTensor([1, 2, 3], [3], float32);
    expect(difference(x, x, exact)).toBeNull();
    expect(difference(hostTensor([1, 2, 3], [1, 3], float32), x, exact)).toMatch(
      /float32\[1,3\] for float32\[3\]/,
    );
    expect(difference(hostTensor([1, 2, 3], [3], float64), x, exact)).toMatch(/float64/);
    expect(difference(hostTensor([1, 2.5, 4], [3], float32), x, exact)).toBe(
      "element 1 of 3 is 2.5, expected 2",
    );
  });

  test("integers are exact whatever the class, also beyond 2^53", () => {
    const bound = tolerances.factorized(float32);
    expect(difference(hostTensor([7], [1], int32), hostTensor([8], [1], int32), bound)).not.toBeNull();
    const big = 2n ** 60n;
    expect(difference(hostTensor([big + 1n], [1], int64), hostTensor([big], [1], int64), bound)).not
      .toBeNull();
  });

  test("NaN is NaN, infinities have signs, −0 is 0", () => {
    const all = [NaN, Infinity, -Infinity, 0];
    for (const got of all) {
      for (const want of all) expect(within(got, want, exact), `${got} ${want}`).toBe(Object.is(got, want));
    }
    expect(within(-0, 0, exact)).toBe(true);
    const wide = tolerances.factorized(float32);
    expect(within(3e38, Infinity, wide) || within(Infinity, 3e38, wide)).toBe(false);
  });

  test("a factor widens the bound", () => {
    const [got, want] = [hostTensor([1 + 2 ** -20], [1], float32), hostTensor([1], [1], float32)];
    expect(difference(got, want, tolerances.elementary(float32))).not.toBeNull();
    expect(difference(got, want, tolerances.elementary(float32), 4)).toBeNull();
  });
});

describe("hostTensor", () => {
  test("rounds halves, wraps integers, reads back", () => {
    expect(elementsOf(hostTensor([1 / 3, 65536], [2], float16))).toEqual([0.333251953125, Infinity]);
    expect(elementsOf(hostTensor([1 / 3], [1], bfloat16))).toEqual([0.333984375]);
    expect(elementsOf(hostTensor([2n ** 40n + 5n, -1n], [2], int32))).toEqual([5, -1]);
  });
});

describe("place", () => {
  const x = hostTensor([1, 2, 3, 4, 5, 6], [2, 3], float32);

  test.each(layouts)("%s: the geometry sees the elements, and gaps hold the pattern", (layout) => {
    const { tensor, memory, strides, offset } = place(x, layout, 0);
    const seen = seenBy({ shape: [memory.length], dtype: float32, data: memory }, x.shape, {
      strides,
      offset,
    });
    expect(seen.data).toEqual(tensor.data);
    if (layout !== "expanded") expect(tensor).toBe(x);
    const gap = new Float32Array(new Uint8Array(4).fill(GAP).buffer)[0];
    expect(Array.from(memory as Float32Array).filter((value) => value === gap).length)
      .toBe({ contiguous: 0, transposed: 1, stepped: memory.length - 6, expanded: 0 }[layout]);
  });

  test("expanded: rows are the first one, by stride 0", () => {
    const { tensor, strides, memory } = place(x, "expanded", 0);
    expect(elementsOf(tensor)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(strides).toEqual([0, 1]);
    expect(memory.length).toBe(3);
  });
});
