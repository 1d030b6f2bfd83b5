import { type Attrs, bool, float32, type Operand } from "@flambeau/core";
import { hostKernels } from "@flambeau/reference";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createWasmBackend, type WasmBackend } from "./backend.ts";
import { chaining } from "./chain.ts";
import { cutting, Kernels } from "./module.ts";
import { devices, noise } from "./test_support.ts";
import { starting } from "./threads.ts";

// Steps that wait and run as one give the same bits as each alone, whatever is overwritten, read or given back meanwhile.

const [from, least, after] = [chaining.from, cutting.least, starting.after];
beforeAll(() => {
  chaining.from = 1;
  cutting.least = 100;
  starting.after = 0;
});
afterAll(() => {
  chaining.from = from;
  cutting.least = least;
  starting.after = after;
});

const BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "addScaled"] as const;
const UNARY = [
  "relu",
  "neg",
  "abs",
  "sqrt",
  "clamp",
  "exp",
  "sigmoid",
  "trunc",
  "sign",
  "rsqrt",
  "floor",
] as const;
const COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"] as const;
const LOGIC = ["bitwiseAnd", "bitwiseOr", "bitwiseXor", "logicalNot"] as const;
const NUMBERS = [0.5, -1.25, 3, 0, -0, Infinity, NaN, 1e-40];

class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor(this.#state / 2 ** 32 * sides);
  }
}

type Kernel = (inputs: readonly Operand[], output: Operand, attrs: unknown) => unknown;

/** One device: runs each step at once, or soon. */
class Side {
  readonly device: WasmBackend;
  readonly soon: boolean;
  readonly live: Operand[] = [];

  constructor(device: WasmBackend, soon: boolean) {
    this.device = device;
    this.soon = soon;
  }

  /** A tensor that begins `offset` elements after its buffer, which has two elements more. */
  make(x: ArrayLike<number>, offset = 0): Operand {
    const n = x.length;
    const buffer = this.device.allocate(4 * (n + 2));
    const data = new Float32Array(n + 2).fill(7);
    data.set(Float32Array.from(x), offset);
    this.device.write(buffer, 0, new Uint8Array(data.buffer));
    return { buffer, dtype: float32, shape: [n], strides: [1], offset };
  }

  step(name: string, inputs: readonly Operand[], output: Operand, attrs: unknown): void {
    const kernel = this.device.kernels[name as "add"] as unknown as Kernel;
    const dispatch = kernel(inputs, output, attrs) as never;
    if (this.soon) this.device.runSoon!(dispatch);
    else this.device.run(dispatch);
  }

  bytes(x: Operand): Uint8Array {
    return this.device.readSync(x.buffer, 0, x.buffer.bytes);
  }
}

/** Batch, channels and size of the planes that some numbers of elements are. */
const PLANES: Readonly<Record<number, readonly [number, number, number]>> = {
  1000: [5, 5, 40],
  2751: [3, 7, 131],
  70_400: [4, 50, 352],
};

