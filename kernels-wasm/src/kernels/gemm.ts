/**
 * Products of matrices: matmul over batches, and linear with its bias.
 *
 * @module
 */

import { float32, float64, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import { Call, type Entry, Job, Sequence, type WasmDispatch } from "../dispatch.ts";
import { finishing, Product } from "../finish.ts";
import { byDType, count, isDense, loopsOf, pointer, rowsOf } from "../geometry.ts";
import { cutting, type Kernels } from "../module.ts";
import { withSums } from "../partial_sums.ts";

/** The product of two matrices, or of many. */
export class Products {
  readonly #entries: (Entry | null)[];
  readonly #kernels: Kernels;
  readonly #scratch: readonly [f32: number, f64: number];
  /** How float32 can be computed, by the number that {@linkcode #way} answers. */
  readonly #ways: readonly Entry[];
  readonly #way: (...sizes: number[]) => number;

  /** @param kernels The running kernels. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#entries = byDType(kernels, "gemm");
    const bytes = kernels.entry("gemm_scratch").fn;
    this.#scratch = [bytes(4), bytes(8)];
    this.#ways = ["packed", "rows", "dots"].map((way) => kernels.entry(`gemm_${way}_f32`));
    this.#way = kernels.entry("gemm_way").fn;
  }

  /**
   * C = A B, or C += A B: a [m, k], b [k, n], c [m, n], each with `batch` matrices `step` elements apart. Null when
   * there is no kernel for the dtype, or neither rows nor columns of C are dense.
   *
   * @param batch Number of matrices, and elements from one to the next in a, b and c.
   * @param add Whether to add to C; or the address of n float32 that are added to every row of A B, which needs dense
   * rows of C.
   */
  product(
    a: Operand,
    b: Operand,
    c: Operand,
    batch: readonly [count: number, a: number, b: number, c: number],
    add: boolean | number,
  ): WasmDispatch | null {
    const entry = this.#entries[c.dtype.code];
    if (!entry) return null;
    if (c.dtype === float32 || c.dtype === float64) {
      this.#kernels.needScratch(this.#scratch[c.dtype === float32 ? 0 : 1]);
    }
    const [m, k] = a.shape as [number, number];
    const n = b.shape[1]!;
    const [rowA, colA] = steps(a);
    const [rowB, colB] = steps(b);
    const [rowC, colC] = steps(c);
    const [size, stepA, stepB, stepC] = batch;
    const tail = [size, stepA, stepB, stepC, Number(add)];
    const p = [pointer(a), pointer(b), pointer(c)] as const;
    if (colC === 1) {
      return this.#cut(entry, [...p, m, n, k, rowA, colA, rowB, colB, rowC, ...tail], c.dtype.itemsize);
    }
    if (rowC !== 1 || typeof add === "number") return null;
    // Cᵀ = Bᵀ Aᵀ
    const swapped = [size, stepB, stepA, stepC, add ? 1 : 0];
    const args = [p[1], p[0], p[2], n, m, k, colB, rowB, colA, rowA, colC, ...swapped];
    return this.#cut(entry, args, c.dtype.itemsize);
  }

  /** C = A B + D: all matrices dense but B, whose steps are given; D is a row of n, at `add`. */
  dense(
    [a, b, c]: readonly [a: number, b: number, c: number],
    [m, n, k]: readonly [m: number, n: number, k: number],
    [rowB, colB]: readonly [row: number, column: number],
    add: number,
  ): WasmDispatch {
    this.#kernels.needScratch(this.#scratch[0]);
    return this.#cut(
      this.#entries[float32.code]!,
      [a, b, c, m, n, k, k, 1, rowB, colB, n, 1, 0, 0, 0, add],
      4,
    );
  }

  /** The call on several threads: by matrices of a batch, by columns, or by rows. */
  #cut(entry: Entry, args: readonly number[], itemsize: number): WasmDispatch {
    const threads = this.#kernels.pool === null ? 1 : this.#kernels.pool.threads;
    if (threads === 1) return new Call(entry, args);
    const [, , , m, n, k, rowA, colA, rowB, colB, rowC, batch, stepA, stepB, stepC, add] = args as [
      ...[number, number, number, number, number, number, number, number],
      ...[number, number, number, number, number, number, number, number],
    ];
    // To read B takes as long as one or two rows of the product.
    const cost = batch * n * k * (0.06 + 0.036 * m) * (itemsize / 4);
    if (cost < 2 * cutting.quick) return new Call(entry, args);
    const isLong = cost >= 2 * cutting.least;
    const step = (elements: number): number => elements * itemsize;
    if (batch >= threads) {
      const moves = [[0, step(stepA)], [1, step(stepB)], [2, step(stepC)]] as const;
      return this.#kernels.cut(entry, args, { units: batch, at: 11, cost, moves, quick: true });
    }
    if (batch > 1) return new Call(entry, args);
    const byColumns: [number, number][] = [[1, step(colB)], [2, itemsize]];
    if (add > 1) byColumns.push([15, itemsize]);
    const way = entry === this.#entries[float32.code] ? this.#way(m, n, k, colA, rowB, colB) : 0;
    const part = entry === this.#entries[float32.code] ? this.#ways[way]! : entry;
    if (way !== 0) {
      // One part for each thread: what few rows take is the reading of B, in long pieces.
      const most = Math.min(cost, 20 * cutting.least);
      if (way === ROWS && n * k >= LARGE && isLong && (m === 1 || rowC === n)) {
        // Pieces of rows are short: memory comes faster as whole rows, of which each part adds up its own.
        const moves = [[0, step(colA)], [1, step(rowB)]] as const;
        const parts = this.#kernels.partsOf(part, args, { units: k, at: 5, cost: most, moves });
        const others = parts.slice(1).map(({ entry, args }) => new Call(entry, [...args.slice(0, 15), 0]));
        return withSums(this.#kernels, [parts[0]!, ...others], [[2, m * n]]);
      }
      // Rows of C are added to again and again: threads that share a cache line hold each other up.
      const apart = way !== ROWS || m === 1 || n >= 512 || rowC % LINE === 0;
      if (!apart && !isLong) return new Call(entry, args);
      const grain = way === ROWS ? LINE : 8;
      return this.#kernels.cut(part, args, {
        units: n,
        at: 4,
        grain,
        cost: most,
        moves: byColumns,
        quick: true,
      });
    }
    // Each part packs the operand that it shares with the others: A by and by, dense rows of B nearly for nothing.
    if (m >= n * (colB === 1 ? 0.3 : 0.8)) {
      const moves = [[0, step(rowA)], [2, step(rowC)]] as const;
      return this.#kernels.cut(part, args, { units: m, at: 3, grain: 6, cost, moves, quick: true });
    }
    const grain = n >= 64 * threads ? 32 : 8;
    return this.#kernels.cut(part, args, { units: n, at: 4, grain, cost, moves: byColumns, quick: true });
  }
}

