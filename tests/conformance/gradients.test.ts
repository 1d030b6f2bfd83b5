/**
 * Every device × every differentiable primitive: gradients and second gradients against finite differences in float64,
 * for strided inputs too; fused primitives against their decompositions; and nothing is left in memory after a pass.
 *
 * @module
 */

import { grad, gradcheck, gradgradcheck } from "@flambeau/autograd";
import { type Decomposition, decompositions } from "@flambeau/compiler";
import {
  type Backend,
  type DType,
  float32,
  float64,
  formatType,
  type FusedName,
  GradError,
  inputDTypes,
  type Name,
  numelOf,
} from "@flambeau/core";
import { registerBackend, type Tensor } from "@flambeau/tensor";
import { bind, creatingOn, temporaries } from "@flambeau/tensor/internal";
import {
  type Bound,
  difference,
  type HostTensor,
  type Layout,
  Make,
  type OpInfo,
  opInfos,
  place,
  type Sample,
  tolerances,
} from "@flambeau/testing";
import { describe, expect, test } from "vitest";
import { derivativeOf } from "../../packages/autograd/src/derivatives.ts";
import { hostRows, oracle } from "./backends.ts";
import { get, put, putDense } from "./operands.ts";

type AnyInfo = OpInfo<"exp">;
type AnySample = Sample<"exp">;

const names = Object.keys(opInfos) as Name[];
const infoOf = (name: Name): AnyInfo => opInfos[name] as unknown as AnyInfo;
const differentiable = names.filter((name) => infoOf(name).differentiable.length > 0);
const fused = differentiable.filter((name): name is FusedName => name in decompositions);

/** Samples that gradients are checked at. */
function smoothSamples(name: Name, dtype: DType = float64): AnySample[] {
  return infoOf(name).samples(new Make(dtype, name)).filter(({ smooth }) =>
    smooth !== undefined && smooth !== false
  );
}

/** The inputs of a sample that are moved. */
function movedInputs(name: Name, { inputs, smooth }: AnySample): number[] {
  return infoOf(name).differentiable.filter((i) =>
    i < inputs.length && (!Array.isArray(smooth) || smooth.includes(i))
  );
}

/** A call over tensors of a device: its inputs, those that require grad among them, and the function of the inputs. */
interface Call {
  readonly inputs: Tensor[];
  readonly moved: Tensor[];
  readonly outputs: (...inputs: Tensor[]) => Tensor[];
}

function callOf(backend: Backend, name: Name, sample: AnySample, layout: Layout = "contiguous"): Call {
  const hosts = sample.inputs as readonly HostTensor[];
  const inputs = hosts.map((x) => put(backend, place(x, layout, null)));
  const moved = movedInputs(name, sample).map((i) => inputs[i]!);
  for (const x of moved) x.requiresGrad = true;
  return { inputs, moved, outputs: (...args) => floats(apply(backend, name, args, sample)) };
}

/** Applies the primitive to inputs, which become such that it takes. */
function apply(
  backend: Backend,
  name: Name,
  args: readonly Tensor[],
  { attrs }: AnySample,
): Tensor | readonly Tensor[] {
  const ready = creatingOn(backend, () => infoOf(name).project?.(bind, args) ?? args);
  return bind(name as "exp", ready as [Tensor], attrs);
}

/** The outputs that gradients can flow into. */
function floats(outputs: Tensor | readonly Tensor[]): Tensor[] {
  return (Array.isArray(outputs) ? outputs as readonly Tensor[] : [outputs as Tensor])
    .filter(({ dtype }) => dtype.kind === "float");
}

/** Gradients for outputs that differ from element to element. */
function cotangents(backend: Backend, outputs: readonly Tensor[]): Tensor[] {
  return outputs.map(({ shape, dtype }, k) =>
    putDense(backend, new Make(dtype, `cotangent ${k}`).values(shape))
  );
}

const checked = new Map<string, Set<Name>>();

for (const { backend } of hostRows) registerBackend(backend);

/** Devices that compute in float64 and read at once: finite differences need both. */
const exactRows = hostRows.filter(({ backend }) => backend.dtypes.has(float64) && backend.canReadSync);