/** The steps of a random program over `n` elements; answers everything that was read, in order. */
function program(side: Side, seed: number, n: number, withTruths: boolean): Uint8Array[] {
  const dice = new Dice(seed);
  const read: Uint8Array[] = [];
  const { live, device } = side;
  for (let i = 0; i < 3; i++) live.push(side.make(noise(n, seed + i), i));
  const roots = [...live];
  const one = (): Operand => ({
    ...side.make([NUMBERS[dice.roll(NUMBERS.length)]!]),
    shape: [n],
    strides: [0],
  });
  const truths: Operand[] = [];
  const newTruths = (): Operand => ({
    buffer: device.allocate(n),
    dtype: bool,
    shape: [n],
    strides: [1],
    offset: 0,
  });
  const pick = (): Operand => live[dice.roll(4) > 0 ? live.length - 1 : dice.roll(live.length)]!;
  for (let i = 0; i < 60; i++) {
    const kind = dice.roll(20);
    const planes = PLANES[n];
    if (withTruths && dice.roll(3) === 0) {
      // Truths of comparisons, of other truths, in place too; what is chosen by them; read and given back.
      const truth = (): Operand => truths[dice.roll(truths.length)]!;
      const kind = truths.length === 0 ? 0 : dice.roll(8);
      if (kind < 2) {
        const out = kind === 1 && truths.length > 0 ? truth() : newTruths();
        const inputs = [pick(), dice.roll(2) ? one() : pick()];
        if (dice.roll(2)) inputs.reverse();
        side.step(COMPARE[dice.roll(COMPARE.length)]!, inputs, out, null);
        if (!truths.includes(out)) truths.push(out);
      } else if (kind === 2) {
        const name = LOGIC[dice.roll(LOGIC.length)]!;
        const x = truth();
        const inPlace = dice.roll(2) === 0;
        const inputs = name === "logicalNot" ? [x] : [x, truth()];
        const out = inPlace ? x : newTruths();
        side.step(name, inputs, out, null);
        if (!inPlace) truths.push(out);
      } else if (kind === 3) {
        const [x] = truths.splice(dice.roll(truths.length), 1);
        if (dice.roll(2)) read.push(side.bytes(x!));
        device.free(x!.buffer);
      } else {
        const choice = (): Operand => dice.roll(3) === 0 ? one() : pick();
        const x = pick();
        const inputs = kind === 7 ? [x, pick()] : [truth(), choice(), choice()];
        const out = dice.roll(4) === 0 ? x : { ...x, buffer: device.allocate(4 * n), offset: 0 };
        side.step(kind === 7 ? "reluBackward" : "where", inputs, out, null);
        if (!live.includes(out)) live.push(out);
      }
      continue;
    }
    if (planes !== undefined && dice.roll(3) === 0) {
      // One element for each channel, of its own or within a result; it may be given back at once.
      const [, channels, size] = planes;
      const root = dice.roll(4) === 0 ? pick() : side.make(noise(channels, seed + i), dice.roll(2));
      const few = { ...root, shape: [channels, 1], strides: [1, 0] };
      const x = pick();
      const inputs = [{ ...x, shape: planes, strides: [channels * size, size, 1] }, few];
      if (dice.roll(4) === 0) inputs.reverse();
      const out = x.buffer !== few.buffer && dice.roll(4) === 0
        ? x
        : { ...x, buffer: device.allocate(4 * n), offset: 0 };
      const name = BINARY[[2, 0, dice.roll(6)][dice.roll(3)]!]!;
      side.step(name, inputs, { ...out, shape: planes, strides: [channels * size, size, 1] }, null);
      if (!live.includes(out)) live.push(out);
      if (!live.some(({ buffer }) => buffer === few.buffer) && dice.roll(2)) device.free(few.buffer);
      continue;
    }
    if (kind === 0) read.push(side.bytes(pick()));
    else if (kind < 5 && live.length > 2) {
      const [x] = live.splice(dice.roll(live.length), 1);
      if (!live.some(({ buffer }) => buffer === x!.buffer)) device.free(x!.buffer);
    } else if (kind === 5) {
      const x = pick();
      const row = new Uint8Array(new Float32Array([seed, 1, -1]).buffer);
      device.write(x.buffer, 4 * x.offset, row.subarray(0, 4 * Math.min(3, n)));
    } else if (kind === 6 && n > 1) {
      // One element of a result, beside all of another.
      const [x, y] = [pick(), pick()];
      const out = side.make(new Float32Array(n));
      side.step("mul", [x, { ...y, offset: y.offset + dice.roll(n), strides: [0] }], out, null);
      live.push(out);
    } else if (kind === 7) {
      // A view that is shifted against what was written before.
      const root = roots[dice.roll(3)]!;
      if (!live.includes(root)) continue;
      const out = { ...root, buffer: device.allocate(4 * n), offset: 0 };
      side.step("sub", [{ ...root, offset: dice.roll(3) }, pick()], out, null);
      live.push(out);
    } else {
      const attrs = { min: -0.5, max: dice.roll(2) ? 0.75 : null, alpha: 0.3 };
      const inputs = [pick()];
      const isBinary = dice.roll(3) > 0;
      const name = isBinary ? BINARY[dice.roll(BINARY.length)]! : UNARY[dice.roll(UNARY.length)]!;
      if (isBinary) {
        inputs.push(name !== "addScaled" && dice.roll(3) === 0 ? one() : pick());
        if (dice.roll(2)) inputs.reverse();
      }
      const inPlace = dice.roll(4) === 0;
      const whole = inputs.find(({ strides }) => strides[0] === 1)!;
      // Memory that was given back is taken again, with whatever it holds.
      const out = inPlace ? whole : { ...whole, buffer: device.allocate(4 * n), offset: 0 };
      side.step(name, inputs, out, attrs as Attrs<"clamp">);
      if (!inPlace) live.push(out);
    }
  }
  for (const x of [...live, ...truths]) read.push(side.bytes(x));
  for (const { buffer } of truths) device.free(buffer);
  for (const buffer of new Set(live.map((x) => x.buffer))) device.free(buffer);
  live.length = 0;
  return read;
}

