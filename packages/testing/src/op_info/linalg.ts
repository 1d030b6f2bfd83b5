/**
 * Facts of dense linear algebra.
 *
 * @module
 */

import {
  type Aval,
  type Bind,
  contiguousStrides,
  type LinalgPrimitives,
  numelOf,
  type Shape,
} from "@flambeau/core";
import { type HostTensor, numbersOf } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import { badIndex, badShape, type InfosOf, type Near, type Sample } from "./facts.ts";

const { accumulated, factorized } = tolerances;
const f2x3 = "float32[2, 3]";

/** Matrices of a batch as rows of numbers. */
function matricesOf(x: HostTensor): number[][][] {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const all = numbersOf(x);
  return Array.from(
    { length: numelOf(x.shape.slice(0, -2)) },
    (_, b) =>
      Array.from(
        { length: rows },
        (_, i) => all.slice((b * rows + i) * columns, (b * rows + i + 1) * columns),
      ),
  );
}

function product(a: number[][], b: number[][]): number[][] {
  const columns = b[0]?.length ?? 0;
  return a.map((row) =>
    Array.from({ length: columns }, (_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0))
  );
}

function transposed(a: number[][], columns: number = a[0]?.length ?? 0): number[][] {
  return Array.from({ length: columns }, (_, j) => a.map((row) => row[j]!));
}

function equal(near: Near, what: string, got: number[][], want: number[][]): void {
  got.forEach((row, i) => row.forEach((value, j) => near(`${what} at [${i}, ${j}]`, value, want[i]![j]!)));
}

/** Rows or columns that are perpendicular and of length 1: x xᵀ = 1. */
function orthonormal(near: Near, what: string, rows: number[][]): void {
  equal(near, what, product(rows, transposed(rows)), identity(rows.length));
}

function identity(n: number): number[][] {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => i === j ? 1 : 0));
}

/** A batch of matrices made one by one. */
function batch(make: Make, shape: Shape, matrix: (random: number[][]) => number[][]): HostTensor {
  return make.of(matricesOf(make.values(shape, -1, 1)).map(matrix).flat(2), shape);
}

/** Symmetric matrices with eigenvalues around 1, 2, 3 …: positive definite and well apart. */
function positiveDefinite(make: Make, shape: Shape): HostTensor {
  return batch(
    make,
    shape,
    (random) =>
      random.map((row, i) =>
        row.map((_, j) => (i === j ? 2 * i + 3 : 0) + 0.25 * (random[i]![j]! + random[j]![i]!))
      ),
  );
}

/** Symmetric matrices with eigenvalues of both signs, well apart. */
function symmetric(make: Make, shape: Shape): HostTensor {
  return batch(
    make,
    shape,
    (random) =>
      random.map((row, i) =>
        row.map((_, j) => (i === j ? 2 * i - 3 : 0) + 0.25 * (random[i]![j]! + random[j]![i]!))
      ),
  );
}

/** Matrices with singular values around 1, 2, 3 …: of full rank and well apart. */
function fullRank(make: Make, shape: Shape): HostTensor {
  return batch(
    make,
    shape,
    (random) => random.map((row, i) => row.map((value, j) => (i === j ? 1.5 * (i + 1) : 0) + 0.4 * value)),
  );
}

/** Triangles with a diagonal away from 0; the other triangle holds numbers that must not be read. */
function triangular(make: Make, shape: Shape): HostTensor {
  return batch(
    make,
    shape,
    (random) =>
      random.map((row, i) => row.map((value, j) => (i === j ? (i % 2 === 0 ? 2 : -1.5) : 0) + 0.4 * value)),
  );
}

