import { contiguousStrides, type ConvAttrs, float32, type Operand, type Shape } from "@flambeau/core";
import { hostKernels } from "@flambeau/reference";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createWasmBackend, type WasmBackend } from "./backend.ts";
import { chaining } from "./chain.ts";
import { Finishing, finishing, Product } from "./finish.ts";
import { cutting } from "./module.ts";
import { devices, noise, operand } from "./test_support.ts";
import { starting } from "./threads.ts";

// A bias and relu that are done where results of products are stored give the bits of steps of their own.

const known = [finishing.from, chaining.from, cutting.least, cutting.quick, starting.after] as const;
beforeAll(() => {
  [finishing.from, chaining.from, cutting.least, cutting.quick, starting.after] = [1, 1, 100, 100, 0];
});
afterAll(() => {
  [finishing.from, chaining.from, cutting.least, cutting.quick, starting.after] = known;
});

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

type Kernel = (inputs: readonly Operand[], output: Operand, attrs: unknown) => unknown;

/** A product: its inputs' shapes, its output's, and attributes. */
interface Case {
  readonly name: string;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  readonly attrs?: unknown;
}

function conv(x: Shape, w: Shape, more: Partial<ConvAttrs> = {}): Case {
  const rank = x.length - 2;
  const all = (value: number): number[] => Array(rank).fill(value);
  const attrs = { stride: all(1), padding: all(0), dilation: all(1), groups: 1, ...more };
  const spatial = x.slice(2).map((n, i) =>
    Math.floor((n + 2 * attrs.padding[i]! - attrs.dilation[i]! * (w[i + 2]! - 1) - 1) / attrs.stride[i]!) + 1
  );
  return { name: "conv", inputs: [x, w], output: [x[0]!, w[0]!, ...spatial], attrs };
}

/** The gradient for the input of a convolution. */
function back(x: Shape, w: Shape, more: Partial<ConvAttrs> = {}): Case {
  const { output, attrs } = conv(x, w, more);
  return {
    ...{ name: "convInputGrad", inputs: [output, w], output: x },
    attrs: { ...attrs as ConvAttrs, inputSize: x.slice(2) },
  };
}

const same = { padding: [1, 1] };
const two = { stride: [2, 2], padding: [1, 1] };
const CASES: readonly Case[] = [
  // one channel, few of them, depthwise
  conv([2, 3, 9, 13], [1, 3, 3, 3], same),
  conv([1, 2, 12, 33], [2, 1, 5, 8], { groups: 2, padding: [2, 3] }),
  conv([2, 5, 9, 11], [5, 1, 3, 3], { groups: 5, padding: [1, 1] }),
  conv([1, 6, 12, 10], [12, 1, 3, 3], { ...two, groups: 6 }),
  conv([2, 3, 4, 3], [3, 1, 2, 3], { groups: 3 }),
  conv([2, 4, 8, 12], [4, 1, 3, 3], { groups: 4, padding: [1, 1] }),
  conv([2, 4, 16, 12], [8, 1, 3, 3], { ...two, groups: 4 }),
  conv([2, 1, 8, 12], [6, 1, 3, 3], same),
  conv([2, 4, 14, 17], [4, 1, 2, 2], { stride: [3, 3], groups: 4 }),
  // tap by tap, of one image in parts of rows and of pixels
  conv([3, 1, 11, 14], [32, 1, 3, 3]),
  conv([1, 1, 31, 37], [7, 1, 3, 3]),
  conv([1, 2, 15, 16], [125, 2, 3, 4], { stride: [1, 2] }),
  conv([2, 3, 9, 13], [13, 3, 3, 3], { stride: [2, 2], padding: [1, 1] }),
  // gathered
  conv([2, 5, 14, 15], [7, 5, 3, 3], { stride: [2, 3], padding: [1, 0] }),
  conv([1, 6, 27, 26], [6, 6, 3, 3]),
  conv([1, 70, 9, 9], [6, 70, 3, 3], { stride: [2, 2] }),
  conv([2, 8, 6, 7], [12, 4, 3, 3], { groups: 2, dilation: [2, 1] }),
  conv([2, 3, 23], [6, 3, 3], { stride: [2], padding: [1] }),
  conv([1, 7, 5, 6, 7], [6, 7, 2, 2, 3], { padding: [1, 0, 1] }),
  // plain products
  conv([2, 12, 8, 9], [10, 6, 1, 1], { groups: 2 }),
  conv([1, 400, 5, 7], [250, 400, 1, 1]),
  conv([3, 4, 6, 5], [2, 4, 1, 1]),
  // Winograd
  conv([2, 8, 13, 11], [9, 8, 3, 3], same),
  conv([1, 8, 30, 26], [24, 8, 3, 3], same),
  conv([2, 16, 17, 19], [16, 8, 3, 3], { ...same, groups: 2 }),
  conv([2, 16, 17, 18], [16, 16, 3, 3], two),
  conv([1, 16, 21, 18], [18, 16, 5, 5], { padding: [2, 2] }),
  conv([2, 32, 21, 18], [12, 32, 3, 3], { padding: [2, 2], dilation: [2, 2] }),
  // transposed
  back([2, 4, 8, 12], [4, 1, 3, 3], { groups: 4, padding: [1, 1] }),
  back([2, 4, 16, 12], [4, 1, 3, 3], { ...two, groups: 4 }),
  back([2, 3, 11, 13], [3, 1, 3, 3], { stride: [2, 2], groups: 3 }),
  back([2, 1, 9, 9], [5, 1, 3, 3], same),
  back([2, 3, 11, 12], [2, 3, 3, 3], two),
  back([3, 6, 11, 12], [8, 3, 4, 4], { ...two, groups: 2 }),
  back([1, 5, 11, 12], [8, 5, 4, 4], two),
  back([2, 9, 13, 11], [8, 9, 3, 3], same),
  back([2, 16, 10, 10], [16, 16, 3, 3]),
  back([2, 16, 18, 17], [16, 16, 3, 3], two),
  back([1, 4, 9, 8], [12, 4, 1, 1]),
];
const PRODUCTS: readonly Case[] = [
  ...[[1, 40, 30], [3, 12, 2000], [33, 70, 90], [7, 64, 500], [130, 9, 800], [64, 300, 20]].flatMap((
    [m, n, k],
  ): Case[] => [
    { name: "matmul", inputs: [[m!, k!], [k!, n!]], output: [m!, n!] },
    { name: "linear", inputs: [[m!, k!], [n!, k!], [n!]], output: [m!, n!] },
  ]),
  { name: "matmul", inputs: [[5, 20, 31], [5, 31, 18]], output: [5, 20, 18] },
  { name: "linear", inputs: [[2, 3, 12], [10, 12], [10]], output: [2, 3, 10] },
];

