import type { Name } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import type { Bound, HostTensor } from "@flambeau/testing";
import { describe, it } from "vitest";
import { jvp as doubleBackward } from "../functional.ts";
import { add, mul, sub } from "../math.ts";
import { jvp } from "./forward.ts";
import { vjp } from "./reverse.ts";
import {
  type AnySample,
  callOf,
  differentiableNames,
  directions,
  infoOf,
  movedInputs,
  put,
  requireSame,
  smoothSamples,
  stacked,
} from "./test_support.ts";
import { vmap } from "./vmap.ts";

/*
 * Every differentiable primitive in forward mode: against double backward, against finite differences, and composed with
 * itself, with reverse mode and with batches.
 */

/** Two ways to the same derivative, both in float64. */
const EXACT: Bound = { rtol: 1e-9, atol: 1e-10 };
/** Central differences with a step of 1e-6. */
const DIFFERENCE: Bound = { rtol: 1e-3, atol: 1e-5 };
const STEP = 1e-6;

/** The function of the inputs that are moved, with its float results. */
interface Problem {
  readonly f: (...moved: Tensor[]) => Tensor[];
  readonly x: Tensor[];
  readonly v: Tensor[];
}

function problemOf(name: Name, sample: AnySample): Problem {
  const inputs = (sample.inputs as readonly HostTensor[]).map(put);
  const moved = movedInputs(name, sample);
  const call = callOf(name, sample);
  const x = moved.map((i) => inputs[i]!);
  const f = (...chosen: Tensor[]) => {
    const all = [...inputs];
    moved.forEach((i, k) => all[i] = chosen[k]!);
    return call(...all).filter(({ dtype }) => dtype.kind === "float");
  };
  return { f, x, v: directions(x, `${name} direction`) };
}

/** The derivative of `f` along `v` from values on both sides. */
function finiteDifference(
  f: (...x: Tensor[]) => readonly Tensor[],
  x: readonly Tensor[],
  v: readonly Tensor[],
): Tensor[] {
  const moved = (step: number) => f(...x.map((value, i) => add(value, mul(v[i]!, step))));
  const [above, below] = [moved(STEP), moved(-STEP)];
  return above.map((y, i) => mul(sub(y, below[i]!), 0.5 / STEP));
}

function forward({ f }: Problem, x: readonly Tensor[], v: readonly Tensor[]): Tensor[] {
  return jvp(f as (...args: readonly Tensor[]) => Tensor[], x, v)[1];
}

function eachProblem(name: Name, check: (problem: Problem, title: string) => void): void {
  for (const sample of smoothSamples(name)) {
    temporaries(() => {
      try {
        check(problemOf(name, sample), sample.title);
      } catch (cause) {
        throw new Error(`${sample.title}: ${(cause as Error).message}`, { cause });
      }
      return null;
    });
  }
}

describe.each(differentiableNames)("%s", (name) => {
  it("has the tangent of double backward and of finite differences", () => {
    eachProblem(name, (problem) => {
      const { f, x, v } = problem;
      const got = forward(problem, x, v);
      requireSame("double backward", got, doubleBackward(f, x, v)[1] as readonly Tensor[], EXACT);
      requireSame("finite differences", got, finiteDifference(f, x, v), DIFFERENCE);
      // One tangent at a time: the others are 0.
      x.forEach((_, i) => {
        const one = v.map((t, k) => k === i ? t : mul(t, 0));
        const alone = (chosen: Tensor) => f(...x.map((value, k) => k === i ? chosen : value));
        const single = jvp(alone, [x[i]!], [v[i]!])[1];
        requireSame(`input ${i} alone`, single, forward(problem, x, one), EXACT);
      });
    });
  });

  it("differentiates its tangents in forward mode", () => {
    eachProblem(name, (problem) => {
      const { x, v } = problem;
      const w = directions(x, `${name} second direction`);
      const along = (...at: Tensor[]) => forward(problem, at, v);
      const got = jvp(along as (...args: readonly Tensor[]) => Tensor[], x, w)[1];
      requireSame("second derivative", got, finiteDifference(along, x, w), DIFFERENCE);
    });
  });

  it("differentiates its gradients in forward mode, and its tangents in reverse mode", () => {
    eachProblem(name, ({ f, x, v }) => {
      const cotangents = directions(f(...x), `${name} cotangent`);
      const pulled = (...at: Tensor[]) => [...vjp(f, ...at)[1](cotangents)];
      const got = jvp(pulled as (...args: readonly Tensor[]) => Tensor[], x, v)[1];
      requireSame("forward over reverse", got, finiteDifference(pulled, x, v), DIFFERENCE);

      const pushed = (...at: Tensor[]) => jvp(f as (...args: readonly Tensor[]) => Tensor[], at, v)[1];
      const back = [...vjp(pushed, ...x)[1](cotangents)];
      requireSame("reverse over forward", back, got, { rtol: 1e-7, atol: 1e-8 });
    });
  });

  it("gives what a loop gives for batches of tangents and of gradients", () => {
    eachProblem(name, (problem) => {
      const { f, x } = problem;
      const bound = widened(infoOf(name).tolerance(x[0]!.dtype));
      const elements = [0, 1].map((k) => x.map((value) => mul(value, 1 + k / 8)));
      const batch = x.map((_, i) => stacked(elements.map((e) => e[i]!)));
      const slopes = [0, 1].map((k) => directions(x, `${name} slope ${k}`));
      const slopeBatch = x.map((_, i) => stacked(slopes.map((e) => e[i]!)));
      const outputs = f(...x);
      const cotangents = [0, 1].map((k) => directions(outputs, `${name} pull ${k}`));
      const pullBatch = outputs.map((_, i) => stacked(cotangents.map((e) => e[i]!)));

      const push = (at: readonly Tensor[], v: readonly Tensor[]) => forward(problem, at, v);
      const pushed = [0, 1].map((k) => push(elements[k]!, slopes[k]!));
      requireSame("jvp", vmap(push)(batch, slopeBatch), columns(pushed), bound);

      const pull = (at: readonly Tensor[], g: readonly Tensor[]) => [...vjp(f, ...at)[1](g)];
      const pulled = [0, 1].map((k) => pull(elements[k]!, cotangents[k]!));
      requireSame("vjp", vmap(pull)(batch, pullBatch), columns(pulled), bound);

      // One point with a batch of directions, as Jacobians are made.
      const [, pullback] = vjp(f, ...x);
      const rows = [0, 1].map((k) => [...pullback(cotangents[k]!)]);
      requireSame(
        "pullback",
        vmap((g: readonly Tensor[]) => [...pullback(g)])(pullBatch),
        columns(rows),
        bound,
      );
      const along = [0, 1].map((k) => push(x, slopes[k]!));
      requireSame("columns", vmap((v: readonly Tensor[]) => push(x, v))(slopeBatch), columns(along), bound);
    });
  });
});

function columns(rows: readonly (readonly Tensor[])[]): Tensor[] {
  return rows[0]!.map((_, i) => stacked(rows.map((row) => row[i]!)));
}

/** Sums may be ordered in another way. */
function widened({ rtol, atol }: Bound): Bound {
  return { rtol: Math.max(rtol * 64, 1e-12), atol: Math.max(atol * 64, 1e-12) };
}
