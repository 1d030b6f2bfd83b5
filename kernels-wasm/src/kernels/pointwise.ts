/**
 * Pointwise kernels: arithmetic, comparisons, mathematical functions, where, and the fused ones among them.
 *
 * @module
 */

import {
  bool,
  type DType,
  float32,
  formatType,
  type FusedName,
  type Kernel,
  type KernelTable,
  type Operand,
  type Shape,
  type UnaryPrimitives,
  ValueError,
} from "@flambeau/core";
import type { BinaryPrimitives } from "@flambeau/core";
import { chaining } from "../chain.ts";
import { canBeStep, canChain, type ChainOp, ChainStep, type Place, planesOf } from "../chain_step.ts";
import { Call, type Entry, HostStep, Sequence, type WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, loopsOf, pointer, rows } from "../geometry.ts";
import type { Kernels } from "../module.ts";

type UnaryName = keyof UnaryPrimitives<unknown>;
type BinaryName = keyof BinaryPrimitives<unknown>;

/** Primitive → prefix of its kernels. */
const UNARY: readonly (readonly [name: UnaryName, prefix: string, boolPrefix?: string])[] = [
  ["neg", "neg"],
  ["abs", "abs"],
  ["sign", "sign"],
  ["exp", "exp"],
  ["exp2", "exp2"],
  ["expm1", "expm1"],
  ["log", "log"],
  ["log2", "log2"],
  ["log10", "log10"],
  ["log1p", "log1p"],
  ["sqrt", "sqrt"],
  ["rsqrt", "rsqrt"],
  ["reciprocal", "reciprocal"],
  ["sin", "sin"],
  ["cos", "cos"],
  ["tan", "tan"],
  ["asin", "asin"],
  ["acos", "acos"],
  ["atan", "atan"],
  ["sinh", "sinh"],
  ["cosh", "cosh"],
  ["tanh", "tanh"],
  ["asinh", "asinh"],
  ["acosh", "acosh"],
  ["atanh", "atanh"],
  ["erf", "erf"],
  ["erfc", "erfc"],
  ["floor", "floor"],
  ["ceil", "ceil"],
  ["round", "round"],
  ["trunc", "trunc"],
  ["sigmoid", "sigmoid"],
  ["relu", "relu"],
  ["logicalNot", "logical_not", "logical_not"],
  ["bitwiseNot", "bitwise_not", "logical_not"],
  ["isnan", "isnan"],
  ["isinf", "isinf"],
  ["signbit", "signbit"],
];

/** Primitive → prefix of its kernels, and the one that serves bool where there is one. */
const BINARY: readonly (readonly [name: BinaryName, prefix: string, boolPrefix?: string])[] = [
  ["add", "add", "bitwise_or"],
  ["sub", "sub"],
  ["mul", "mul", "bitwise_and"],
  ["div", "div"],
  ["pow", "pow"],
  ["atan2", "atan2"],
  ["hypot", "hypot"],
  ["copysign", "copysign"],
  ["maximum", "maximum", "maximum"],
  ["minimum", "minimum", "minimum"],
  ["eq", "eq", "eq"],
  ["ne", "ne", "ne"],
  ["lt", "lt", "lt"],
  ["le", "le", "le"],
  ["gt", "gt", "gt"],
  ["ge", "ge", "ge"],
  ["bitwiseAnd", "bitwise_and", "bitwise_and"],
  ["bitwiseOr", "bitwise_or", "bitwise_or"],
  ["bitwiseXor", "bitwise_xor", "bitwise_xor"],
  ["leftShift", "left_shift"],
  ["rightShift", "right_shift"],
];

/** Quotients and remainders: of integers, no divisor may be 0. */
const DIVISIONS: readonly (readonly [name: BinaryName, prefix: string])[] = [
  ["floorDivide", "floor_divide"],
  ["truncDivide", "trunc_divide"],
  ["remainder", "remainder"],
  ["fmod", "fmod"],
];

/** Kernels by the code of the inputs' dtype. */
function entriesOf(kernels: Kernels, prefix: string, boolPrefix: string | undefined): (Entry | null)[] {
  const entries = byDType(kernels, prefix);
  if (boolPrefix !== undefined) entries[bool.code] = kernels.find(`${boolPrefix}_u8`);
  return entries;
}

