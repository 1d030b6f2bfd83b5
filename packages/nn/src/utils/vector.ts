/**
 * All parameters as one vector.
 *
 * @module
 */

import { ArgumentTypeError, formatType, numelOf, ShapeError } from "@flambeau/core";
import { cat, narrow, reshape, type Tensor } from "@flambeau/tensor";
import { requireTensor } from "@flambeau/tensor/internal";
import { setData } from "../parameter.ts";

function listOf(op: string, parameters: Iterable<Tensor>): Tensor[] {
  if (typeof parameters !== "object" || parameters === null || !(Symbol.iterator in parameters)) {
    throw new ArgumentTypeError(`Cannot ${op}: the parameters must come in an array or another iterable`);
  }
  return [...parameters].map((parameter) => requireTensor(op, "parameters", parameter));
}

/**
 * All elements of all parameters behind one another. Recorded for autograd.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html
 */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  return cat(listOf("parametersToVector", parameters).map((parameter) => reshape(parameter, [-1])));
}

/**
 * Gives the parameters the elements of `vec` for values; they share its memory.
 *
 * @throws {ShapeError} If `vec` has fewer elements than the parameters, or is no vector.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html
 */
export function vectorToParameters(vec: Tensor, parameters: Iterable<Tensor>): void {
  requireTensor("vectorToParameters", "vec", vec);
  const list = listOf("vectorToParameters", parameters);
  const total = list.reduce((count, { shape }) => count + numelOf(shape), 0);
  if (vec.ndim !== 1 || vec.shape[0]! < total) {
    throw new ShapeError(
      `Cannot vectorToParameters ${formatType(vec)}: it must be a vector of ${total} elements`,
    );
  }
  const values = vec.detach();
  let start = 0;
  for (const parameter of list) {
    const count = numelOf(parameter.shape);
    setData(parameter, narrow(values, 0, start, count).view(parameter.shape));
    start += count;
  }
}
