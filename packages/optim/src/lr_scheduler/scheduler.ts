/**
 * What all schedules share: the optimizer whose rates they set, the last rates, and state dicts.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import { camelCase, fieldsOf, renameKeys, snakeCase } from "../names.ts";
import { Optimizer } from "../optimizer.ts";

/** What a scheduler knows, under PyTorch's names. */
export type SchedulerStateDict = Record<string, unknown>;

/** What `loadStateDict` takes: a plain object or a map, in either spelling. */
export type SchedulerStateDictLike = ReadonlyMap<string, unknown> | { readonly [name: string]: unknown };

/** Sets the learning rates of an optimizer's groups, once a step. */
export abstract class Scheduler {
  /** The optimizer. */
  readonly optimizer: Optimizer;
  /** The rates that were set last, one a group. */
  protected lastLr: number[] = [];

  /**
   * A scheduler for `optimizer`.
   *
   * @throws {ArgumentTypeError} If it is none.
   */
  constructor(optimizer: Optimizer) {
    if (!(optimizer instanceof Optimizer)) {
      throw new ArgumentTypeError(
        `Cannot create a scheduler: it needs an Optimizer, got ${typeof optimizer}`,
      );
    }
    this.optimizer = optimizer;
  }

  /** Goes on to the next rates, or to those of `epoch`. */
  abstract step(epoch?: number): void;

  /** Sets the first rates anew. For schedulers that are made of others. */
  abstract initialStep(): void;

  /** Takes the first step back, without changing rates. For schedulers that are made of others. */
  abstract undoStep(): void;

  /** The rates that were set last, one a group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** Sets the rates of all groups and notes them. */
  protected setRates(rates: readonly number[]): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      if (i < rates.length) group.lr = rates[i]!;
    });
    this.noteRates();
  }

  /** Notes the rates of all groups. */
  protected noteRates(): void {
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Names of the fields that make the state. */
  protected abstract stateFields(): readonly string[];

  /** What the scheduler knows, under PyTorch's names. Functions are not part of it. */
  stateDict(): SchedulerStateDict {
    const fields = this as unknown as Record<string, unknown>;
    return renameKeys(this.stateFields().map((name) => [name, copy(fields[name])]), snakeCase);
  }

  /**
   * Takes over a state dict, of this library or of PyTorch. Entries that are not state of this scheduler are left out.
   *
   * @throws {ArgumentTypeError} If it is no object.
   */
  loadStateDict(stateDict: SchedulerStateDictLike): void {
    if (typeof stateDict !== "object" || stateDict === null) {
      throw new ArgumentTypeError(
        `Cannot load the state dict of a scheduler: it must be an object, got ${typeof stateDict}`,
      );
    }
    const known = new Set(this.stateFields());
    for (const [key, value] of fieldsOf(stateDict)) {
      const name = camelCase(key);
      if (known.has(name)) this.loadField(name, copy(value));
    }
  }

  /** Takes over one field of a state dict. */
  protected loadField(name: string, value: unknown): void {
    (this as unknown as Record<string, unknown>)[name] = value;
  }
}

/** A copy of lists, so that state dicts do not change with the scheduler. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  return value instanceof Map ? new Map(value) : value;
}

/**
 * One value for each group, from one for all or a list.
 *
 * @throws {ValueError} If the list has another length.
 */
export function perGroup<T>(
  subject: string,
  name: string,
  optimizer: Optimizer,
  value: T | readonly T[],
): T[] {
  const { length } = optimizer.paramGroups;
  if (!Array.isArray(value)) return new Array<T>(length).fill(value as T);
  if (value.length === length) return [...value];
  throw new ValueError(
    `Cannot create ${subject}: ${name} must have one value for each of ${length} groups, got ${value.length}`,
  );
}