/** How the steps go: what is written over, and what is given back before the product runs. */
interface Way {
  readonly bias: "none" | "into" | "inPlace";
  readonly relu: "none" | "into" | "inPlace";
  /** Which of the results are given back: those of the product, of the bias, of relu. */
  readonly dead: string;
}

const WAYS: readonly Way[] = (["none", "into", "inPlace"] as const).flatMap((bias) =>
  (["none", "into", "inPlace"] as const).flatMap((relu) => {
    const made = ["o", ...bias === "into" ? ["p"] : [], ...relu === "into" ? ["q"] : []];
    return Array.from({ length: 2 ** made.length }, (_, mask) => ({
      ...{ bias, relu },
      dead: made.filter((_, i) => mask & 2 ** i).join(""),
    }));
  })
);

const SPECIAL = [0, -0, NaN, -Infinity, -0.5, 0.25, 3];

class Run {
  readonly device: WasmBackend;
  readonly soon: boolean;

  constructor(device: WasmBackend, soon: boolean) {
    this.device = device;
    this.soon = soon;
  }

  make(shape: Shape): Operand {
    const buffer = this.device.allocate(4 * size(shape));
    this.device.write(buffer, 0, new Uint8Array(4 * size(shape)).fill(0x7b));
    return { buffer, dtype: float32, shape, strides: contiguousStrides(shape), offset: 0 };
  }

  step(name: string, inputs: readonly Operand[], output: Operand, attrs: unknown = null): void {
    const dispatch = (this.device.kernels[name as "add"] as unknown as Kernel)(
      inputs,
      output,
      attrs,
    ) as never;
    if (this.soon) this.device.runSoon!(dispatch);
    else this.device.run(dispatch);
  }

  /** The results that are left, in order. */
  results(c: Case, inputs: readonly Operand[], bias: Operand, way: Way): Uint8Array[] {
    const o = this.make(c.output);
    const made: [string, Operand][] = [["o", o]];
    // Taken before: to write a new one asks for all that waits.
    const [p, q] = [this.make(c.output), this.make(c.output)];
    this.step(c.name, inputs, o, c.attrs ?? null);
    let last = o;
    if (way.bias !== "none") {
      const to = way.bias === "inPlace" ? o : p;
      this.step("add", [last, bias], to);
      if (to === p) made.push(["p", p]);
      last = to;
    }
    if (way.relu !== "none") {
      const to = way.relu === "inPlace" ? last : q;
      this.step("relu", [last], to);
      if (to === q) made.push(["q", q]);
    }
    for (const [name, { buffer }] of made) if (way.dead.includes(name)) this.device.free(buffer);
    const left = made.filter(([name]) => !way.dead.includes(name));
    const bytes = left.map(([, { buffer }]) => this.device.readSync(buffer, 0, buffer.bytes));
    for (const buffer of new Set([p, q, ...left.map(([, x]) => x)].map((x) => x.buffer))) {
      if (!made.some(([name, x]) => x.buffer === buffer && way.dead.includes(name))) this.device.free(buffer);
    }
    return bytes;
  }
}

