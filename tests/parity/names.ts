/**
 * From PyTorch's names to Flambeau's, by rule.
 *
 * `torch.log_softmax` → `torch.logSoftmax`, `torch.optim.lr_scheduler.StepLR` → `torch.optim.lrScheduler.StepLR`,
 * `add_` → `add_`, the keyword `T_max` → `TMax`. Only what Python writes with syntax of its own needs a table.
 *
 * @module
 */

/** Python names without a JavaScript counterpart by rule: operators that are syntax in Python, and `tolist`. */
const RENAMED: Readonly<Record<string, string>> = {
  __getitem__: "index",
  __setitem__: "setIndex",
  tolist: "toArray",
};

/** Something that a case needs and the library does not offer. */
export class Missing extends Error {
  override name = "Missing";
  /** What is missing, such as `torch.fft.rfft` or `Tensor.unfold`. */
  readonly what: string;

  /** @param what What is missing. */
  constructor(what: string) {
    super(`${what} is not offered`);
    this.what = what;
  }
}

/** A name in camelCase: every underscore between two characters goes, and the letter after it becomes a capital. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_+([^_])/g, (_, next: string) => next.toUpperCase());
}

/** The last part of a call, in Flambeau's spelling: `torch.Tensor.index_add_` → `indexAdd_`. */
export function memberName(call: string): string {
  const last = call.slice(call.lastIndexOf(".") + 1);
  return RENAMED[last] ?? camelCase(last);
}

/** True when a call names a method of Tensor. */
export function isMethod(call: string): boolean {
  return call.startsWith("torch.Tensor.");
}

/** A call in Flambeau's spelling, for messages: `torch.nn.functional.conv2d`, `Tensor.indexAdd`. */
export function spelled(call: string): string {
  const path = call.split(".").slice(0, -1).map(camelCase);
  return [...(isMethod(call) ? ["Tensor"] : path), memberName(call)].join(".");
}

/** Names of keyword arguments in camelCase; the values are passed through `value`. */
export function camelKeys<T, R>(kwargs: Readonly<Record<string, T>>, value: (v: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(kwargs).map(([key, v]) => [camelCase(key), value(v)]));
}

/** A member of a value, whatever that is; undefined where there is none. */
export function member(of: unknown, name: string): unknown {
  return of === null || of === undefined ? undefined : (of as Record<string, unknown>)[name];
}

/** A function of any arguments. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** A constructor of any arguments. */
export type AnyConstructor = new (...args: unknown[]) => unknown;

/**
 * Walks a dotted path such as `torch.nn.functional.conv2d` from the library's namespace.
 *
 * @throws {Missing} If a part of the path is not there.
 */
export function resolve(torch: unknown, call: string): unknown {
  const path = spelled(call).split(".").slice(1);
  let at = torch;
  for (const part of path) {
    at = member(at, part);
    if (at === undefined) throw new Missing(spelled(call));
  }
  return at;
}

/**
 * Calls a method of an object.
 *
 * @throws {Missing} If it has no such method.
 */
export function invoke(of: unknown, name: string, ...args: unknown[]): unknown {
  const method = member(of, name);
  if (typeof method !== "function") throw new Missing(`${className(of)}.${name}`);
  return method.apply(of, args);
}

function className(of: unknown): string {
  const name = typeof of === "object" || typeof of === "function" ? of?.constructor?.name : undefined;
  return name === undefined || name === "Object" ? "torch" : name;
}