/** Nanoseconds an element of four bytes takes where it is more than {@linkcode PLAIN}, by measurement. */
const COSTS: Readonly<Record<string, number>> = {
  ...{
    exp: 0.45,
    exp2: 0.6,
    expm1: 0.9,
    log: 0.7,
    log2: 0.7,
    log10: 0.7,
    log1p: 1,
    pow: 3,
    atan2: 1.5,
    hypot: 0.6,
  },
  ...{ remainder: 1, fmod: 1, floor_divide: 1, trunc_divide: 0.5 },
  ...{ sin: 0.9, cos: 0.9, tan: 1.5, asin: 1, acos: 1, atan: 1, sinh: 1.2, cosh: 1, tanh: 0.7 },
  ...{ asinh: 2, acosh: 2, atanh: 1.5, erf: 1, erfc: 1.5, sigmoid: 0.7, silu: 0.7 },
  ...{ gelu: 1.2, gelu_tanh: 1, gelu_backward: 2, gelu_tanh_backward: 1.5 },
};
const PLAIN = 0.15;

/** Elements below which no call is cut. */
const SMALL = 16384;

/** Parts begin at multiples of so many elements: whole vectors of every kernel, whole cache lines. */
const GRAIN = 256;

/** Nanoseconds that a call of `prefix` takes for `n` elements. */
function costOf(prefix: string, n: number, x: Operand): number {
  return n * (COSTS[prefix] ?? PLAIN) * (x.dtype.itemsize / 4);
}

/** What a kernel of this name is as a step of a chain. */
function opOf(prefix: string, entries: readonly (Entry | null)[]): ChainOp {
  if (canChain(prefix)) return prefix;
  const entry = entries[float32.code]!;
  return { name: "row", entry, cost: COSTS[prefix] ?? PLAIN };
}

/** A call that may be a step of a chain, where it has enough elements. */
function maybeStep(
  call: WasmDispatch | null,
  op: ChainOp,
  inputs: readonly Operand[],
  output: Operand,
): WasmDispatch | null {
  const { shape } = output;
  const n = count(shape);
  if (n < chaining.from || call === null || !isDense(output, shape)) return call;
  const isTruth = output.dtype === bool;
  if (isTruth ? typeof op !== "string" : output.dtype !== float32) return call;
  const places: Place[] = [];
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    const isTruth = takesTruth(op, i);
    if (x.dtype !== (isTruth ? bool : float32)) return call;
    const isOne = !isDense(x, shape);
    const planes = isOne && !isRepeated(x) ? planesOf(shape, x.shape, x.strides) : null;
    if (isOne && planes === null && !isRepeated(x)) return call;
    places.push({ address: pointer(x), isOne, planes, isTruth });
  }
  return canBeStep(op, places) ? new ChainStep(op, places, pointer(output), isTruth, n, call) : call;
}

/** True when operand `i` of a step is a truth. */
function takesTruth(op: ChainOp, i: number): boolean {
  return op === "where"
    ? i === 0
    : op === "logical_not" || typeof op === "string" && op.startsWith("bitwise_");
}

/** The step of a kernel, made when it is asked for. Apart, so that calls that need none make no closure. */
function later<I>(
  kernel: (inputs: I, output: Operand, attrs: null) => WasmDispatch | null,
  inputs: I,
  output: Operand,
): () => WasmDispatch {
  return () => kernel(inputs, output, null)!;
}

/** The kernel of relu, which may finish a product that waits. */
function reluKernel(kernels: Kernels, kernel: Kernel<"relu", WasmDispatch>): typeof kernel {
  return (inputs, output) => {
    const { finishing } = kernels;
    if (!finishing.waits) return kernel(inputs, output, null);
    const plain = later(kernel, inputs, output);
    return finishing.relu(inputs[0], output, plain) ?? plain();
  };
}

/** The kernel of an addition, which may be that of a bias to a product that waits. */
function addKernel(kernels: Kernels, kernel: Kernel<"add", WasmDispatch>): typeof kernel {
  return (inputs, output) => {
    const { finishing } = kernels;
    if (!finishing.waits) return kernel(inputs, output, null);
    const plain = later(kernel, inputs, output);
    return finishing.bias(inputs, output, plain) ?? plain();
  };
}

/** True for one element, however often it is repeated. */
function isRepeated(x: Operand): boolean {
  return x.strides.every((step, d) => step === 0 || x.shape[d] === 1);
}

