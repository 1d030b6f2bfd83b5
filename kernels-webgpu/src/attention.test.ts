import { type Backend, contiguousStrides, numelOf, type Operand } from "@flambeau/core";
import { expect, test } from "vitest";
import { ownKernels } from "./kernels/table.ts";
import {
  describeGpu,
  device,
  expectFused,
  noise,
  operand,
  run,
  type Spec,
  valuesOf,
} from "./test_support.ts";
import { expectValid, textsToTry, tuned, tunedLimits, unfilled } from "./tuned_support.ts";

const close = { rtol: 2e-5, atol: 2e-6 };
const loose = { rtol: 1e-4, atol: 1e-5 };

/** Numbers of a shape. */
function spec(shape: number[], seed: number, scale = 1): Spec & { readonly values: number[] } {
  return { values: noise(numelOf(shape), seed, scale), shape };
}

/** [B, T, H, D] in memory, seen as [B, H, T, D], as heads come from a projection. */
function heads(b: number, h: number, t: number, d: number, seed: number): Spec {
  return { ...spec([b, h, t, d], seed), strides: [t * h * d, d, h * d, 1] };
}

/** The gradients' inputs for q, k and v: g, and row sums and delta as the forward pass and the tape give them. */
async function backwardSpecs(
  on: Backend,
  q: Spec,
  k: Spec,
  v: Spec,
  attrs: Attrs,
  bias: Spec | null,
): Promise<Spec[]> {
  const lead = q.shape.slice(0, -2);
  const [l, f] = [q.shape.at(-2)!, v.shape.at(-1)!];
  const inputs = [q, k, v, ...(bias === null ? [] : [bias])].map((x) => operand(device, x));
  const y = blank([...lead, l, f]);
  const logs = blank([...lead, l, 1]);
  expect(run(on, "attention", inputs, [y, logs], attrs)).toBe(true);
  const g = spec([...lead, l, f], 99);
  const out = await valuesOf(device, y);
  const delta = Array.from({ length: out.length / f }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < f; i++) sum += out[row * f + i]! * g.values[row * f + i]!;
    return Math.fround(sum);
  });
  const column = [...lead, l, 1];
  const sums = await valuesOf(device, logs);
  for (const x of [...inputs, y, logs]) device.free(x.buffer);
  return [
    g,
    q,
    k,
    v,
    { values: sums, shape: column },
    { values: delta, shape: column },
    ...(bias === null ? [] : [bias]),
  ];
}

interface Attrs {
  readonly scale: number;
  readonly causal: boolean;
}

function blank(shape: number[]): Operand {
  return operand(device, { values: new Float64Array(numelOf(shape)).fill(77), shape });
}

for (const brief of textsToTry) {
  describeGpu(`attention, ${brief ? "short texts" : "texts for hardware"}`, () => attentionTests(brief));
}

