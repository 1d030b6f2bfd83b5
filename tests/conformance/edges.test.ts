/**
 * Every device × activations at their kinks, at zeros, infinities and NaN: values, alone and while a graph is recorded, and
 * gradients are PyTorch's (`testdata/make_edges.py`).
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { float32 } from "@flambeau/core";
import { difference, type HostTensor, tolerances } from "@flambeau/testing";
import { registerBackend } from "@flambeau/tensor";
import * as torch from "@flambeau/torch";
import { describe, expect, test } from "vitest";
import { rows } from "./backends.ts";
import { get, putDense } from "./operands.ts";

/** Numbers, and names of those that JSON lacks. */
type Encoded = readonly (number | "nan" | "inf" | "-inf" | "-0")[];

/** A function with its arguments, and what it makes of each element. */
interface Case {
  readonly call: string;
  readonly args: readonly unknown[];
  readonly weight?: number;
  readonly x: Encoded;
  readonly y: Encoded;
  readonly dx: Encoded;
  readonly dw?: Encoded;
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("./testdata/edges.json", import.meta.url), "utf8"),
);
const named = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };
const decode = (list: Encoded): number[] => list.map((v) => typeof v === "number" ? v : named[v]);
const host = (shape: readonly number[], list: Encoded): HostTensor => ({
  shape,
  dtype: float32,
  data: Float32Array.from(decode(list)),
});

type AnyFunction = (...args: unknown[]) => torch.Tensor;

/** Applies the function of a case. */
function apply({ call, args }: Case, x: torch.Tensor, weight: torch.Tensor | null): torch.Tensor {
  if (call === "polygamma") return torch.special.polygamma(args[0] as number, x);
  const found = call === "logNdtr" ? torch.special.logNdtr : torch.nn.functional[call as "relu"];
  return (found as AnyFunction)(x, ...weight === null ? [] : [weight], ...args);
}

describe.each(rows.map((row) => [row.name, row] as const))("%s", (_, { backend, factor }) => {
  registerBackend(backend);
  const bound = tolerances.composed(float32);

  test.each(cases.map((c) => [[c.call, c.weight, ...c.args.map((a) => JSON.stringify(a))].join(" "), c]))(
    "%s",
    async (_, c) => {
      const size = c.y.length;
      // Each element has a row or channel of its own.
      const shape = [size, c.x.length / size];
      const turned = c.weight === undefined ? shape : [1, size];
      const weights = c.weight === undefined ? null : Array<number>(size).fill(c.weight);
      const weight = weights && putDense(backend, host([size], weights));
      const x = putDense(backend, host(turned, c.x));
      const y = host(c.weight === undefined ? [size, 1] : [1, size], c.y);
      expect(difference(await get(apply(c, x, weight)), y, bound, factor)).toBe(null);
      for (const leaf of [x, weight]) leaf?.requiresGrad_(true);
      for (const inScope of [false, true]) {
        const run = (): torch.Tensor => {
          const made = apply(c, x, weight);
          made.sum().backward();
          return made.detach();
        };
        const made = inScope ? torch.scope(run) : run();
        expect(difference(await get(made), y, bound, factor)).toBe(null);
        expect(difference(await get(x.grad!), host(turned, c.dx), bound, factor)).toBe(null);
        if (c.dw) expect(difference(await get(weight!.grad!), host([size], c.dw), bound, factor)).toBe(null);
        x.grad = null;
        if (weight !== null) weight.grad = null;
      }
    },
  );
});
