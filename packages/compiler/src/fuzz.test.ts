import { type Aval, type Bind, float32, GraphBuilder, type GraphValue, type Operand } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { Evaluator } from "@flambeau/testing";
import fc from "fast-check";
import { expect, it } from "vitest";
import { loadProgram } from "./executable.ts";
import { lower } from "./lower.ts";

/** One random step: which primitive, and which of the values so far it takes. */
type Step = readonly [kind: keyof typeof KINDS, x: number, y: number];

type Apply = <T extends Aval>(bind: Bind<T>, x: T, y: T) => T;

/** Steps from matrices [2, 3] or [3, 2] to the same; y is turned where it must be. */
const KINDS = {
  neg: (bind, x) => bind("neg", [x], null),
  add: (bind, x, y) => bind("add", [x, like(bind, y, x)], null),
  where: (bind, x, y) => {
    const other = like(bind, y, x);
    return bind("where", [bind("gt", [x, other], null), x, other], null);
  },
  addScaled: (bind, x, y) => bind("addScaled", [x, like(bind, y, x)], { alpha: 2 }),
  turn: (bind, x) => bind("permute", [x], { dims: [1, 0] }),
  reshape: (bind, x) => bind("view", [bind("copy", [x], null)], { shape: [...x.shape].reverse() }),
  copy: (bind, x) => bind("copy", [x], null),
  strided: (bind, x) =>
    bind("asStrided", [bind("copy", [x], null)], { shape: [3, 2], strides: [1, 2], offset: 1 }),
  lastRow: (bind, x) => {
    const [rows, columns] = x.shape as [number, number];
    const row = bind("slice", [x], { starts: [rows - 1, 0], stops: [rows, columns], steps: [1, 1] });
    return bind("expand", [row], { shape: x.shape });
  },
  subMax: (bind, x) => bind("sub", [x, bind("amax", [x], { dims: [0], keepdim: true })], null),
  cumsum: (bind, x) => bind("cumsum", [x], { dim: 1 }),
  sorted: (bind, x) => bind("sort", [x], { dim: 0, descending: true })[0],
  product: (bind, x, y) => {
    const square = bind("matmul", [x, bind("permute", [like(bind, y, x)], { dims: [1, 0] })], null);
    return bind("remainder", [
      bind("matmul", [square, x], null),
      bind("full", [], {
        shape: [],
        value: 7,
        dtype: float32,
      }),
    ], null);
  },
} satisfies Record<string, Apply>;

function like<T extends Aval>(bind: Bind<T>, y: T, x: T): T {
  return x.shape[0] === y.shape[0] ? y : bind("permute", [y], { dims: [1, 0] });
}

function values<T extends Aval>(bind: Bind<T>, inputs: readonly T[], steps: readonly Step[]): T[] {
  const made = [...inputs];
  for (const [kind, x, y] of steps) {
    const apply: Apply = KINDS[kind];
    made.push(apply(bind, made[x % made.length]!, made[y % made.length]!));
  }
  return made;
}

const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
const step = fc.tuple(fc.constantFrom(...kinds), fc.nat(30), fc.nat(30));

it("a random program gives what its primitives give one by one", async () => {
  const backend = createReferenceBackend();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
      async (steps, returned) => {
        const evaluator = new Evaluator(backend);
        const inputs = [0, 1].map((key): Operand =>
          evaluator.bind("randomInt", [], {
            shape: [2, 3],
            dtype: float32,
            key: [key, 9],
            counter: 0,
            low: -9,
            high: 10,
          })
        );
        const direct = values(evaluator.bind, inputs, steps);
        const chosen = returned.map((i) => i % direct.length);

        const builder = new GraphBuilder();
        const traced = values<GraphValue>(builder.bind, inputs.map((x) => builder.input(x)), steps);
        const program = lower(builder.finish(chosen.map((i) => traced[i]!)));
        const executable = loadProgram(backend, program);
        const outputs = chosen.map(() => evaluator.put(new Float32Array(6).fill(NaN), [6], float32));
        executable.run(inputs.map((x) => x.buffer), outputs.map((x) => x.buffer));
        for (const [k, i] of chosen.entries()) {
          expect(await evaluator.get(outputs[k]!)).toEqual(await evaluator.get(direct[i]!));
        }
        executable.dispose();
        evaluator.dispose();
      },
    ),
    { numRuns: 300 },
  );
  expect(backend.memory().liveBuffers).toBe(0);
});
