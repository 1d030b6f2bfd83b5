/**
 * Kernels of random numbers: the elements that the recipe of core's Philox gives, whatever the strides of the output.
 *
 * @module
 */

import { fillInt, fillNormal, fillUniform, type KernelTable, numelOf } from "@flambeau/core";
import { allocateWide, fromDense, type HostDispatch, type View } from "./iterate.ts";

/** Kernels of random numbers over the memory that `view` shows. */
export function randomKernels(
  view: View,
): Pick<KernelTable<HostDispatch>, "randomUniform" | "randomNormal" | "randomInt"> {
  return {
    randomUniform: (_, output, attrs) => () => {
      const values = new Float64Array(numelOf(output.shape));
      fillUniform(values, attrs);
      fromDense(view, output, values);
    },
    randomNormal: (_, output, attrs) => () => {
      const values = new Float64Array(numelOf(output.shape));
      fillNormal(values, attrs);
      fromDense(view, output, values);
    },
    randomInt: (_, output, attrs) => () => {
      const values = allocateWide(output.dtype, numelOf(output.shape));
      fillInt(values, attrs);
      fromDense(view, output, values);
    },
  };
}