/** Elements of a result, without what lies before them. */
function expectSame(
  seed: number,
  n: number,
  soon: WasmBackend,
  plain: WasmBackend,
  withTruths: boolean,
): void {
  const got = program(new Side(soon, true), seed, n, withTruths);
  const want = program(new Side(plain, false), seed, n, withTruths);
  expect(got.length).toBe(want.length);
  got.forEach((bytes, i) => {
    const other = want[i]!;
    const same = bytes.length === other.length && bytes.every((byte, at) => byte === other[at]);
    expect(same, `${n} elements, program ${seed}, read ${i}`).toBe(true);
  });
}

describe.each(devices.map(([build]) => build))("%s", (build) => {
  const soon = createWasmBackend({ fallback: hostKernels, build, threads: 2 });
  const plain = createWasmBackend({ fallback: hostKernels, build, threads: 1 });

  const sizes = [1, 3, 31, 32, 33, 1000, 2751, 70_001, 70_400];
  const kinds = [false, true].flatMap((truths) =>
    sizes.map((n) => [n, truths ? "with" : "without"] as const)
  );
  test.each(kinds)("random programs over %i elements %s truths", (n, truths) => {
    for (const threads of [1, 2]) {
      soon.numThreads = threads;
      const seeds = n > 1000 ? 6 : 40;
      for (let seed = 1; seed <= seeds; seed++) {
        expectSame(seed * 7919 + n, n, soon, plain, truths === "with");
      }
    }
  });
});

