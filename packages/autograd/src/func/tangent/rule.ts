/**
 * The form of a forward-mode rule, and the rules that follow from derivative rows.
 *
 * @module
 */

import type { Attrs, Inputs, Name, Outputs } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { derivativeOf } from "../../derivatives.ts";
import { grad } from "../../engine.ts";
import { add, expand, full, mul } from "../../math.ts";
import type { BackwardContext, Derivative, OutputGrad } from "../../row.ts";
import { sumTo } from "../../sum_to.ts";
import { GradLevel } from "../grad_level.ts";
import { run } from "../level.ts";

/** What a rule gets: the call, its result, and a tangent for each input, null where it is 0. At least one is not. */
export interface TangentContext<P extends Name> {
  /** The inputs. */
  readonly inputs: Inputs<P, Tensor>;
  /** The result. */
  readonly output: Outputs<P, Tensor>;
  /** Attributes of the call. */
  readonly attrs: Attrs<P>;
  /** Tangents of the inputs. */
  readonly tangents: readonly (Tensor | null)[];
}

/** Tangents of the results, or null where they are 0. They may have a smaller shape that broadcasts. */
export type TangentRule<P extends Name> = (
  context: TangentContext<P>,
) => Tensor | null | readonly (Tensor | null)[];

/** A rule of a primitive that is not known. */
export type AnyTangentRule = TangentRule<Name>;

/** The rules of a family: `"decompose"` where that of the decomposition serves, null where tangents of results are 0. */
export type TangentRulesOf<Family> = {
  readonly [P in keyof Family & Name]: TangentRule<P> | "decompose" | null;
};

/** The tangent of input `i`, made of zeros where there is none. */
export function tangent<P extends Name>({ inputs, tangents }: TangentContext<P>, i: number): Tensor {
  const x = (inputs as readonly Tensor[])[i]!;
  return tangents[i] ?? full(x, x.shape, 0);
}

/** The sum of what is not null. */
export function sumOf(...terms: readonly (Tensor | null)[]): Tensor | null {
  return terms.reduce((sum, term) => sum === null || term === null ? sum ?? term : add(sum, term), null);
}

/** Applies a derivative row to the gradient of its results; `needs` says for which inputs. */
function pulledBack<P extends Name>(
  name: P,
  { inputs, output, attrs }: TangentContext<P>,
  gradient: OutputGrad<P>,
  needs: readonly boolean[],
): readonly (Tensor | null)[] {
  const context = { inputs, output, avals: inputs, attrs, needs } as unknown as BackwardContext<P>;
  return (derivativeOf(name) as Derivative<P>).backward(gradient, context);
}

/**
 * The rule of a pointwise primitive: its Jacobian for each input is diagonal, so the derivative row serves in both
 * directions.
 */
export function diagonal<P extends Name>(name: P): TangentRule<P> {
  return (context) => {
    const { shape } = context.output as Tensor;
    const needs = context.tangents.map((t) => t !== null);
    const terms = context.tangents.map((t, i) => {
      if (t === null) return null;
      return pulledBack(name, context, expand(t, shape) as OutputGrad<P>, needs)[i] ?? null;
    });
    return sumOf(...terms);
  };
}

/** The rule of a primitive that is linear in its only input. */
export function linearIn<P extends Name>(name: P): TangentRule<P> {
  return ({ tangents, attrs }) => bind(name as "copy", [tangents[0]!], attrs as null);
}

/**
 * The rule of a reduction of one input: each element has a part in one result only, and the derivative row says what part
 * when every result has the gradient 1.
 */
export function reducing<P extends "prod" | "amax" | "amin">(name: P): TangentRule<P> {
  return (context) => {
    const [t] = context.tangents as [Tensor];
    const output = context.output as Tensor;
    const [slope] = pulledBack(name, context, full(output, output.shape, 1) as OutputGrad<P>, [true]);
    return bind("sum", [mul(t, slope!)], context.attrs);
  };
}

/**
 * The rule that transposes a derivative row. The row is a linear map Jᵀ of the gradient `u`; so ⟨Jᵀ u, t⟩, differentiated
 * for `u`, is J t.
 */
export function transposed<P extends Name>(name: P): TangentRule<P> {
  return (context) => {
    const inputs = context.inputs as readonly Tensor[];
    const outputs = (Array.isArray(context.output) ? context.output : [context.output]) as readonly Tensor[];
    const needs = context.tangents.map((t) => t !== null);
    const level = new GradLevel();
    const u = outputs.map((y) => y.dtype.kind === "float" ? level.leaf(full(y, y.shape, 0)) : null);
    const pulled = run(level, () => {
      const grads = pulledBack(name, context, (u.length === 1 ? u[0] : u) as unknown as OutputGrad<P>, needs);
      return grads.map((g, i) => g === null || g === undefined || !needs[i] ? null : sumTo(g, inputs[i]!));
    });
    const used = pulled.map((_, i) => i).filter((i) => pulled[i] !== null && pulled[i]!.requiresGrad);
    const wanted = u.filter((x): x is Tensor => x !== null);
    const found = used.length === 0 ? [] : grad(used.map((i) => pulled[i]!), wanted, {
      gradOutputs: used.map((i) => context.tangents[i]!),
      allowUnused: true,
    });
    let next = 0;
    return u.map((x) => x === null ? null : found[next++] ?? null);
  };
}
