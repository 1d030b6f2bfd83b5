/**
 * Half-precision inputs of fused primitives: computed in float32, rounded once.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  bfloat16,
  type Bind,
  type DType,
  float16,
  float32,
  type FusedName,
  type Inputs,
  type Outputs,
} from "@flambeau/core";
import type { Decomposition } from "./formula.ts";

/**
 * Wraps a decomposition of several steps so that each half-precision input becomes float32 first and each float32
 * output returns to the half dtype. float16 and bfloat16 are storage types: rounding every step would lose what one
 * kernel keeps. Other dtypes pass untouched.
 */
export function inFloat32<P extends FusedName>(decompose: Decomposition<P>): Decomposition<P> {
  return <T extends Aval>(bind: Bind<T>, inputs: Inputs<P, T>, attrs: Attrs<P>): Outputs<P, T> => {
    const values = inputs as readonly T[];
    const half = values.find(isHalf)?.dtype;
    if (half === undefined) return decompose(bind, inputs, attrs);
    const cast = (x: T, dtype: DType) => bind("cast", [x], { dtype });
    const wide = values.map((x) => isHalf(x) ? cast(x, float32) : x) as unknown as Inputs<P, T>;
    const narrow = (x: T) => x.dtype === float32 ? cast(x, half) : x;
    const result = decompose(bind, wide, attrs) as T | readonly T[];
    return (Array.isArray(result) ? result.map(narrow) : narrow(result as T)) as Outputs<P, T>;
  };
}

function isHalf(x: Aval): boolean {
  return x.dtype === float16 || x.dtype === bfloat16;
}
