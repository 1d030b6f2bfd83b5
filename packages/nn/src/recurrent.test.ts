import { gradcheck, gradgradcheck } from "@flambeau/autograd";
import type { Backend } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { cat, registerBackend, scope, stack, type Tensor, tensor } from "@flambeau/tensor";
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../mod.ts";
import { flat } from "./test_support.ts";

let device: Backend;
beforeAll(() => {
  device = createReferenceBackend() as Backend;
  registerBackend(device);
});

type Kind = "RNN" | "LSTM" | "GRU";
const kinds = ["RNN", "LSTM", "GRU"] as const;
const options = { dtype: "float64" } as const;

/** sin(0.9 i + phase) in float64. */
function wave(shape: readonly number[], phase: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: size }, (_, i) => Math.sin(0.9 * i + phase)), options).reshape([
    ...shape,
  ]);
}

// deno-lint-ignore no-explicit-any
type AnyNetwork = any;

function networkOf(kind: Kind, ...settings: unknown[]): AnyNetwork {
  return new (nn[kind] as unknown as new (...args: unknown[]) => unknown)(...settings);
}

/** One layer as its cell gives it, step after step, from the first step on or from the last. */
function unrolled(kind: Kind, network: AnyNetwork, x: Tensor, suffix: string): Tensor {
  const cell = new nn[`${kind}Cell`](3, 4, { ...options, bias: network.bias }) as AnyNetwork;
  for (const part of ["weight_ih", "weight_hh", ...(network.bias ? ["bias_ih", "bias_hh"] : [])]) {
    cell[part] = network.getParameter(part + suffix);
  }
  const outputs: Tensor[] = [];
  let state: unknown = null;
  for (let i = 0; i < x.shape[0]!; i++) {
    const t = suffix.endsWith("reverse") ? x.shape[0]! - 1 - i : i;
    state = cell(x.select(0, t), state);
    outputs[t] = kind === "LSTM" ? (state as [Tensor, Tensor])[0] : state as Tensor;
  }
  return stack(outputs, 0);
}

/** The output, and the gradients that its weighted sum gives the input and all parameters. */
function trace(network: AnyNetwork, x: Tensor, run: () => Tensor): number[][] {
  network.zeroGrad();
  x.grad = null;
  const y = run();
  y.mul(wave(y.shape, 0.4)).sum().backward();
  return [y, x.grad!, ...network.parameters().map((p: Tensor) => p.grad)].map(flat);
}

function expectClose(got: readonly number[][], want: readonly number[][]): void {
  expect(got.length).toBe(want.length);
  got.forEach((list, i) => {
    expect(list.length).toBe(want[i]!.length);
    list.forEach((value, j) => expect(Math.abs(value - want[i]![j]!)).toBeLessThan(1e-12));
  });
}

describe.each(kinds)("%s", (kind) => {
  test.each([true, false])("gives what its cell gives step by step, with gradients; bias %s", (bias) => {
    const network = networkOf(kind, 3, 4, { ...options, bias, bidirectional: true });
    const x = wave([5, 2, 3], 0).requiresGrad_();
    const want = trace(
      network,
      x,
      () => cat(["_l0", "_l0_reverse"].map((suffix) => unrolled(kind, network, x, suffix)), 2),
    );
    expectClose(trace(network, x, () => network(x)[0]), want);
  });

  test("second derivatives, through the last states too", () => {
    const network = networkOf(kind, 2, 2, options);
    const weights = ["weight_ih_l0", "weight_hh_l0", "bias_hh_l0"].map((name) => network.getParameter(name));
    const first = kind === "LSTM" ? [wave([1, 2, 2], 2), wave([1, 2, 2], 3)] : [wave([1, 2, 2], 2)];
    const run = (x: Tensor, ...states: Tensor[]): Tensor => {
      const [y, state] = network(x, kind === "LSTM" ? states.slice(0, 2) : states[0]);
      const lasts = kind === "LSTM" ? state as Tensor[] : [state as Tensor];
      return cat([y, ...lasts], 0);
    };
    const inputs = [wave([3, 2, 2], 1), ...first].map((x) => x.requiresGrad_());
    expect(gradcheck(run, [...inputs, ...weights])).toBe(true);
    expect(gradgradcheck(run, [...inputs, ...weights])).toBe(true);
  });

  test("leaves no memory behind", () => {
    const network = networkOf(kind, 3, 4, 2, { ...options, dropout: 0.5, bidirectional: true });
    const x = wave([4, 2, 3], 0).requiresGrad_();
    const step = () => {
      scope(() => network(x)[0].sum().backward());
      for (const leaf of [x, ...network.parameters()]) leaf.grad.dispose();
      network.zeroGrad();
      x.grad = null;
    };
    step();
    const before = device.memory();
    step();
    expect(device.memory().liveBuffers).toBe(before.liveBuffers);
    expect(device.memory().liveBytes).toBe(before.liveBytes);
  });
});