/** The kernel of one input whose rows are `entries`. */
function unaryKernel(kernels: Kernels, prefix: string, entries: readonly (Entry | null)[]) {
  const kernel = (inputs: readonly [x: Operand], output: Operand): WasmDispatch | null => {
    const x = inputs[0];
    const entry = entries[x.dtype.code];
    if (entry === null || entry === undefined) return null;
    const shape = output.shape;
    if (isDense(output, shape) && isDense(x, shape)) {
      const n = count(shape);
      const args = [pointer(x), pointer(output), n, 1, 1];
      if (n < SMALL) return new Call(entry, args);
      return kernels.cut(entry, args, {
        units: n,
        at: 2,
        grain: GRAIN,
        cost: costOf(prefix, n, x),
        moves: [[0, x.dtype.itemsize], [1, output.dtype.itemsize]],
      });
    }
    return rows(kernels, entry, shape, [x, output], COSTS[prefix] ?? PLAIN);
  };
  if (!entries[float32.code] && prefix !== "bitwise_not") return kernel;
  const op = opOf(prefix === "bitwise_not" ? "logical_not" : prefix, entries);
  return (inputs: readonly [x: Operand], output: Operand): WasmDispatch | null =>
    maybeStep(kernel(inputs, output), op, inputs, output);
}

/** The kernel of two inputs whose rows are `entries`. */
function binaryKernel(kernels: Kernels, prefix: string, entries: readonly (Entry | null)[]) {
  const kernel = (inputs: readonly [x: Operand, y: Operand], output: Operand): WasmDispatch | null => {
    const x = inputs[0];
    const y = inputs[1];
    const entry = entries[x.dtype.code];
    if (entry === null || entry === undefined) return null;
    const shape = output.shape;
    if (isDense(output, shape) && isDense(x, shape) && isDense(y, shape)) {
      const n = count(shape);
      const args = [pointer(x), pointer(y), pointer(output), n, 1, 1, 1];
      if (n < SMALL) return new Call(entry, args);
      const step = x.dtype.itemsize;
      return kernels.cut(entry, args, {
        units: n,
        at: 3,
        grain: GRAIN,
        cost: costOf(prefix, n, x),
        moves: [[0, step], [1, step], [2, output.dtype.itemsize]],
      });
    }
    if (count(shape) >= LARGE && (isAcross(x, shape) || isAcross(y, shape))) return null;
    return rows(kernels, entry, shape, [x, y, output], COSTS[prefix] ?? PLAIN);
  };
  if (!entries[float32.code] && !canChain(prefix)) return kernel;
  const op = opOf(prefix, entries);
  return (inputs: readonly [x: Operand, y: Operand], output: Operand): WasmDispatch | null =>
    maybeStep(kernel(inputs, output), op, inputs, output);
}

/** A division by `divide`; of integers after a look at all divisors, because division by 0 stops WebAssembly. */
function divisionKernel(kernels: Kernels, divide: ReturnType<typeof binaryKernel>) {
  return (inputs: readonly [x: Operand, y: Operand], output: Operand): WasmDispatch | null => {
    const [x, y] = inputs;
    const step = divide(inputs, output);
    if (step === null || x.dtype.kind === "float") return step;
    if (count(output.shape) === 0) return step;
    const wide = y.dtype.itemsize / 4;
    const look = new HostStep(() => {
      const ints = kernels.heap.ints;
      const first = pointer(y) / 4;
      eachRow(y, (start, step, size) => {
        for (let i = 0, at = first + start * wide; i < size; i++, at += step * wide) {
          if (ints[at] === 0 && (wide === 1 || ints[at + 1] === 0)) {
            throw new ValueError(`Cannot divide ${formatType(x)} by zero`);
          }
        }
      });
    });
    return new Sequence([look, step]);
  };
}

/** The rows of an operand: place of the first element, step and number of elements. */
function eachRow(x: Operand, visit: (start: number, step: number, size: number) => void): void {
  const { sizes, steps } = loopsOf(x.shape, [x]);
  const along = steps[0]!;
  const inner = sizes.length - 1;
  const walk = (d: number, start: number): void => {
    if (d === inner) return visit(start, along[d]!, sizes[d]!);
    for (let i = 0; i < sizes[d]!; i++) walk(d + 1, start + i * along[d]!);
  };
  walk(0, 0);
}

/** Elements from which a transposed operand is better copied, block by block, than read across. */
const LARGE = 16384;