/** (x + xᵀ) / 2: primitives that read one triangle have the gradient of a symmetric argument. */
function symmetrize<T extends Aval>(bind: Bind<T>, [x, ...rest]: readonly T[]): readonly T[] {
  const dims = x!.shape.map((_, d) => d);
  dims.push(dims.pop()!, dims.pop()!);
  const half = bind("full", [], { shape: [], value: 0.5, dtype: x!.dtype });
  const both = bind("add", [x!, bind("permute", [x!], { dims })], null);
  return [bind("mul", [both, half], null), ...rest];
}

/** Facts of linear algebra. */
export const linalgInfos: InfosOf<LinalgPrimitives<unknown>> = {
  matmul: {
    tolerance: accumulated,
    differentiable: [0, 1],
    errors: [
      badShape([f2x3, "float32[4, 5]"], null, "got 3 and 4"),
      badShape(["float32[3]", "float32[3, 2]"], null, "got rank 1"),
      badShape([f2x3, "float32[3]"], null, "got rank 1"),
      badShape(["float32[2, 1, 3]", "float32[3, 3, 1]"], null, "got [2] and [3]"),
    ],
    samples: (make) => {
      const shapes: [title: string, x: Shape, y: Shape, smooth: boolean][] = [
        ["matrices", [2, 3], [3, 2], true],
        ["square", [3, 3], [3, 3], false],
        ["row and column", [1, 4], [4, 1], true],
        ["column and row", [3, 1], [1, 2], true],
        ["batches", [2, 2, 2], [2, 2, 1], true],
        ["one right matrix for all", [2, 2, 3], [3, 2], false],
        ["batches broadcast", [2, 1, 2, 2], [3, 2, 2], false],
        ["beyond a block", [17, 19], [19, 33], false],
        ["a long sum", [2, 300], [300, 3], false],
        ["vector times matrix", [1, 70], [70, 65], false],
        ["matrix times vector", [65, 70], [70, 1], false],
        ["no rows", [0, 3], [3, 2], false],
        ["empty sums", [2, 0], [0, 3], false],
        ["no batches", [0, 2, 3], [3, 2], false],
      ];
      return shapes.map(([title, x, y, smooth]): Sample<"matmul"> => ({
        title,
        inputs: [make.values(x), make.values(y)],
        attrs: null,
        smooth,
      }));
    },
    check([x, y], [z], _, near) {
      if (x.dtype.kind !== "float" || x.shape.length !== 2 || y.shape.length !== 2 || y.shape[0] === 0) {
        return;
      }
      equal(near, "product", matricesOf(z!)[0]!, product(matricesOf(x)[0]!, matricesOf(y)[0]!));
    },
  },

  cholesky: {
    tolerance: factorized,
    differentiable: [0],
    expand: null,
    project: symmetrize,
    errors: [
      badShape([f2x3], null, "got 2 by 3"),
      badShape(["float32[3]"], null, "got rank 1"),
    ],
    samples: (make) => [
      { title: "one", inputs: [positiveDefinite(make, [3, 3])], attrs: null, smooth: true },
      { title: "batch", inputs: [positiveDefinite(make, [2, 2, 2])], attrs: null, smooth: true },
      { title: "larger", inputs: [positiveDefinite(make, [9, 9])], attrs: null },
      { title: "size 1", inputs: [make.of([4], [1, 1])], attrs: null, smooth: true },
      { title: "not positive definite", inputs: [make.of([1, 2, 2, 1], [2, 2])], attrs: null },
      { title: "size 0", inputs: [make.of([], [0, 0])], attrs: null },
      { title: "no batches", inputs: [make.of([], [0, 2, 2])], attrs: null },
    ],
    check([x], [l, info], _, near) {
      const order = x.shape[x.shape.length - 1]!;
      matricesOf(x).forEach((a, b) => {
        if (info!.data[b] !== 0) return;
        const lower = matricesOf(l!)[b]!.map((row, i) => row.map((value, j) => j > i ? 0 : value));
        equal(near, "L Lᵀ", product(lower, transposed(lower, order)), a);
      });
    },
  },

  luFactor: {
    tolerance: factorized,
    differentiable: [0],
    expand: null,
    errors: [badShape(["float32[3]"], null, "got rank 1")],
    samples: (make) => [
      { title: "square", inputs: [fullRank(make, [3, 3])], attrs: null, smooth: true },
      { title: "tall", inputs: [fullRank(make, [4, 2])], attrs: null, smooth: true },
      { title: "wide", inputs: [fullRank(make, [2, 4])], attrs: null, smooth: true },
      { title: "rows change places", inputs: [make.of([1, 2, 4, 3], [2, 2])], attrs: null, smooth: true },
      { title: "batch", inputs: [fullRank(make, [2, 2, 2])], attrs: null, smooth: true },
      { title: "larger", inputs: [make.values([9, 9])], attrs: null },
      { title: "singular", inputs: [make.of([0, 1, 0, 2], [2, 2])], attrs: null },
      { title: "size 0", inputs: [make.of([], [0, 3])], attrs: null },
    ],
    check([x], [lu, pivots], _, near) {
      const [m, n] = x.shape.slice(-2) as [number, number];
      const k = Math.min(m, n);
      matricesOf(x).forEach((a, b) => {
        const packed = matricesOf(lu!)[b]!;
        const l = packed.map((row, i) =>
          Array.from({ length: k }, (_, j) => j < i ? row[j]! : i === j ? 1 : 0)
        );
        const u = packed.slice(0, k).map((row, i) => row.map((value, j) => j >= i ? value : 0));
        const swapped = a.map((row) => [...row]);
        for (let i = 0; i < k; i++) {
          const j = Number(pivots!.data[b * k + i]) - 1;
          [swapped[i], swapped[j]] = [swapped[j]!, swapped[i]!];
        }
        if (k > 0) equal(near, "L U", product(l, u), swapped);
      });
    },
  },

  qr: {
    tolerance: factorized,
    differentiable: [0],
    expand: null,
    free: [0], // columns beyond the rank of a complete Q
    errors: [badShape(["float32[3]"], { complete: false }, "got rank 1")],
    samples: (make) => [
      { title: "tall", inputs: [fullRank(make, [3, 2])], attrs: { complete: false }, smooth: true },
      { title: "square", inputs: [fullRank(make, [3, 3])], attrs: { complete: false }, smooth: true },
      { title: "wide", inputs: [fullRank(make, [2, 4])], attrs: { complete: false }, smooth: true },
      { title: "wide, complete", inputs: [fullRank(make, [2, 3])], attrs: { complete: true }, smooth: true },
      {
        title: "tall, complete",
        inputs: [fullRank(make, [4, 2])],
        attrs: { complete: true },
        noGradient: true,
      },
      { title: "batch", inputs: [fullRank(make, [2, 2, 2])], attrs: { complete: false }, smooth: true },
      { title: "larger", inputs: [make.values([9, 7])], attrs: { complete: false } },
      {
        title: "no columns, complete",
        inputs: [make.of([], [2, 0])],
        attrs: { complete: true },
        noGradient: true,
      },
      { title: "no batches", inputs: [make.of([], [0, 2, 2])], attrs: { complete: false } },
    ],
    check([x], [q, r], _, near) {
      const n = x.shape[x.shape.length - 1]!;
      matricesOf(x).forEach((a, b) => {
        const [left, right] = [matricesOf(q!)[b]!, matricesOf(r!)[b]!];
        orthonormal(near, "Qᵀ Q", transposed(left));
        if (n > 0) equal(near, "Q R", product(left, right), a);
        right.forEach((row, i) => row.slice(0, i).forEach((value, j) => near(`R at [${i}, ${j}]`, value, 0)));
      });
    },
  },

  eigh: {
    tolerance: factorized,
    differentiable: [0],
    expand: null,
    project: symmetrize,
    free: [1],
    errors: [badShape([f2x3], null, "got 2 by 3"), badShape(["float32[3]"], null, "got rank 1")],
    samples: (make) => [
      { title: "one", inputs: [symmetric(make, [3, 3])], attrs: null, smooth: true },
      { title: "batch", inputs: [symmetric(make, [2, 2, 2])], attrs: null, smooth: true },
      { title: "larger", inputs: [symmetric(make, [9, 9])], attrs: null },
      { title: "equal values", inputs: [make.of([2, 0, 0, 2], [2, 2])], attrs: null },
      { title: "size 1", inputs: [make.of([4], [1, 1])], attrs: null },
      { title: "size 0", inputs: [make.of([], [0, 0])], attrs: null },
    ],
    check([x], [values, vectors], _, near) {
      const n = x.shape[x.shape.length - 1]!;
      matricesOf(x).forEach((a, b) => {
        const v = matricesOf(vectors!)[b]!;
        const w = numbersOf(values!).slice(b * n, (b + 1) * n);
        orthonormal(near, "Vᵀ V", transposed(v));
        equal(near, "A V", product(a, v), v.map((row) => row.map((value, j) => value * w[j]!)));
        for (let i = 1; i < n; i++) if (w[i]! < w[i - 1]!) throw new Error(`eigenvalues ${w} do not ascend`);
      });
    },
  },

  svd: {
    tolerance: factorized,
    differentiable: [0],
    expand: null,
    free: [0, 2],
    errors: [badShape(["float32[3]"], { full: false }, "got rank 1")],
    samples: (make) => [
      { title: "tall", inputs: [fullRank(make, [3, 2])], attrs: { full: false }, smooth: true },
      { title: "wide", inputs: [fullRank(make, [2, 3])], attrs: { full: false }, smooth: true },
      { title: "square, full", inputs: [fullRank(make, [2, 2])], attrs: { full: true }, smooth: true },
      { title: "tall, full", inputs: [fullRank(make, [4, 2])], attrs: { full: true } },
      { title: "wide, full", inputs: [fullRank(make, [2, 4])], attrs: { full: true } },
      { title: "batch", inputs: [fullRank(make, [2, 2, 2])], attrs: { full: false }, smooth: true },
      { title: "larger", inputs: [make.values([9, 7])], attrs: { full: false } },
      { title: "of rank 1", inputs: [make.of([1, 2, 2, 4], [2, 2])], attrs: { full: true } },
      { title: "no columns, full", inputs: [make.of([], [2, 0])], attrs: { full: true } },
    ],
    check([x], [u, s, vh], _, near) {
      const [m, n] = x.shape.slice(-2) as [number, number];
      const k = Math.min(m, n);
      matricesOf(x).forEach((a, b) => {
        const [left, right] = [matricesOf(u!)[b]!, matricesOf(vh!)[b]!];
        const w = numbersOf(s!).slice(b * k, (b + 1) * k);
        orthonormal(near, "Uᵀ U", transposed(left));
        orthonormal(near, "Vh Vhᵀ", right);
        const scaled = left.map((row) => row.slice(0, k).map((value, j) => value * w[j]!));
        if (k > 0) equal(near, "U S Vh", product(scaled, right.slice(0, k)), a);
        for (let i = 1; i < k; i++) {
          if (w[i]! > w[i - 1]!) throw new Error(`singular values ${w} do not descend`);
        }
      });
    },
  },

  solveTriangular: {
    tolerance: factorized,
    differentiable: [0, 1],
    expand: null,
    errors: [
      badShape([f2x3, f2x3], { upper: false, unitriangular: false }, "got 2 by 3"),
      badShape(["float32[2, 2]", "float32[3, 1]"], { upper: false, unitriangular: false }, "got 2 and 3"),
      badShape(
        ["float32[4, 2, 2]", "float32[3, 2, 1]"],
        { upper: true, unitriangular: false },
        "got [4] and [3]",
      ),
      badShape(["float32[2, 2]", "float32[2]"], { upper: true, unitriangular: false }, "got rank 1"),
    ],
    samples: (make) => [
      ...[false, true].flatMap((upper) =>
        [false, true].map((unitriangular): Sample<"solveTriangular"> => ({
          title: `${upper ? "upper" : "lower"}${unitriangular ? ", ones on the diagonal" : ""}`,
          inputs: [triangular(make, [3, 3]), make.values([3, 2])],
          attrs: { upper, unitriangular },
          smooth: true,
        }))
      ),
      {
        title: "batch",
        inputs: [triangular(make, [2, 2, 2]), make.values([2, 2, 1])],
        attrs: { upper: true, unitriangular: false },
        smooth: true,
      },
      {
        title: "larger",
        inputs: [triangular(make, [9, 9]), make.values([9, 5])],
        attrs: { upper: false, unitriangular: false },
      },
      {
        title: "no right sides",
        inputs: [triangular(make, [2, 2]), make.of([], [2, 0])],
        attrs: { upper: false, unitriangular: false },
      },
      {
        title: "size 0",
        inputs: [make.of([], [0, 0]), make.of([], [0, 2])],
        attrs: { upper: false, unitriangular: false },
      },
    ],
    check([a, b], [x], { upper, unitriangular }, near) {
      matricesOf(a).forEach((matrix, i) => {
        const triangle = matrix.map((row, r) =>
          row.map((value, c) => c === r ? (unitriangular ? 1 : value) : (upper ? c > r : c < r) ? value : 0)
        );
        equal(near, "A X", product(triangle, matricesOf(x!)[i]!), matricesOf(b)[i]!);
      });
    },
  },

  fft: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badShape([f2x3], { dim: 0, inverse: false }, "got 3"),
      badShape(["float32[4, 2]"], { dim: 1, inverse: false }, "got 1"),
      badShape(["float32[0, 2]"], { dim: 0, inverse: false }, "got 0"),
      badIndex(["float32[4, 2]"], { dim: 2, inverse: false }, "got 2"),
    ],
    samples: (make) =>
      [false, true].flatMap((inverse) => {
        const name = inverse ? "inverse" : "forward";
        const shapes: [title: string, shape: Shape, dim: number, smooth: boolean][] = [
          ["a power of two", [4, 2], 0, true],
          ["a prime", [5, 2], 0, true],
          ["a composite", [6, 2], 0, true],
          ["inner of two", [2, 3, 2], 1, true],
          ["outer of two", [3, 2, 2], 0, true],
          ["one", [1, 2], 0, true],
          ["long", [64, 2], 0, false],
          ["long prime", [61, 2], 0, false],
          ["no lines", [0, 4, 2], 1, false],
        ];
        return shapes.map(([title, shape, dim, smooth]): Sample<"fft"> => ({
          title: `${title}, ${name}`,
          inputs: [make.values(shape)],
          attrs: { dim, inverse },
          smooth,
        }));
      }),
    check([x], [y], { dim, inverse }, near) {
      const values = numbersOf(x);
      const found = numbersOf(y!);
      const strides = contiguousStrides(x.shape);
      const [size, step] = [x.shape[dim]!, strides[dim]!];
      for (let i = 0; i < found.length; i += 2) {
        const k = Math.floor(i / step) % size;
        const start = i - k * step;
        let [re, im] = [0, 0];
        for (let n = 0; n < size; n++) {
          const angle = (inverse ? 2 : -2) * Math.PI * ((n * k) % size) / size;
          const [a, b] = [values[start + n * step]!, values[start + n * step + 1]!];
          re += a * Math.cos(angle) - b * Math.sin(angle);
          im += a * Math.sin(angle) + b * Math.cos(angle);
        }
        near(`real part ${i / 2}`, found[i]!, re);
        near(`imaginary part ${i / 2}`, found[i + 1]!, im);
      }
    },
  },
};
