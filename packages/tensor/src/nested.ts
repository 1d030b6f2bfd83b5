/**
 * Nested arrays and flat elements: what `torch.tensor(data)` reads, and what `tensor.toArray()` gives back.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bool,
  type DType,
  dtypeOf,
  float32,
  formatShape,
  int32,
  int64,
  promoteTypes,
  type Shape,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import type { ElementValue } from "./elements.ts";

/** A typed array of JavaScript that holds elements. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | (ArrayLike<number> & ArrayBufferView & { readonly [Symbol.toStringTag]: "Float16Array" });

/** What a tensor is made from: a scalar, a typed array, a tensor `T`, or arrays of these of equal length. */
export type NestedData<T = never> = ElementValue | NumericArray | T | readonly NestedData<T>[];

/** Arrays in arrays, as deep as the tensor has dimensions; a scalar for rank 0. */
export type NestedArray = ElementValue | NestedArray[];

/** Elements with a shape: a tensor's contents once read, or a whole nested array. */
export interface FlatData {
  /** Sizes. */
  readonly shape: Shape;
  /** Element type: that of a tensor, or the one that the elements of an array ask for. */
  readonly dtype: DType;
  /** Elements in row-major order; for a flat array the array itself. */
  readonly values: ArrayLike<ElementValue>;
}

/** How {@linkcode parseNested} reads. */
export interface ParseOptions {
  /** The dtype of fractions, and of no elements at all. Default `float32`. */
  readonly defaultDtype?: DType | undefined;
  /** Whether JavaScript numbers that are all whole make integers. Default true, which is what indices are. */
  readonly wholeNumbersAreIntegers?: boolean | undefined;
  /** Describes a tensor that stands among the arrays; null for an object that is none. `values` is only read for elements. */
  readonly readTensor?: ((value: object) => FlatData | null) | undefined;
}

/** PyTorch's limit; it also ends arrays that contain themselves. */
const MAX_DIMS = 64;

const typedArrayDtypes: ReadonlyMap<string, DType> = new Map([
  ["Int8Array", "int8"],
  ["Uint8Array", "uint8"],
  ["Uint8ClampedArray", "uint8"],
  ["Int16Array", "int16"],
  ["Uint16Array", "int32"],
  ["Int32Array", "int32"],
  ["Uint32Array", "int64"],
  ["BigInt64Array", "int64"],
  ["BigUint64Array", "int64"],
  ["Float16Array", "float16"],
  ["Float32Array", "float32"],
  ["Float64Array", "float64"],
].map(([tag, name]) => [tag!, dtypeOf(name!)]));

/**
 * Reads nested arrays into flat elements.
 *
 * The dtype is the smallest that takes all elements: `bool` for booleans, `int32` for whole numbers, `int64` for
 * bigints and for whole numbers beyond 32 bits that a number holds exactly, the default float for others (for all numbers
 * when they are not to make integers); typed arrays and tensors bring their own. Elements are not converted: {@linkcode convertValues} does that.
 *
 * @param data A scalar, a typed array, a tensor, or arrays of these.
 * @throws {ValueError} If arrays at one depth differ in length, or lie deeper than 64 levels.
 * @throws {ArgumentTypeError} If an element is no number, bigint, boolean or tensor, or scalars stand beside arrays.
 */
export function parseNested<T>(data: NestedData<T>, options: ParseOptions = {}): FlatData {
  return new Parser(options).parse(data);
}

/**
 * The elements of a tensor as nested arrays.
 *
 * @param at The element at a row-major place.
 */
export function toNested(shape: Shape, at: (index: number) => ElementValue): NestedArray {
  let place = 0;
  const build = (dim: number): NestedArray => {
    if (dim === shape.length) return at(place++);
    const out = new Array<NestedArray>(shape[dim]!);
    for (let i = 0; i < out.length; i++) out[i] = build(dim + 1);
    return out;
  };
  return build(0);
}

class Parser {
  readonly #readTensor: (value: object) => FlatData | null;
  readonly #defaultDtype: DType;
  readonly #wholeIsInteger: boolean;
  readonly #values: ElementValue[] = [];
  /** Indices of the arrays that are being read, for messages. */
  readonly #path: number[] = [];
  #shape: Shape = [];
  /** Promoted so far, from all but the numbers. */
  #dtype: DType | null = null;
  #hasWhole = false;
  #hasLong = false;
  #hasFraction = false;

  constructor(
    { defaultDtype = float32, wholeNumbersAreIntegers = true, readTensor = () => null }: ParseOptions,
  ) {
    this.#readTensor = readTensor;
    this.#defaultDtype = defaultDtype;
    this.#wholeIsInteger = wholeNumbersAreIntegers;
  }

