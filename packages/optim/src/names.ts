/**
 * Between the library's camelCase and the names that PyTorch writes into state dicts.
 *
 * @module
 */

/** Names that the rule does not give: private in PyTorch, or with a digit of their own. */
const TO_PYTORCH: Readonly<Record<string, string>> = {
  T0: "T_0",
  lastLr: "_last_lr",
  stepCount: "_step_count",
  schedulePhases: "_schedule_phases",
};
const FROM_PYTORCH: ReadonlyMap<string, string> = new Map(
  Object.entries(TO_PYTORCH).map(([ours, theirs]) => [theirs, ours]),
);

/** PyTorch's spelling of a name: `weightDecay` → `weight_decay`, `HDiag` → `H_diag`. */
export function snakeCase(name: string): string {
  if (Object.hasOwn(TO_PYTORCH, name)) return TO_PYTORCH[name]!;
  return name.replace(/(?<=.)[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** The library's spelling of a name, which may be in either: `weight_decay` → `weightDecay`. */
export function camelCase(name: string): string {
  return FROM_PYTORCH.get(name) ??
    name.replace(/(?<=[^_])_+([^_])/g, (_, next: string) => next.toUpperCase());
}

/** A copy with the names of its fields rewritten; in a fresh object, so that no name has a meaning of its own. */
export function renameKeys(
  fields: Iterable<readonly [string, unknown]>,
  rename: (name: string) => string,
): Record<string, unknown> {
  return Object.fromEntries([...fields].map(([name, value]) => [rename(name), value]));
}

/** The fields of a plain object or of a map, which a loaded file may hold either of. */
export function fieldsOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), item]);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  return [];
}

/** One field of a plain object or of a map, under the library's or PyTorch's name. */
export function fieldOf(value: unknown, name: string): unknown {
  return fieldsOf(value).find(([key]) => camelCase(key) === name)?.[1];
}
