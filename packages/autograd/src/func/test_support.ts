/**
 * What the tests of function transforms share: calls of primitives on the samples of their facts.
 *
 * @module
 */

import { type DType, float64, type Name } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, creatingOn, fromData } from "@flambeau/tensor/internal";
import {
  type Bound,
  difference,
  type HostTensor,
  Make,
  type OpInfo,
  opInfos,
  type Sample,
} from "@flambeau/testing";
import { backend } from "../test_support.ts";

/** Facts of a primitive that is not known. */
export type AnyInfo = OpInfo<"exp">;
/** A sample of a primitive that is not known. */
export type AnySample = Sample<"exp">;
/** A primitive as a function of its inputs. */
export type Call = (...inputs: Tensor[]) => readonly Tensor[];

/** The facts of a primitive. */
export function infoOf(name: Name): AnyInfo {
  return opInfos[name] as unknown as AnyInfo;
}

/** The primitive of a sample as a function of inputs, which become such that it takes. */
export function callOf(name: Name, { attrs }: AnySample): Call {
  return (...inputs) => {
    const ready = creatingOn(backend, () => infoOf(name).project?.(bind, inputs) ?? inputs);
    const made: unknown = bind(name as "exp", ready as [Tensor], attrs);
    return Array.isArray(made) ? made : [made as Tensor];
  };
}

/** Samples that gradients can be checked at. */
export function smoothSamples(name: Name, dtype: DType = float64): AnySample[] {
  return infoOf(name).samples(new Make(dtype, name)).filter(({ smooth }) =>
    smooth !== undefined && smooth !== false
  );
}

/** The inputs of a sample that have a gradient. */
export function movedInputs(name: Name, { inputs, smooth }: AnySample): number[] {
  return infoOf(name).differentiable.filter((i) =>
    i < inputs.length && (!Array.isArray(smooth) || smooth.includes(i))
  );
}

/** Names of the primitives that have a gradient. */
export const differentiableNames: readonly Name[] = (Object.keys(opInfos) as Name[])
  .filter((name) => infoOf(name).differentiable.length > 0);

/** A tensor of the test device. */
export function put({ data, shape, dtype }: HostTensor): Tensor {
  return fromData(data, shape, dtype, backend);
}

/** A tensor on the host. */
export function get(x: Tensor): HostTensor {
  return { shape: x.shape, dtype: x.dtype, data: x.dataSync() };
}

/** Random values in the shape and dtype of each tensor. */
export function directions(tensors: readonly Tensor[], seed: string): Tensor[] {
  return tensors.map(({ shape, dtype }, i) => put(new Make(dtype, `${seed} ${i}`).values(shape)));
}

/** Tensors of one shape behind one another in a new first dimension. */
export function stacked(list: readonly Tensor[]): Tensor {
  const rows = list.map((x) => bind("view", [bind("copy", [x], null)], { shape: [1, ...x.shape] }));
  return bind("concat", rows, { dim: 0 });
}

/** Throws unless two lists of tensors agree within `bound`. */
export function requireSame(
  what: string,
  got: readonly Tensor[],
  want: readonly Tensor[],
  bound: Bound,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} tensors, expected ${want.length}`);
  got.forEach((x, i) => {
    const found = difference(get(x), get(want[i]!), bound);
    if (found !== null) throw new Error(`${what}, output ${i}: ${found}`);
  });
}