/** What `gemm_way` answers for few rows of A and dense rows of B. */
const ROWS = 1;
/** Elements of float32 in two cache lines, which are fetched together. */
const LINE = 32;
/** Elements of a matrix that is read from far away. */
const LARGE = 200_000;

/** Steps of a matrix; a single row or column counts as dense, whatever its step. */
function steps(x: Operand): [row: number, column: number] {
  const [rows, columns] = x.shape as [number, number];
  const row = x.strides[0]!;
  const column = x.strides[1]!;
  return [rows === 1 ? columns : row, columns === 1 ? (rows === 1 || row !== 1 ? 1 : rows) : column];
}

/** The matrix in the last two dimensions of `x`. */
function matrixOf(x: Operand): Operand {
  const at = x.shape.length - 2;
  return { ...geometry(x), shape: x.shape.slice(at), strides: x.strides.slice(at) };
}

function geometry(x: Operand): Pick<Operand, "buffer" | "dtype" | "offset"> {
  return { buffer: x.buffer, dtype: x.dtype, offset: x.offset };
}

/** `x` without its last two dimensions: where its matrices begin. */
function batchesOf(x: Operand): Operand {
  const at = x.shape.length - 2;
  return { ...geometry(x), shape: x.shape.slice(0, at), strides: x.strides.slice(0, at) };
}

/** `x` with all dimensions but the last seen as one, or null when its strides do not allow it. */
function flatRows(x: Operand): Operand | null {
  const last = x.shape.length - 1;
  const { sizes, steps: [list] } = loopsOf(x.shape.slice(0, last), [{
    ...geometry(x),
    shape: x.shape.slice(0, last),
    strides: x.strides.slice(0, last),
  }]);
  if (sizes.length !== 1) return null;
  const shape: Shape = [sizes[0]!, x.shape[last]!];
  return { ...geometry(x), shape, strides: [list![0]!, x.strides[last]!] };
}

/** A product of the operands into the last one. */
type ProductKernel = (inputs: readonly Operand[], output: Operand) => WasmDispatch | null;

