/**
 * What a backend is: memory, kernels, and a way to run what kernels describe.
 *
 * A kernel is a description, not an effect: given operands it answers a dispatch, or null when it does not take these
 * shapes, strides or dtypes. The dispatch of an eager step, of a compiled program and of a stored file is one thing.
 *
 * @module
 */

import type { DType } from "./dtype.ts";
import type { Attrs, CoreName, FusedName, Inputs, KernelName, Name, Outputs } from "./primitives.ts";
import type { Shape } from "./shape.ts";

/** An abstract value: all that shape inference knows. */
export interface Aval {
  /** Sizes. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/** A piece of a backend's memory. Backends extend it with what they need (a pointer, a GPU buffer). */
export interface Buffer {
  /** Size in bytes, as asked for. */
  readonly bytes: number;
}

/**
 * A tensor as a kernel sees it: a geometry over a buffer. Strides and offset are in elements.
 *
 * NOTE: operands may be class instances whose fields are getters: read the fields, do not spread the object.
 */
export interface Operand extends Aval {
  /** Where the elements live. */
  readonly buffer: Buffer;
  /** Elements to step for each dimension; 0 where expanded. */
  readonly strides: Shape;
  /** Elements before the first one. */
  readonly offset: number;
}

/**
 * Describes how to compute `outputs` from `inputs`, or answers null when it does not take them.
 *
 * Inputs may have any strides and may overlap one another. An output may have any strides, and may be exactly
 * an input (same buffer, offset, strides) for in-place steps; it never overlaps an input in another way.
 * Shapes and dtypes are what inference gave. Zero-size outputs never reach a kernel.
 */
export type Kernel<P extends KernelName, D> = (
  inputs: Inputs<P, Operand>,
  outputs: Outputs<P, Operand>,
  attrs: Attrs<P>,
) => D | null;

/**
 * The kernels of a backend: complete for core primitives, as far as it pays for fused ones.
 *
 * A core kernel must take contiguous operands of every dtype that the primitive allows, and may answer null for
 * others: it is then called again with contiguous copies (inputs) and a contiguous result that is copied (output).
 * `copy` and `cast` take any strides on both sides.
 */
export type KernelTable<D> =
  & { readonly [P in CoreName]: Kernel<P, D> }
  & { readonly [P in FusedName]?: Kernel<P, D> };

/** A value of a fused expression; inputs are the numbers of earlier values. */
export type FusedValue =
  | {
    /** An element of memory. */
    readonly kind: "operand";
    /** Where: with a stride for each dimension of the loops, 0 where it is repeated. */
    readonly operand: Operand;
  }
  | {
    /** The same number everywhere. */
    readonly kind: "scalar";
    /** The number. */
    readonly value: number | bigint | boolean;
    /** Its type. */
    readonly dtype: DType;
  }
  | {
    /** A pointwise primitive, whose result is rounded to its dtype. */
    readonly kind: "step";
    /** The primitive. */
    readonly name: KernelName;
    /** Values that it is applied to. */
    readonly inputs: readonly number[];
    /** Its attributes. */
    readonly attrs: unknown;
    /** Type of its result. */
    readonly dtype: DType;
  }
  | {
    /** A reduction of an expression of its own, whose kept dimensions are the loops of this one. */
    readonly kind: "fold";
    /** The primitive. */
    readonly name: FoldName;
    /** The dimensions that are folded, sorted. */
    readonly dims: Shape;
    /** What is folded. */
    readonly input: FusedExpression;
    /** Steps of what is folded, were it in memory: backends fold in the order that these suggest, fused or not. */
    readonly strides: Shape;
    /** Type of its result. */
    readonly dtype: DType;
  }
  | {
    /** A product of memory, whose elements in order are those of the loops. */
    readonly kind: "product";
    /** The primitive. */
    readonly name: ProductName;
    /** What is multiplied. */
    readonly inputs: readonly Operand[];
    /** Its attributes. */
    readonly attrs: unknown;
    /** The shape of its result, which may be another one than that of the loops. */
    readonly shape: Shape;
    /** Type of its result. */
    readonly dtype: DType;
  };

/** Reductions that can be a part of a fused expression. */
export type FoldName = "sum" | "prod" | "amax" | "amin" | "any" | "all";

/** Products that can be a part of a fused expression. */
export type ProductName = "matmul" | "linear" | "conv" | "convInputGrad" | "convWeightGrad";

/**
 * Values for each element of `shape`, each made from earlier ones; the last is the result. At most one is a fold or a
 * product.
 */
export interface FusedExpression {
  /** Sizes of the loops. */
  readonly shape: Shape;
  /** The values, in order. */
  readonly values: readonly FusedValue[];
}

/** A value of an expression that is written to memory. */
export interface FusedOutput {
  /** The number of the value. */
  readonly value: number;
  /** Where it goes: an operand of the shape of the loops. */
  readonly target: Operand;
}

/**
 * What a backend offers that prefers one kernel for many pointwise primitives. Tensors of such a backend wait as
 * expressions until somebody needs their memory.
 */
export interface Fusion<D> {
  /** Values of an expression beyond which it is cut. */
  readonly maxValues: number;
  /** Buffers that one kernel may read and write together. */
  readonly maxBuffers: number;
  /** True when this primitive can be a part of an expression, and cannot fail there. */
  accepts(name: Name, inputs: readonly Aval[], output: Aval, attrs: unknown): boolean;
  /** Describes how to compute and write values of an expression, or answers null when it does not take it. */
  fuse(expression: FusedExpression, outputs: readonly FusedOutput[]): D | null;
}

/** Bytes that a backend holds. */
export interface MemoryStats {
  /** Bytes in buffers that are allocated now. */
  readonly liveBytes: number;
  /** The largest `liveBytes` since the start or the last `resetPeak`. */
  readonly peakBytes: number;
  /** Buffers that are allocated now. */
  readonly liveBuffers: number;
  /** Bytes taken from the system, including what is kept for reuse. */
  readonly reservedBytes: number;
}

/** A device that runs kernels. `D` is its form of dispatch. */
export interface Backend<D = unknown> {
  /** Name of the device: `"cpu"`, `"reference"`, `"webgpu"`. */
  readonly name: string;
  /** True when `readSync` works. */
  readonly canReadSync: boolean;
  /**
   * True when kernels report an index out of range by themselves, at the next read: looking at indices beforehand would
   * only wait for them.
   */
  readonly reportsIndices?: boolean;
  /**
   * Whether all of the contiguous int32 or int64 operand `index` lie in `0 … size - 1`, looked at at once where it is;
   * absent where it must be read for that.
   */
  areInside?(index: Operand, size: number): boolean;
  /** Dtypes that tensors of this device may have. */
  readonly dtypes: ReadonlySet<DType>;
  /** Its kernels. */
  readonly kernels: KernelTable<D>;
  /** How it runs many pointwise primitives as one; absent where each runs at once. */
  readonly fusion?: Fusion<D>;
  /**
   * Takes a buffer; its contents are not defined.
   *
   * @throws {OutOfMemoryError} If it cannot be had.
   */
  allocate(bytes: number): Buffer;
  /** Gives a buffer back. It must not be used again. */
  free(buffer: Buffer): void;
  /** Copies host bytes into a buffer, in order with the steps that were run before. */
  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void;
  /** Copies bytes to the host, after the steps that were run before. */
  read(buffer: Buffer, byteOffset: number, bytes: number): Promise<Uint8Array>;
  /**
   * As `read`, at once.
   *
   * @throws {DeviceError} If this device cannot; the message names the asynchronous twin.
   */
  readSync(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array;
  /** Runs what a kernel described. */
  run(dispatch: D): void;
  /**
   * As `run`, but the step may wait, to run as one with the steps that follow: until one follows that it cannot run with,
   * until anything is asked of memory that this would change, or until `settle`. Absent where every step runs at once.
   *
   * @returns Whether a step waits.
   */
  runSoon?(dispatch: D): boolean;
  /** Runs what `runSoon` let wait. */
  settle?(): void;
  /** Waits until all steps have run, and reports what went wrong in them. */
  sync(): Promise<void>;
  /** Bytes in use. */
  memory(): MemoryStats;
  /** Starts `peakBytes` anew. */
  resetPeak(): void;
}