describe.each(exactRows)("$name", ({ name: device, backend }) => {
  const done = new Set<Name>();
  checked.set(device, done);

  describe.each(differentiable)("%s", (name) => {
    test("gradient and second gradient agree with finite differences", () => {
      for (const sample of smoothSamples(name)) {
        const { inputs, outputs } = callOf(backend, name, sample);
        try {
          expect(gradcheck(outputs, inputs)).toBe(true);
          expect(gradgradcheck(outputs, inputs)).toBe(true);
        } catch (cause) {
          throw new Error(`${sample.title}: ${(cause as Error).message}`, { cause });
        }
      }
      done.add(name);
    });

    test("gradients have the types of the inputs, or the pass says that there are none", () => {
      for (const sample of infoOf(name).samples(new Make(float64, name))) {
        const { inputs, moved, outputs } = callOf(backend, name, sample);
        const made = outputs(...inputs).filter((y) => y.requiresGrad);
        const pass = () => grad(made, moved, { gradOutputs: cotangents(backend, made), allowUnused: true });
        if (sample.noGradient === true) {
          expect(pass, sample.title).toThrow(GradError);
          continue;
        }
        const grads = pass();
        grads.forEach((g, i) => {
          if (g !== null) expect(formatType(g), sample.title).toBe(formatType(moved[i]!));
        });
      }
    });

    test("the gradient does not depend on the layout of the inputs", async () => {
      if (infoOf(name).anyLayout === false) return; // there the layout is the argument
      for (const sample of smoothSamples(name)) {
        const [plain, other] = await Promise.all((["contiguous", "stepped"] as const).map(async (layout) => {
          const call = callOf(backend, name, sample, layout);
          const strided = name === "view" && layout === "stepped"
            ? call.inputs.map((x) => x.clone())
            : call.inputs;
          const outputs = call.outputs(...strided).filter((y) => y.requiresGrad);
          const grads = grad(outputs, call.moved, {
            gradOutputs: cotangents(backend, outputs),
            allowUnused: true,
          });
          return await Promise.all(grads.map((g) => g === null ? null : get(g)));
        }));
        plain!.forEach((g, i) => {
          const found = g === null ? other![i] : difference(other![i]!, g, infoOf(name).tolerance(float64));
          expect(found, sample.title).toBeNull();
        });
      }
    });

    test("a pass leaves nothing but the gradients in memory", () => {
      for (const sample of smoothSamples(name)) {
        const pass = (): number => {
          const before = backend.memory().liveBytes;
          const { inputs, moved } = callOf(backend, name, sample);
          // What `project` makes on the way is the test's own.
          const outputs = temporaries(() => apply(backend, name, inputs, sample));
          const made = floats(outputs).filter((y) => y.requiresGrad);
          const given = cotangents(backend, made);
          made.forEach((y, k) => y.backward(given[k]!, { retainGraph: k < made.length - 1 }));
          for (const x of [outputs, given, moved.map((x) => x.grad), inputs].flat()) x?.storage.dispose();
          return backend.memory().liveBytes - before;
        };
        pass(); // makes the constants that are shared from then on
        expect(pass(), sample.title).toBe(0);
      }
    });
  });
});

describe.each(hostRows)("$name", ({ backend, factor }) => {
  /** What a gradient may be off: a backward pass is as many steps again, and adds up. */
  const boundOf = (name: Name, dtype: DType): Bound => {
    const { rtol, atol } = infoOf(name).tolerance(dtype);
    const wide = 8 * factor * (rtol > 0 ? rtol : tolerances.elementary(dtype).rtol);
    return { rtol: wide, atol: Math.max(8 * factor * atol, wide) };
  };

  test.skipIf(backend === oracle).each(differentiable)(
    "%s: gradients in float32 are the reference's",
    async (name) => {
      for (const sample of smoothSamples(name, float32)) {
        const [want, got] = await Promise.all([oracle, backend].map(async (device) => {
          const { inputs, moved, outputs } = callOf(device, name, sample);
          const made = outputs(...inputs).filter((y) => y.requiresGrad);
          const grads = grad(made, moved, { gradOutputs: cotangents(device, made), allowUnused: true });
          return await Promise.all(grads.map((g) => g === null ? null : get(g)));
        }));
        want!.forEach((g, i) => {
          const found = g === null ? got![i] : difference(got![i]!, g, boundOf(name, float32));
          expect(found, `${sample.title}, input ${i}`).toBeNull();
        });
      }
    },
  );

  describe.each(fused)("%s", (name) => {
    test.each(
      [float32, float64].filter((dtype) => backend.dtypes.has(dtype)).map((dtype) =>
        [dtype.name, dtype] as const
      ),
    )(
      "result and gradient are those of the decomposition, in %s",
      async (_, dtype) => {
        for (const sample of smoothSamples(name, dtype)) {
          const decompose = decompositions[name] as unknown as Decomposition<"silu">;
          const { inputs, moved } = callOf(backend, name, sample);
          const results = await Promise.all([
            apply(backend, name, inputs, sample),
            creatingOn(backend, () => decompose(bind, inputs as unknown as [Tensor], sample.attrs)),
          ].map(async (made) => {
            const outputs = floats(made);
            const differentiable = outputs.filter((y) => y.requiresGrad);
            const grads = grad(differentiable, moved, {
              gradOutputs: cotangents(backend, differentiable),
              allowUnused: true,
            });
            return await Promise.all([...outputs, ...grads].map((x) => x === null ? null : get(x)));
          }));
          const [own, decomposed] = results as [(HostTensor | null)[], (HostTensor | null)[]];
          decomposed.forEach((want, i) => {
            const found = want === null || own[i] === null
              ? own[i] === want ? null : "one is null"
              : difference(own[i]!, want, boundOf(name, dtype));
            expect(found, `${sample.title}, number ${i}`).toBeNull();
          });
        }
      },
    );
  });
});

describe("the facts", () => {
  test("every differentiable primitive was checked on every device", () => {
    expect([...checked.keys()]).toEqual(exactRows.map((row) => row.name));
    for (const [device, done] of checked) {
      expect([...done].sort(), device).toEqual([...differentiable].sort());
    }
  });

  test.each(names)("%s: say of it whether it has a derivative, and have samples for it", (name) => {
    const { differentiable } = infoOf(name);
    expect(derivativeOf(name) !== null).toBe(differentiable.length > 0);
    if (differentiable.length === 0) return;
    const samples = smoothSamples(name);
    expect(inputDTypes[name].dtypes).toContain(float64);
    const most = Math.max(...samples.map(({ inputs }) => inputs.length));
    for (const i of differentiable.filter((i) => i < most)) {
      const moved = samples.filter((sample) => movedInputs(name, sample).includes(i));
      expect(moved.length, `input ${i}`).toBeGreaterThan(0);
      expect(moved.some(({ inputs }) => numelOf((inputs as readonly HostTensor[])[i]!.shape) > 1)).toBe(true);
    }
  });
});