function expectSame(got: readonly Uint8Array[], want: readonly Uint8Array[], what: string): void {
  expect(got.length).toBe(want.length);
  got.forEach((bytes, i) => {
    expect(bytes.every((byte, at) => byte === want[i]![at]), `${what}, result ${i}`).toBe(true);
  });
}

describe.each(devices.map(([build]) => build))("%s", (build) => {
  const device = createWasmBackend({ fallback: hostKernels, build, threads: 2 });
  const [soon, plain] = [new Run(device, true), new Run(device, false)];

  /** All ways of a product, of numbers or of some that are none. */
  function compare(c: Case, wild: boolean): void {
    const inputs = c.inputs.map((shape, i) => {
      const data = noise(size(shape), i + 3);
      if (wild && i === 0) { for (let at = 1; at < data.length; at += 37) data[at] = SPECIAL[at % 7]!; }
      return operand(device, data, shape);
    });
    const channels = c.output[1]!;
    const values = Array.from({ length: channels }, (_, i) => wild ? SPECIAL[i % 7]! : i / 8 - 0.5);
    const bias = operand(device, values, [channels, ...c.output.slice(2).map(() => 1)]);
    const joined: boolean[] = [];
    const own = Finishing.prototype.join;
    const spy = vi.spyOn(Finishing.prototype, "join").mockImplementation(function (this: Finishing, step) {
      joined.push(own.call(this, step));
      return joined.at(-1)!;
    });
    try {
      for (const way of WAYS) {
        if (!c.name.startsWith("conv") && way.bias !== "none") continue;
        joined.length = 0;
        const got = soon.results(c, inputs, bias, way);
        expect(joined, JSON.stringify([c, way])).toEqual(
          Array(Number(way.bias !== "none") + Number(way.relu !== "none")).fill(true),
        );
        expectSame(got, plain.results(c, inputs, bias, way), JSON.stringify([c, way, device.numThreads]));
      }
    } finally {
      spy.mockRestore();
      for (const { buffer } of [...inputs, bias]) device.free(buffer);
    }
  }

  test.each([1, 2])("convolutions on %i threads", (threads) => {
    device.numThreads = threads;
    for (const c of CASES) for (const wild of [false, true]) compare(c, wild);
  });

  test.each([1, 2])("products of matrices on %i threads", (threads) => {
    device.numThreads = threads;
    const split = (c: Case): boolean =>
      threads === 2 && c.inputs[0]!.length === 2 && c.inputs[0]![1] === 2000;
    for (const c of PRODUCTS) if (!split(c)) compare(c, false);
  });

  test.each([3, 8])("random programs over images of %i channels", (channels) => {
    for (const threads of [1, 2]) {
      device.numThreads = threads;
      for (let seed = 1; seed <= 40; seed++) {
        const [got, want] = [program(soon, seed, channels), program(plain, seed, channels)];
        expectSame(got, want, `program ${seed} on ${threads} threads`);
      }
    }
  });
});

/** The steps of a random program over images that keep their shape; answers everything that was read, in order. */
function program(run: Run, seed: number, channels: number): Uint8Array[] {
  let state = seed * 7919 + channels;
  const roll = (sides: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * sides);
  };
  const { device } = run;
  const shape = [2, channels, 6, 7];
  const make = (of: Shape, salt: number): Operand => operand(device, noise(size(of), seed + salt), of);
  const weights = [1, 2].map((i) => make([channels, channels, 3, 3], i));
  const biases = [3, 4].map((i) => make([channels, 1, 1], i));
  const live = [make(shape, 5), make(shape, 6)];
  const attrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
  const read: Uint8Array[] = [];
  const pick = (): Operand => live[roll(4) > 0 ? live.length - 1 : roll(live.length)]!;
  const bytesOf = ({ buffer }: Operand): Uint8Array => device.readSync(buffer, 0, buffer.bytes);
  const empty = (): Operand => ({ ...live[0]!, buffer: device.allocate(4 * size(shape)) });
  for (let i = 0; i < 50; i++) {
    const kind = roll(16);
    const x = pick();
    if (kind === 0) read.push(bytesOf(x));
    else if (kind < 4 && live.length > 2) {
      live.splice(live.indexOf(x), 1);
      device.free(x.buffer);
    } else if (kind === 4) {
      const target = [x, ...weights, ...biases][roll(5)]!;
      device.write(target.buffer, 8, new Uint8Array(new Float32Array([0.25 * roll(5)]).buffer));
    } else if (kind < 9) {
      const out = empty();
      run.step("conv", [x, weights[roll(2)]!], out, attrs);
      live.push(out);
    } else {
      const name = kind < 12 ? "add" : kind < 15 ? "relu" : "sub";
      const other = name === "add" && roll(5) > 0 ? biases[roll(2)]! : pick();
      const isInto = roll(2) === 0;
      const out = isInto ? empty() : roll(6) > 0 ? x : pick();
      run.step(name, name === "relu" ? [x] : [x, other], out);
      if (isInto) live.push(out);
    }
  }
  for (const x of live) read.push(bytesOf(x));
  for (const { buffer } of [...live, ...weights, ...biases]) device.free(buffer);
  return read;
}

