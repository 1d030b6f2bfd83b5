import { bool, type DType, float64, inputDTypes, int32, type Name, type Shape } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, temporaries } from "@flambeau/tensor/internal";
import { type HostTensor, Make, numbersOf, opInfos } from "@flambeau/testing";
import { describe, expect, it } from "vitest";
import { move } from "./batch/lowered.ts";
import { type AnySample, callOf, infoOf, put, requireSame, stacked } from "./test_support.ts";
import { vmap } from "./vmap.ts";

/*
 * Every primitive, on batches made of variations of its samples: the batching rule must give what a loop over the batch
 * gives, whichever of the inputs have the batch, wherever it stands, and for batches of batches.
 */

const names = (Object.keys(opInfos) as Name[]).filter((name) => name !== "nonzero");

function dtypeFor(name: Name): DType {
  const { dtypes } = inputDTypes[name];
  return [float64, int32, bool].find((dtype) => dtypes.includes(dtype))!;
}

/** Variation `k` of an operand: floats scaled, integers and truth values in another order, so that indices stay inside. */
function variation({ shape, dtype, data }: HostTensor, k: number): HostTensor {
  const out = data.slice();
  if (dtype.kind === "float") {
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * (1 + k / 4);
  } else for (let i = 0; i < out.length; i++) out[i] = data[(i + k) % data.length]!;
  return { shape, dtype, data: out };
}

/** Which of the inputs have the batch: all, each alone, and all but each. */
function choices(count: number): boolean[][] {
  const each = Array.from({ length: count }, (_, i) => i);
  const made = [
    each.map(() => true),
    ...each.map((i) => each.map((k) => k === i)),
    ...each.map((i) => each.map((k) => k !== i)),
  ].filter((choice) => choice.some((has) => has));
  return [...new Map(made.map((choice) => [String(choice), choice])).values()];
}

/** Calls that can be batched: of primitives with inputs. */
function samplesOf(name: Name): AnySample[] {
  return infoOf(name).samples(new Make(dtypeFor(name), name))
    .filter(({ inputs, edge }) => inputs.length > 0 && edge !== true);
}

const B = 3;
const withInputs = names.filter((name) => samplesOf(name).length > 0);

describe.each(withInputs)("%s", (name) => {
  const bound = infoOf(name).tolerance(dtypeFor(name));

  it("gives what a loop over the batch gives", () => {
    for (const sample of samplesOf(name)) {
      const call = callOf(name, sample);
      const hosts = sample.inputs as readonly HostTensor[];
      for (const choice of choices(hosts.length)) {
        temporaries(() => {
          const elements = Array.from(
            { length: B },
            (_, k) => hosts.map((x, i) => put(variation(x, choice[i] ? k : 0))),
          );
          const loop = elements.map((inputs) => call(...inputs));
          const want = loop[0]!.map((_, j) => stacked(loop.map((outputs) => outputs[j]!)));
          const args = hosts.map((_, i) =>
            choice[i] ? stacked(elements.map((e) => e[i]!)) : elements[0]![i]!
          );
          const inDims = choice.map((has) => has ? 0 : null);
          const what = `${sample.title}, batches ${choice.map(Number).join("")}`;
          requireSame(what, vmap(call, { inDims })(...args), want, bound);
          if (infoOf(name).anyLayout === false || name === "view") return null;
          // The batch as the last dimension, of arguments and results.
          const last = args.map((x, i) =>
            choice[i] ? bind("copy", [move(x, 0, x.shape.length - 1)], null) : x
          );
          const ends = vmap(call, { inDims: choice.map((has) => has ? -1 : null), outDims: -1 })(...last);
          requireSame(`${what} at the end`, ends.map((y) => move(y, y.shape.length - 1, 0)), want, bound);
          return null;
        });
      }
    }
  });

  it("gives what two loops give for batches of batches", () => {
    for (const sample of samplesOf(name)) {
      const call = callOf(name, sample);
      const hosts = sample.inputs as readonly HostTensor[];
      temporaries(() => {
        const [outer, inner] = [2, 2];
        // The first input has the inner batch only, the last one the outer, those between both.
        const hasOuter = hosts.map((_, i) => i > 0 || hosts.length === 1);
        const hasInner = hosts.map((_, i) => i < hosts.length - 1 || hosts.length === 1);
        const element = (a: number, b: number) =>
          hosts.map((x, i) => put(variation(x, (hasOuter[i] ? a * inner : 0) + (hasInner[i] ? b : 0))));
        const rows = Array.from(
          { length: outer },
          (_, a) => Array.from({ length: inner }, (_, b) => element(a, b)),
        );
        const loops = rows.map((row) => row.map((inputs) => call(...inputs)));
        const want = loops[0]![0]!.map((_, j) => stacked(loops.map((row) => stacked(row.map((y) => y[j]!)))));
        const args = hosts.map((_, i) => {
          const line = (row: readonly Tensor[][]) =>
            hasInner[i] ? stacked(row.map((e) => e[i]!)) : row[0]![i]!;
          return hasOuter[i] ? stacked(rows.map(line)) : line(rows[0]!);
        });
        const once = vmap(call, { inDims: hasInner.map((has) => has ? 0 : null) });
        const twice = vmap(once, { inDims: hasOuter.map((has) => has ? 0 : null) });
        requireSame(sample.title, twice(...args), want, bound);
        return null;
      });
    }
  });
});

it("the variations of a sample differ", () => {
  const shape: Shape = [4];
  const x = new Make(float64, "variations").values(shape);
  expect(numbersOf(variation(x, 1))).not.toEqual(numbersOf(x));
});
