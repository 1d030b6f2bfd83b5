/**
 * Arguments as PyTorch takes them: positional in PyTorch's order, any tail of them by name in one trailing object.
 *
 * @module
 */

import { ArgumentTypeError, DType } from "@flambeau/core";
import { Device } from "./device.ts";
import { TensorHandle } from "./handle.ts";

/**
 * The optional arguments of a function: those named in `K` may stand in this order; after any number of them one object may
 * give the others by name.
 *
 * `Args<{ dim: number; keepdim: boolean }, ["dim", "keepdim"]>` accepts `()`, `(1)`, `(1, true)`, `({ dim: 1 })` and
 * `(1, { keepdim: true })`.
 */
export type Args<O extends object, K extends readonly unknown[]> = K extends readonly [infer H, ...infer R]
  ? [options?: Partial<O>] | [value: H extends keyof O ? O[H] | undefined : never, ...rest: Args<O, R>]
  : [options?: Partial<O>];

/**
 * Reads arguments of the form {@linkcode Args} into one object.
 *
 * @param op Name of the function, for messages.
 * @param args What was passed after the required arguments.
 * @param names The positional names in order.
 * @param others Names that may only be given in the object.
 * @throws {ArgumentTypeError} If there are too many arguments or an unknown name.
 */
export function named<O extends object>(
  op: string,
  args: readonly unknown[],
  names: readonly (keyof O & string)[],
  others: readonly (keyof O & string)[] = [],
): Partial<O> {
  const out: Record<string, unknown> = {};
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  const last = count > 0 ? args[count - 1] : undefined;
  if (isOptions(last)) {
    requireKnown(op, last, names, others);
    for (const key of Object.keys(last)) if (last[key] !== undefined) out[key] = last[key];
    count--;
  }
  if (count > names.length) {
    throw new ArgumentTypeError(
      `Cannot ${op}: at most ${names.length} optional arguments go by position, got ${count}`,
    );
  }
  for (let i = 0; i < count; i++) {
    const name = names[i]!;
    if (args[i] === undefined) continue;
    if (name in out) {
      throw new ArgumentTypeError(`Cannot ${op}: argument ${name} was given by position and by name`);
    }
    out[name] = args[i];
  }
  return out as Partial<O>;
}

/**
 * Checks that every option has a name that is known.
 *
 * @throws {ArgumentTypeError} If one has not.
 */
export function requireKnown(
  op: string,
  options: object,
  names: readonly string[],
  others: readonly string[] = [],
): void {
  for (const key of Object.keys(options)) {
    if (names.includes(key) || others.includes(key)) continue;
    throw new ArgumentTypeError(
      `Cannot ${op} with option ${JSON.stringify(key)}: it must be one of ${
        [...names, ...others].join(", ")
      }`,
    );
  }
}

/** True for a plain object that gives arguments by name: no tensor, dtype, device, backend, list or generator. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof TensorHandle) &&
    !(value instanceof DType) && !(value instanceof Device) && !ArrayBuffer.isView(value) &&
    !(Symbol.iterator in value) && !("kernels" in value) && !("manualSeed" in value);
}