/** `kernel` with products that relu may finish, where that pays and each element is stored once. */
function finishable<K extends ProductKernel>(kernel: K): K {
  const wrapped: ProductKernel = (inputs, output) => {
    const plain = kernel(inputs, output);
    const { shape } = output;
    if (count(shape) < finishing.from || output.dtype !== float32 || !isDense(output, shape)) return plain;
    if (!(plain instanceof Call || plain instanceof Job)) return plain;
    // Whoever gave the operands may be gone when it runs.
    const [own, place] = [inputs.map(placeOf), placeOf(output)];
    const into = (to: number): WasmDispatch =>
      kernel(own, { ...place, offset: place.offset + (to - pointer(place)) / 4 })!;
    return new Product(own, pointer(place), { planes: 1, plane: count(shape), channels: 0 }, plain, into);
  };
  return wrapped as K;
}

function placeOf(x: Operand): Operand {
  return { ...geometry(x), shape: x.shape, strides: x.strides };
}

/** matmul and linear. */
export function gemmKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const products = new Products(kernels);
  const fill = kernels.entry("copy_32");
  const table: Required<Pick<KernelTable<WasmDispatch>, "matmul" | "linear">> = {
    matmul([x, y], output) {
      const rank = output.shape.length;
      const [a, b, c] = [matrixOf(x), matrixOf(y), matrixOf(output)];
      if (rank === 2) return products.product(a, b, c, [1, 0, 0, 0], false);
      const { sizes, steps: [sa, sb, sc] } = loopsOf(
        output.shape.slice(0, rank - 2),
        [batchesOf(x), batchesOf(y), batchesOf(output)],
      ) as { sizes: number[]; steps: [number[], number[], number[]] };
      const inner = sizes.length - 1;
      const m = a.shape[0]!;
      const size = sizes[inner]!;
      const rowA = m === 1 ? sa[0]! : a.strides[0]!;
      const rowC = m === 1 ? sc[0]! : c.strides[0]!;
      if (inner === 0 && sb[0] === 0 && sa[0] === m * rowA && sc[0] === m * rowC) {
        // One right matrix for all: the rows of the left ones run on.
        const tall = (z: Operand, row: number): Operand => ({
          ...z,
          shape: [size * m, z.shape[1]!],
          strides: [row, z.strides[1]!],
        });
        return products.product(tall(a, rowA), b, tall(c, rowC), [1, 0, 0, 0], false);
      }
      const total = count(sizes.slice(0, inner));
      const list: WasmDispatch[] = [];
      for (let i = 0; i < total; i++) {
        let [oa, ob, oc, rest] = [a.offset, b.offset, c.offset, i];
        for (let d = inner - 1; d >= 0; d--) {
          const at = rest % sizes[d]!;
          rest = (rest - at) / sizes[d]!;
          oa += at * sa[d]!;
          ob += at * sb[d]!;
          oc += at * sc[d]!;
        }
        const call = products.product(
          { ...a, offset: oa },
          { ...b, offset: ob },
          { ...c, offset: oc },
          [size, sa[inner]!, sb[inner]!, sc[inner]!],
          false,
        );
        if (call === null) return null;
        list.push(call);
      }
      return list.length === 1 ? list[0]! : new Sequence(list);
    },
    linear([x, weight, bias], output) {
      if (output.dtype !== float32) return null;
      const [out, inner] = weight.shape as [number, number];
      if (
        out > 1 && inner > 1 && bias.strides[0] === 1 && isDense(x, x.shape) && isDense(output, output.shape)
      ) {
        return products.dense(
          [pointer(x), pointer(weight), pointer(output)],
          [count(x.shape) / inner, out, inner],
          [weight.strides[1]!, weight.strides[0]!],
          pointer(bias),
        );
      }
      const a = flatRows(x);
      const c = flatRows(output);
      if (a === null || c === null || c.strides[1] !== 1) return null;
      const b: Operand = {
        ...geometry(weight),
        shape: [inner, out],
        strides: [weight.strides[1]!, weight.strides[0]!],
      };
      // A single column is computed as a row, to which no row can be added.
      if (bias.strides[0] === 1 && out > 1) return products.product(a, b, c, [1, 0, 0, 0], pointer(bias));
      const product = products.product(a, b, c, [1, 0, 0, 0], true);
      if (product === null) return null;
      const rows = c.shape[0]!;
      const spread = rowsOf(
        kernels,
        fill,
        rows === 1 ? [out] : [rows, out],
        rows === 1 ? [[bias.strides[0]!], [1]] : [[0, bias.strides[0]!], [c.strides[0]!, 1]],
        [pointer(bias), pointer(c)],
        [4, 4],
      );
      return new Sequence([spread, product]);
    },
  };
  return {
    matmul: finishable(table.matmul as ProductKernel),
    linear: finishable(table.linear as ProductKernel),
  };
}