function attentionTests(brief: boolean): void {
  const on = tuned({}, { brief });
  for (const causal of [false, true]) {
    test(`forward and gradients, ${causal ? "causal" : "plain"}: sizes of heads, ragged tiles`, async () => {
      for (
        const [l, s, e, f] of [[5, 5, 4, 4], [33, 70, 16, 20], [70, 33, 33, 64], [40, 130, 128, 100], [
          1,
          90,
          32,
          32,
        ]] as const
      ) {
        const [q, k, v] = [spec([2, l, e], 1, 2), spec([2, s, e], 2, 2), spec([2, s, f], 3)];
        const attrs = { scale: 1 / Math.sqrt(e), causal };
        await expectFused("attention", [q, k, v], attrs, { on, ...close });
        const specs = await backwardSpecs(on, q, k, v, attrs, null);
        await expectFused("attentionBackward", specs, attrs, { on, ...loose });
      }
    });
    test(`a mask of every shape that broadcasts, ${causal ? "causal" : "plain"}`, async () => {
      const [q, k, v] = [spec([2, 3, 9, 8], 1), spec([2, 3, 70, 8], 2), spec([2, 3, 70, 8], 3)];
      const attrs = { scale: 0.3, causal };
      for (const shape of [[2, 3, 9, 70], [9, 70], [3, 1, 70], [2, 1, 9, 1], [70], []]) {
        const bias = { values: noise(numelOf(shape), 5, 3), shape };
        await expectFused("attention", [q, k, v, bias], attrs, { on, ...close });
        await expectFused("attentionBackward", await backwardSpecs(on, q, k, v, attrs, bias), attrs, {
          on,
          ...loose,
        });
      }
    });
  }
  test("heads as they come from a projection need no copies, results may have strides", async () => {
    const [q, k, v] = [heads(2, 3, 20, 8, 1), heads(2, 3, 20, 8, 2), heads(2, 3, 20, 8, 3)];
    const attrs = { scale: 0.35, causal: true };
    await expectFused("attention", [q, k, v], attrs, {
      on,
      ...close,
      layouts: [{ strides: [480, 8, 24, 1], offset: 0 }],
    });
    await expectFused("attentionBackward", await backwardSpecs(on, q, k, v, attrs, null), attrs, {
      on,
      ...loose,
    });
    const turned = { ...k, values: noise(960, 7), strides: [480, 160, 1, 20] };
    const shared = { ...spec([2, 3, 20, 8], 8), strides: [160, 0, 8, 1] };
    const repeated = {
      ...shared,
      values: shared.values.map((_, i) => shared.values[(i % 160) + Math.floor(i / 480) * 160]!),
    };
    await expectFused("attention", [q, turned, repeated], attrs, { on, ...close });
  });
  test("rows that see nothing are 0 with the logarithm −∞; infinities and NaN are as in the decomposition", async () => {
    const [q, k, v] = [spec([4, 8], 1), spec([3, 8], 2), spec([3, 4], 3)];
    const mask = [0, -Infinity, 0, -Infinity, -Infinity, -Infinity, NaN, 0, 0, Infinity, 0, -Infinity];
    const bias = { values: mask, shape: [4, 3] };
    const attrs = { scale: 1, causal: false };
    await expectFused("attention", [q, k, v, bias], attrs, { on, ...close });
    await expectFused("attentionBackward", await backwardSpecs(on, q, k, v, attrs, bias), attrs, {
      on,
      ...loose,
    });
    const big = { ...spec([4, 8], 1, 1000) };
    await expectFused("attention", [big, k, v], attrs, { on, ...close });
    const sick = { ...v, values: v.values.map((x, i) => i === 2 ? NaN : i === 5 ? Infinity : x) };
    await expectFused("attention", [q, k, sick], attrs, { on, ...close });
  });
  test("few queries and many keys: parts are joined", async () => {
    for (const causal of [false, true]) {
      const attrs = { scale: 0.25, causal };
      for (const l of [1, 3, 40]) {
        const [q, k, v] = [spec([2, l, 16], 1, 2), spec([2, 900, 16], 2, 2), spec([2, 900, 24], 3)];
        await expectFused("attention", [q, k, v], attrs, { on, ...close });
      }
      const [q, k, v] = [spec([1, 8], 1), spec([600, 8], 2), spec([600, 8], 3)];
      const hidden = {
        values: Array.from({ length: 600 }, (_, i) => i < 300 ? -Infinity : i / 600),
        shape: [600],
      };
      await expectFused("attention", [q, k, v, hidden], attrs, { on, ...close });
    }
  });
  test("no matrix of scores is in memory, forward or backward", async () => {
    const [t, d] = [1024, 16];
    const shape = [2, t, d];
    const inputs = [1, 2, 3, 4].map((seed) => operand(device, spec(shape, seed)));
    const [q, k, v, g] = inputs as [Operand, Operand, Operand, Operand];
    const [y, gq, gk, gv] = [blank(shape), blank(shape), blank(shape), blank(shape)];
    const [logs, delta] = [blank([2, t, 1]), blank([2, t, 1])];
    await device.sync();
    device.resetPeak();
    const before = device.memory().liveBytes;
    const attrs = { scale: 0.25, causal: true };
    expect(run(on, "attention", [q, k, v], [y, logs], attrs)).toBe(true);
    expect(run(on, "attentionBackward", [g, q, k, v, logs, delta], [gq, gk, gv], attrs)).toBe(true);
    const scores = 2 * t * t * 4;
    expect(device.memory().peakBytes - before).toBeLessThan(scores / 8);
    for (const x of [q, k, v, g, y, gq, gk, gv, logs, delta]) device.free(x.buffer);
    await device.sync();
  });
  test("the same inputs give the same bits", async () => {
    const inputs = [1, 2, 3].map((seed) => operand(device, spec([3, 50, 16], seed)));
    const attrs = { scale: 0.25, causal: false };
    const once = async (): Promise<number[]> => {
      const [y, logs] = [blank([3, 50, 16]), blank([3, 50, 1])];
      run(on, "attention", inputs, [y, logs], attrs);
      const values = [...await valuesOf(device, y), ...await valuesOf(device, logs)];
      [y, logs].forEach(({ buffer }) => device.free(buffer));
      return values;
    };
    expect(await once()).toEqual(await once());
    inputs.forEach(({ buffer }) => device.free(buffer));
  });
}

describeGpu("attention", () => {
  test("larger heads, halves and no keys are left to the decomposition", () => {
    const take = (l: number, s: number, e: number): unknown => {
      const make = (shape: number[]): Operand => ({
        ...blank([1]),
        shape,
        strides: contiguousStrides(shape),
      });
      return device.kernels.attention!(
        [make([l, e]), make([s, e]), make([s, e])],
        [make([l, e]), make([l, 1])],
        { scale: 1, causal: false },
      );
    };
    expect(take(4, 4, 128)).not.toBe(null);
    expect(take(4, 4, 129)).toBe(null);
    expect(take(4, 0, 16)).toBe(null);
  });
  test("texts for hardware pass the checks of this runtime", async () => {
    const { attention, attentionBackward } = ownKernels(tunedLimits({}, { brief: false }));
    const dispatches: unknown[] = [];
    for (const causal of [false, true]) {
      for (const [l, s, d] of [[5, 40, 8], [40, 70, 100], [3, 900, 33]] as const) {
        for (const bias of [null, unfilled([2, l, s])]) {
          const [q, k, v] = [unfilled([2, l, d]), unfilled([2, s, d]), unfilled([2, s, d])];
          const [y, logs, delta] = [unfilled([2, l, d]), unfilled([2, l, 1]), unfilled([2, l, 1])];
          const gradients = [unfilled([2, l, d]), unfilled([2, s, d]), unfilled([2, s, d])] as const;
          const attrs = { scale: 1, causal };
          dispatches.push(attention!(bias === null ? [q, k, v] : [q, k, v, bias], [y, logs], attrs));
          dispatches.push(
            attentionBackward!(
              bias === null ? [y, q, k, v, logs, delta] : [y, q, k, v, logs, delta, bias],
              gradients,
              attrs,
            ),
          );
        }
      }
    }
    await expectValid(dispatches);
  });
});