describe("what waits", () => {
  const device = createWasmBackend({ fallback: hostKernels, threads: 1 });
  const run = new Run(device, true);
  const ones = (shape: Shape, value = 1): Operand =>
    operand(device, new Float32Array(size(shape)).fill(value), shape);
  const first = ({ buffer }: Operand): number => new Float32Array(device.readSync(buffer, 0, 4).buffer)[0]!;
  const attrs = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
  const [x, w, bias] = [ones([1, 2, 5, 5]), ones([3, 2, 2, 2], -1), ones([3, 1, 1], 2)];

  test("results that were given back are never written", () => {
    const [o, p] = [ones([1, 3, 4, 4], 7), ones([1, 3, 4, 4], 7)];
    run.step("conv", [x, w], o, attrs);
    run.step("add", [o, bias], p);
    device.free(o.buffer);
    expect(first(p)).toBe(-6);
    expect(first(o)).toBe(7);
    run.step("conv", [x, w], p, attrs);
    device.free(p.buffer);
    device.settle!();
    expect(first(p)).toBe(-6);
  });

  test("a bias or an operand that changes, or is given back, ends the wait", () => {
    const [o, p] = [ones([1, 3, 4, 4]), ones([1, 3, 4, 4])];
    run.step("conv", [x, w], o, attrs);
    run.step("add", [o, bias], p);
    device.write(bias.buffer, 0, new Uint8Array(12));
    expect([first(o), first(p)]).toEqual([-8, -6]);
    device.write(bias.buffer, 0, new Uint8Array(new Float32Array([2, 2, 2]).buffer));
    const other = ones([3, 1, 1], 3);
    run.step("conv", [x, w], o, attrs);
    run.step("add", [o, other], o);
    device.free(other.buffer);
    expect(first(ones([3, 1, 1], 9))).toBe(9);
    expect(first(o)).toBe(-5);
  });

  test("results over operands, halves of results and other shapes are steps of their own", () => {
    const join = vi.spyOn(Finishing.prototype, "join");
    const [square, own] = [ones([1, 2, 5, 5]), ones([2, 2, 1, 1])];
    run.step("conv", [square, own], ones([1, 2, 5, 5]), attrs);
    const o = ones([1, 2, 5, 5]);
    run.step("conv", [square, own], o, attrs);
    run.step("relu", [o], square); // writes what the product reads
    expect(join.mock.results.at(-1)!.value).toBe(false);
    expect([first(o), first(square)]).toEqual([2, 2]);
    const calls = join.mock.calls.length;
    run.step("conv", [square, own], o, attrs);
    run.step("add", [o, { ...bias, shape: [1, 1, 1] }], ones([1, 2, 5, 5]));
    run.step("conv", [square, own], o, attrs);
    run.step("relu", [{ ...o, shape: [1, 1, 5, 5] }], ones([1, 1, 5, 5]));
    run.step("conv", [square, own], o, attrs);
    run.step("add", [o, o], ones([1, 2, 5, 5]));
    expect(join.mock.calls.length).toBe(calls);
    join.mockRestore();
  });

  test("after an error nothing is finished that should not be", () => {
    const [o, p] = [ones([1, 3, 4, 4]), ones([1, 3, 4, 4])];
    run.step("conv", [x, w], o, attrs);
    run.step("add", [o, bias], o);
    const broken = vi.spyOn(Product.prototype, "runInto").mockImplementation(() => {
      throw new Error("stop");
    });
    expect(() => device.settle!()).toThrow("stop");
    broken.mockRestore();
    device.settle!();
    new Run(device, false).step("conv", [x, w], p, attrs);
    expect(first(p)).toBe(-8);
  });
});