describe("what waits", () => {
  const device = createWasmBackend({ fallback: hostKernels, threads: 1 });
  const side = new Side(device, true);
  const calls = (body: () => void): string[] => {
    const entry = vi.spyOn(Kernels.prototype, "entry");
    body();
    const names = entry.mock.calls.map(([name]) => name);
    entry.mockRestore();
    return names;
  };
  const make = (value: number): Operand => side.make(new Float32Array(100).fill(value));
  const first = (x: Operand): number => new Float32Array(side.bytes(x).buffer)[0]!;

  test("steps in a row are one pass, and write what was not given back", () => {
    const [x, y, a, b, c] = [make(1), make(2), make(70), make(70), make(70)];
    side.step("add", [x, y], a, null);
    side.step("mul", [a, y], b, null);
    side.step("neg", [b], c, null);
    device.free(b.buffer);
    const again = make(5); // takes the memory of b, and asks for all that waits
    expect(again.buffer).not.toBe(b.buffer);
    expect([first(a), first(c), first(again)]).toEqual([3, -6, 5]);
  });

  test("a factor and a term for each channel are one pass, with relu behind them too", () => {
    const planes = [2, 3, 50];
    const view = (x: Operand): Operand => ({ ...x, shape: planes, strides: [150, 50, 1] });
    const few = (values: number[]): Operand => ({
      ...side.make(values),
      shape: [3, 1],
      strides: [1, 0],
    });
    const [scale, shift] = [few([1, -2, NaN]), few([0.5, 1, 0])];
    const x = side.make(Float32Array.from({ length: 300 }, (_, i) => i - 100));
    for (const withRelu of [false, true]) {
      const [a, b, c] = [0, 0, 0].map(() => side.make(new Float32Array(300)));
      const names = calls(() => {
        side.step("mul", [view(x), scale], view(a!), null);
        side.step("add", [view(a!), shift], view(b!), null);
        if (withRelu) side.step("relu", [b!], c!, null);
        device.free(a!.buffer);
        if (withRelu) device.free(b!.buffer);
        device.settle!();
      });
      expect(names).toContain("chain_planes_f32");
      const got = new Float32Array(side.bytes(withRelu ? c! : b!).buffer).slice(0, 300);
      const want = Float32Array.from({ length: 300 }, (_, i) => {
        const channel = Math.floor(i / 50) % 3;
        const y = (i - 100) * [1, -2, NaN][channel]! + [0.5, 1, 0][channel]!;
        return withRelu && y < 0 ? 0 : y;
      });
      expect(got).toEqual(want);
    }
  });

  test("results that nobody can read are never computed", () => {
    const [x, a, b] = [make(1), make(70), make(70)];
    const names = calls(() => {
      side.step("neg", [x], a, null);
      side.step("neg", [a], b, null);
      device.free(a.buffer);
      device.free(b.buffer);
      device.settle!();
    });
    expect(names).not.toContain("chain_f32");
  });

  test("an operand that is given back or written ends the wait", () => {
    const [x, a, b] = [make(1), make(70), make(70)];
    const names = calls(() => {
      side.step("neg", [x], a, null);
      side.step("abs", [a], b, null);
      device.write(x.buffer, 0, new Uint8Array(400));
    });
    expect(names).toContain("chain_f32");
    expect([first(a), first(b), first(x)]).toEqual([-1, 1, 0]);
  });

  test("a shifted view of a result, or one element of it, has the values that were written", () => {
    const all = (x: Operand): number[] => Array.from(new Float32Array(side.bytes(x).buffer).subarray(0, 99));
    const numbers = Array.from({ length: 100 }, (_, i) => i + 1);
    const [x, a, b] = [side.make(numbers), make(70), make(70)];
    side.step("neg", [x], x, null);
    side.step("sub", [x, { ...x, offset: 1 }], a, null);
    expect(all(a)).toEqual(Array(99).fill(1));
    side.step("abs", [x], x, null);
    side.step("mul", [x, { ...x, offset: 50, strides: [0] }], b, null);
    expect(all(b)).toEqual(numbers.slice(0, 99).map((v) => v * 51));
    side.step("neg", [x], a, null);
    side.step("add", [a, b], { ...x, offset: 1 }, null);
    side.step("sub", [{ ...x, offset: 1 }, x], b, null);
    const want = [50 - 1, ...Array(98).fill(50)];
    expect(all(b)).toEqual(want);
  });

  test("run and sync come after what waits", async () => {
    const [x, a, b] = [make(4), make(70), make(70)];
    side.step("sqrt", [x], a, null);
    new Side(device, false).step("exp", [a], b, null);
    expect(first(b)).toBeCloseTo(Math.exp(2), 5);
    side.step("neg", [x], a, null);
    side.step("neg", [a], a, null);
    expect(calls(() => void device.sync())).toContain("chain_f32");
    await device.sync();
    expect(first(a)).toBe(4);
  });
});
