/**
 * Modules that hold parameters: ParameterList, ParameterDict.
 *
 * @module
 */

import { ArgumentTypeError, IndexError } from "@flambeau/core";
import { Tensor } from "@flambeau/tensor";
import { type AnyModule, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { classNameOf } from "./print.ts";
import { ownParameters, unregister } from "./registry.ts";

function toParameter(container: AnyModule, value: unknown): Parameter {
  if (value instanceof Parameter) return value;
  if (value instanceof Tensor) return new Parameter(value);
  throw new ArgumentTypeError(
    `Cannot put ${value === null ? "null" : typeof value} into ${
      classNameOf(container)
    }: it must be a Tensor`,
  );
}

/** Lines that tell dtype and shape of each parameter. */
function describeParameters(container: AnyModule): string {
  return ownParameters(container).map(([name, { dtype, shape }]) =>
    `  (${name}): Parameter containing: [torch.${dtype.name} of size ${shape.join("x")}]`
  ).join("\n");
}

/**
 * A list of parameters; plain tensors that are put in become parameters.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
 */
export class ParameterList extends Module<never, never> {
  /** The parameters by number, as in `list[0]`. */
  [index: number]: Parameter;

  /**
   * Makes a list of parameters.
   *
   * @param values The parameters in order.
   * @throws {ArgumentTypeError} If one is no Tensor.
   */
  constructor(values: Iterable<Tensor> = []) {
    super();
    this.extend(values);
  }

  /** Number of parameters. */
  override get length(): number {
    return ownParameters(this).length;
  }

  /**
   * The parameter at `index`, which may count from the end.
   *
   * @throws {IndexError} If there is none.
   */
  at(index: number): Parameter {
    const found = ownParameters(this).at(index);
    if (found === undefined || !Number.isInteger(index) || index < -this.length) {
      throw new IndexError(
        `Cannot get parameter ${index} of ParameterList: it must be in [${-this
          .length}, ${this.length}), got ${index}`,
      );
    }
    return found[1];
  }

  /** Adds a parameter at the end. Gives this list. */
  append(value: Tensor): this {
    this.registerParameter(String(this.length), toParameter(this, value));
    return this;
  }

  /** Adds parameters at the end. Gives this list. */
  extend(values: Iterable<Tensor>): this {
    if (typeof values !== "object" && typeof values !== "function" || !(Symbol.iterator in values)) {
      throw new ArgumentTypeError(
        "Cannot extend ParameterList: the tensors must come in an array or another iterable",
      );
    }
    for (const value of values) this.append(value);
    return this;
  }

  /** The parameters in order. */
  [Symbol.iterator](): Iterator<Parameter> {
    return this.parameters(false)[Symbol.iterator]();
  }

  /** Lines that tell dtype and shape of each parameter. */
  override extraRepr(): string {
    return describeParameters(this);
  }
}

/**
 * Parameters by name; plain tensors that are put in become parameters.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
 */
export class ParameterDict extends Module<never, never> {
  /**
   * Makes a dict of parameters.
   *
   * @param values The parameters by name.
   * @throws {ArgumentTypeError} If one is no Tensor.
   */
  constructor(values: ReadonlyMap<string, Tensor> | { readonly [name: string]: Tensor } = {}) {
    super();
    this.update(values);
  }

  /** Number of parameters. */
  get size(): number {
    return ownParameters(this).length;
  }

  /**
   * The parameter called `name`.
   *
   * @throws {IndexError} If there is none.
   */
  get(name: string): Parameter {
    return this.getParameter(name);
  }

  /** True when there is a parameter called `name`. */
  has(name: string): boolean {
    return this.keys().includes(name);
  }

  /** Sets the parameter called `name`. Gives this dict. */
  set(name: string, value: Tensor): this {
    this.registerParameter(name, toParameter(this, value));
    return this;
  }

  /** Sets parameters by name. Gives this dict. */
  update(values: ReadonlyMap<string, Tensor> | { readonly [name: string]: Tensor }): this {
    for (const [name, value] of values instanceof Map ? values : Object.entries(values)) {
      this.set(name, value);
    }
    return this;
  }

  /** Takes the parameter called `name` out and gives it. */
  pop(name: string): Parameter {
    const taken = this.get(name);
    unregister(this, name);
    return taken;
  }

  /** Takes the parameter called `name` out. True when there was one. */
  delete(name: string): boolean {
    const there = this.has(name);
    if (there) unregister(this, name);
    return there;
  }

  /** Takes all parameters out. */
  clear(): void {
    for (const name of this.keys()) unregister(this, name);
  }

  /** The names in order. */
  keys(): string[] {
    return ownParameters(this).map(([name]) => name);
  }

  /** The parameters in order. */
  values(): Parameter[] {
    return ownParameters(this).map(([, parameter]) => parameter);
  }

  /** Names and parameters in order. */
  entries(): [name: string, parameter: Parameter][] {
    return ownParameters(this);
  }

  /** As {@linkcode entries}, PyTorch's name. */
  items(): [name: string, parameter: Parameter][] {
    return this.entries();
  }

  /** Names and parameters in order. */
  [Symbol.iterator](): Iterator<[name: string, parameter: Parameter]> {
    return this.entries()[Symbol.iterator]();
  }

  /** Lines that tell dtype and shape of each parameter. */
  override extraRepr(): string {
    return describeParameters(this);
  }
}
