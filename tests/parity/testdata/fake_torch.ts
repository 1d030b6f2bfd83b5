/**
 * A toy library with just enough of the surface to try the runner on: a few ops with gradients, some of them wrong on
 * purpose.
 *
 * @module
 */

import { contiguousStride, gatherStrided } from "../compare.ts";
import { numel } from "../safetensors.ts";

export class TorchError extends Error {
  override name = "TorchError";
}
export class ShapeError extends TorchError {
  override name = "ShapeError";
}
export class IndexError extends TorchError {
  override name = "IndexError";
}

interface DType {
  readonly name: string;
}

export const float32: DType = { name: "float32" };
export const int32: DType = { name: "int32" };
export const bool: DType = { name: "bool" };

let recording = true;

export class Tensor {
  grad: Tensor | null = null;
  requiresGrad = false;
  /** Gives the gradients of the inputs from that of the output. */
  back: ((grad: Tensor) => void) | null = null;

  constructor(
    readonly storage: { data: number[] },
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly dtype: DType,
  ) {}

  get isLeaf(): boolean {
    return this.back === null;
  }
  /** A property, as in PyTorch. */
  get T(): Tensor {
    return new Tensor(this.storage, this.shape.toReversed(), this.strides.toReversed(), this.dtype);
  }
  values(): number[] {
    return gatherStrided(this.storage.data, this.shape, this.strides);
  }
  data(): Promise<number[]> {
    return Promise.resolve(this.values());
  }
  asStrided(shape: readonly number[], stride: readonly number[]): Tensor {
    return new Tensor(this.storage, shape, stride, this.dtype);
  }
  requiresGrad_(): this {
    this.requiresGrad = true;
    return this;
  }
  clone(): Tensor {
    return recorded(make(this.values(), this.shape, this.dtype), [[this, (grad) => grad]]);
  }
  fill_(value: number | boolean): this {
    this.storage.data.fill(Number(value));
    return this;
  }
  mul(other: Tensor | number): Tensor {
    return mul(this, other);
  }
  mul_(other: Tensor | number): this {
    const before = new Tensor({ data: this.values() }, this.shape, contiguousStride(this.shape), this.dtype);
    before.back = this.back;
    before.requiresGrad = this.requiresGrad;
    const product = mul(before, other);
    this.storage.data = product.values();
    this.back = product.back;
    this.requiresGrad = product.requiresGrad;
    return this;
  }
  /** Wrong on purpose: it does not return the tensor that it changed. */
  neg_(): Tensor {
    this.storage.data = this.storage.data.map((x) => -x);
    return this.clone();
  }
  view(shape: readonly number[]): Tensor {
    return this.asStrided(shape, contiguousStride(shape));
  }
  /** Wrong on purpose: PyTorch's is a view. */
  unsqueeze(dim: number): Tensor {
    return make(this.values(), this.shape.toSpliced(dim, 0, 1), this.dtype);
  }
  index(...items: readonly unknown[]): Tensor {
    if (items.length !== 1 || typeof items[0] !== "number") throw new TorchError("only a number");
    const row = this.values().slice(items[0] * this.strides[0]!, (items[0] + 1) * this.strides[0]!);
    return make(row, this.shape.slice(1), this.dtype);
  }
  setIndex(items: readonly number[], value: number): void {
    this.storage.data[items[0]!] = value;
  }
  backward(gradient: Tensor = make([1], [], float32)): void {
    if (this.back !== null) this.back(gradient);
    else this.grad = this.grad === null ? gradient : mul(make([1], [], float32), add(this.grad, gradient));
  }
}

function make(data: readonly number[], shape: readonly number[], dtype: DType): Tensor {
  return new Tensor({ data: [...data] }, shape, contiguousStride(shape), dtype);
}

function recorded(out: Tensor, inputs: readonly (readonly [Tensor, (grad: Tensor) => Tensor])[]): Tensor {
  const needed = recording ? inputs.filter(([x]) => x.requiresGrad) : [];
  if (needed.length === 0) return out;
  out.requiresGrad = true;
  out.back = (grad) => needed.forEach(([x, rule]) => x.backward(noGrad(() => rule(grad))));
  return out;
}

export function fromTypedArray(data: ArrayLike<number>, shape: readonly number[], { dtype }: { dtype: DType }): Tensor {
  return make(Array.from(data), shape, dtype);
}

export function noGrad<R>(body: () => R): R {
  recording = false;
  try {
    return body();
  } finally {
    recording = true;
  }
}

function zip(x: Tensor, y: Tensor, f: (a: number, b: number) => number): Tensor {
  const [a, b] = [x.values(), y.values()];
  if (a.length !== 1 && b.length !== 1 && a.length !== b.length) {
    throw new ShapeError(`Cannot add float32[${x.shape.join(", ")}] and float32[${y.shape.join(", ")}]`);
  }
  const shape = a.length >= b.length ? x.shape : y.shape;
  return make(Array.from({ length: numel(shape) }, (_, i) => f(a[i] ?? a[0]!, b[i] ?? b[0]!)), shape, x.dtype);
}

export function add(x: Tensor, y: Tensor, { alpha = 1 }: { alpha?: number } = {}): Tensor {
  return zip(x, y, (a, b) => a + alpha * b);
}

export function mul(x: Tensor, y: Tensor | number): Tensor {
  const other = typeof y === "number" ? make([y], [], x.dtype) : y;
  return recorded(zip(x, other, (a, b) => a * b), [[x, (grad) => mul(grad, other)], [other, (grad) => mul(grad, x)]]);
}

export function sum(x: Tensor): Tensor {
  const total = x.values().reduce((a, b) => a + b, 0);
  return recorded(make([total], [], x.dtype), [[x, (grad) => zip(x, grad, (_, g) => g)]]);
}

/** Right values, wrong gradient on purpose. */
export function exp(x: Tensor): Tensor {
  return recorded(make(x.values().map(Math.exp), x.shape, x.dtype), [[x, (grad) => grad]]);
}

/** Wrong on purpose: it gives its input itself. */
export function positive(x: Tensor): Tensor {
  return x;
}

/** Wrong on purpose: it changes its input. */
export function abs(x: Tensor): Tensor {
  const result = make(x.values().map(Math.abs), x.shape, x.dtype);
  x.fill_(0);
  return result;
}

export function sort(x: Tensor): { values: Tensor; indices: Tensor } {
  const order = x.values().map((value, i) => ({ value, i })).toSorted((a, b) => a.value - b.value || b.i - a.i);
  return {
    values: make(order.map(({ value }) => value), x.shape, x.dtype),
    indices: make(order.map(({ i }) => i), x.shape, int32),
  };
}

/** The sum of pairs of numbers, given as a last dimension of 2. */
export function sumPairs(x: Tensor, { complex = false }: { complex?: boolean } = {}): Tensor {
  if (!complex) throw new TorchError("Cannot sumPairs: complex must be true");
  const values = x.values();
  const part = (k: number) => values.filter((_, i) => i % 2 === k).reduce((a, b) => a + b, 0);
  return make([part(0), part(1)], [2], x.dtype);
}

/** Never ends. */
export function hang(): never {
  for (;;);
}

/** Ends the process. */
export function crash(): never {
  process.exit(7);
}

export const autograd = {
  backward(outputs: readonly Tensor[], grads: readonly Tensor[]): void {
    outputs.forEach((output, i) => output.backward(grads[i]!));
  },
};