  parse(data: unknown): FlatData {
    if (!Array.isArray(data)) {
      const leaf = this.#leaf(data);
      if (leaf !== null) return leaf;
      if (!this.#note(data)) throw this.#wrongElement(data);
      return this.#flat([], [data as ElementValue]);
    }
    this.#shape = this.#firstShape(data);
    if (this.#shape.length === 1 && this.#noteAll(data)) {
      return this.#flat(this.#shape, data as ElementValue[]);
    }
    this.#readArray(data, 0);
    return this.#flat(this.#shape, this.#values);
  }

  #flat(shape: Shape, values: ArrayLike<ElementValue>): FlatData {
    if (this.#hasFraction) this.#promote(this.#defaultDtype);
    if (this.#hasLong) this.#promote(int64);
    if (this.#hasWhole) this.#promote(int32);
    return { shape, dtype: this.#dtype ?? this.#defaultDtype, values };
  }

  /** Follows the first elements down; all others must have the same form. */
  #firstShape(data: readonly unknown[]): Shape {
    const shape: number[] = [];
    let item: unknown = data;
    while (Array.isArray(item)) {
      shape.push(item.length);
      if (shape.length > MAX_DIMS) {
        throw new ValueError(
          `Cannot make a tensor from nested arrays: they must have at most ${MAX_DIMS} dimensions, got more`,
        );
      }
      item = item[0];
    }
    const leaf = shape.includes(0) ? null : this.#leaf(item);
    return leaf === null ? shape : [...shape, ...leaf.shape];
  }

  #readArray(items: readonly unknown[], dim: number): void {
    if (items.length !== this.#shape[dim]) {
      throw new ValueError(
        `Cannot make a tensor from nested arrays: expected a sequence of length ${
          this.#shape[dim]
        } at dim ${dim}, got ${items.length}` +
          this.#place(),
      );
    }
    const rest = this.#shape.slice(dim + 1);
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (rest.length === 0 && this.#note(item)) {
        this.#values.push(item as ElementValue);
        continue;
      }
      this.#path.push(i);
      if (rest.length > 0 && Array.isArray(item)) this.#readArray(item, dim + 1);
      else this.#readLeaf(item, rest);
      this.#path.pop();
    }
  }

  #readLeaf(item: unknown, shape: Shape): void {
    const leaf = this.#leaf(item);
    if (leaf === null) {
      throw shape.length > 0 && isElement(item) ? this.#noSequence(item) : this.#wrongElement(item);
    }
    if (!shapesEqual(leaf.shape, shape)) {
      throw new ValueError(
        `Cannot make a tensor from nested arrays: expected a tensor of shape ${formatShape(shape)}, got ${
          formatShape(leaf.shape)
        }${this.#place()}`,
      );
    }
    this.#promote(leaf.dtype);
    for (let i = 0; i < leaf.values.length; i++) this.#values.push(leaf.values[i]!);
  }

  /** The contents of a typed array or a tensor, null for anything else. */
  #leaf(item: unknown): FlatData | null {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return null;
    const dtype = ArrayBuffer.isView(item)
      ? typedArrayDtypes.get((item as Partial<NumericArray>)[Symbol.toStringTag]!)
      : undefined;
    if (dtype === undefined) return this.#readTensor(item);
    const values = item as NumericArray;
    return { shape: [values.length], dtype, values };
  }

  #promote(dtype: DType): void {
    this.#dtype = this.#dtype === null ? dtype : promoteTypes(this.#dtype, dtype);
  }

  /** Takes account of a scalar; false for anything else. */
  #note(item: unknown): boolean {
    if (typeof item === "number") {
      if (!this.#wholeIsInteger) this.#hasFraction = true;
      else if ((item | 0) === item) this.#hasWhole = true;
      else if (Number.isSafeInteger(item)) this.#hasLong = true;
      else this.#hasFraction = true;
    } else if (typeof item === "boolean") this.#promote(bool);
    else if (typeof item === "bigint") this.#hasLong = true;
    else return false;
    return true;
  }

  #noteAll(items: readonly unknown[]): boolean {
    for (let i = 0; i < items.length; i++) if (!this.#note(items[i])) return false;
    return true;
  }

  #noSequence(item: ElementValue): ArgumentTypeError {
    const dim = this.#path.length;
    return new ArgumentTypeError(
      `Cannot make a tensor from nested arrays: expected a sequence of length ${
        this.#shape[dim]
      } at dim ${dim}, ` +
        `got ${describe(item)}${this.#place()}`,
    );
  }

  #wrongElement(item: unknown): ArgumentTypeError {
    const what = this.#path.length === 0 ? "a value" : "nested arrays";
    return new ArgumentTypeError(
      `Cannot make a tensor from ${what}: elements must be numbers, bigints, booleans or tensors, got ${
        describe(item)
      }` +
        this.#place(),
    );
  }

  #place(): string {
    return this.#path.length === 0 ? "" : ` at [${this.#path.join("][")}]`;
  }
}

function isElement(item: unknown): item is ElementValue {
  return typeof item === "number" || typeof item === "boolean" || typeof item === "bigint";
}

function describe(item: unknown): string {
  if (item === null || item === undefined) return String(item);
  if (Array.isArray(item)) return `an array of length ${item.length}`;
  if (typeof item === "string") {
    return `the string ${JSON.stringify(item.length > 40 ? `${item.slice(0, 40)}…` : item)}`;
  }
  if (typeof item === "object") return `an object of class ${item.constructor?.name ?? "null"}`;
  return `the ${typeof item} ${String(item)}`;
}