/** True when `x` is a large transposed operand: its last dimension steps over memory that another runs along. */
function isAcross(x: Operand, shape: Shape): boolean {
  const last = x.strides.length - 1;
  if (last < 1 || x.shape.length !== shape.length || x.dtype.itemsize !== 4) return false;
  const step = x.strides[last]!;
  return step !== 1 && step !== 0 && x.shape[last]! >= 16 && x.strides.indexOf(1) >= 0 &&
    x.shape[x.strides.indexOf(1)]! >= 16;
}

/** Rows of one dtype only. */
function only(dtype: DType, entry: Entry): (Entry | null)[] {
  const entries: (Entry | null)[] = [];
  entries[dtype.code] = entry;
  return entries;
}

/** The pointwise kernels. */
export function pointwiseKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const table: Record<string, unknown> = {};
  for (const [name, prefix, boolPrefix] of UNARY) {
    table[name] = unaryKernel(kernels, prefix, entriesOf(kernels, prefix, boolPrefix));
  }
  for (const [name, prefix, boolPrefix] of BINARY) {
    table[name] = binaryKernel(kernels, prefix, entriesOf(kernels, prefix, boolPrefix));
  }
  for (const [name, prefix] of DIVISIONS) {
    table[name] = divisionKernel(kernels, binaryKernel(kernels, prefix, byDType(kernels, prefix)));
  }
  const pointwise = table as Required<Pick<KernelTable<WasmDispatch>, "relu" | "add">>;
  return {
    ...pointwise,
    relu: reluKernel(kernels, pointwise.relu),
    add: addKernel(kernels, pointwise.add),
    where: whereKernel(kernels),
    ...fused(kernels),
  };
}

function whereKernel(kernels: Kernels): Kernel<"where", WasmDispatch> {
  const bySize = new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`where_${bytes * 8}`)]));
  return (inputs, output) => {
    const entry = bySize.get(output.dtype.itemsize)!;
    return maybeStep(rows(kernels, entry, output.shape, [...inputs, output]), "where", inputs, output);
  };
}

function fused(kernels: Kernels): { [P in FusedName]?: Kernel<P, WasmDispatch> } {
  const f32 = (name: string): (Entry | null)[] => only(float32, kernels.entry(`${name}_f32`));
  const gelu = {
    none: unaryKernel(kernels, "gelu", f32("gelu")),
    tanh: unaryKernel(kernels, "gelu_tanh", f32("gelu_tanh")),
  };
  const geluBackward = {
    none: binaryKernel(kernels, "gelu_backward", f32("gelu_backward")),
    tanh: binaryKernel(kernels, "gelu_tanh_backward", f32("gelu_tanh_backward")),
  };
  const reluBackward = binaryKernel(kernels, "relu_backward", byDType(kernels, "relu_backward"));
  const silu = unaryKernel(kernels, "silu", f32("silu"));
  const clamps = byDType(kernels, "clamp");
  const scaled = byDType(kernels, "add_scaled");
  return {
    gelu: (inputs, output, attrs) => gelu[attrs.approximate](inputs, output),
    geluBackward: (inputs, output, attrs) => geluBackward[attrs.approximate](inputs, output),
    reluBackward: (inputs, output) => reluBackward(inputs, output),
    silu: (inputs, output) => silu(inputs, output),
    clamp([x], output, { min, max }) {
      const entry = clamps[x.dtype.code];
      if (!entry || !isDense(x, output.shape) || !isDense(output, output.shape)) return null;
      const n = count(output.shape);
      const step = x.dtype.itemsize;
      const [low, high] = [min ?? -Infinity, max ?? Infinity];
      const call = kernels.cut(entry, [pointer(x), pointer(output), n, low, high], {
        units: n,
        at: 2,
        grain: GRAIN,
        cost: costOf("clamp", n, x),
        moves: [[0, step], [1, step]],
      });
      return maybeStep(call, { name: "clamp", low, high }, [x], output);
    },
    addScaled([x, y], output, { alpha }) {
      const entry = scaled[x.dtype.code];
      const { shape } = output;
      if (!entry || !isDense(x, shape) || !isDense(y, shape) || !isDense(output, shape)) return null;
      const n = count(shape);
      const step = x.dtype.itemsize;
      const call = kernels.cut(entry, [pointer(x), pointer(y), pointer(output), n, alpha], {
        units: n,
        at: 3,
        grain: GRAIN,
        cost: costOf("addScaled", n, x),
        moves: [[0, step], [1, step], [2, step]],
      });
      return maybeStep(call, { name: "add_scaled", alpha }, [x, y], output);
    },
  };
}
