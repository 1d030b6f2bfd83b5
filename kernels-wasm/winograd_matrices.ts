/**
 * The matrices of Winograd's method along one axis: y = Aᵀ ((G w) ⊙ (Bᵀ d)) is the correlation of elements d of an image with
 * weights w (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, https://arxiv.org/abs/1509.09308).
 *
 * They come from points (Toom and Cook): polynomials are known by their values at as many points as they have coefficients,
 * and values are all that is multiplied. With M(x) = ∏ (x − p) over the finite points, and ∞, where a polynomial's value is
 * its last coefficient, the row of point p is
 *
 * - (1, p, p², …) of A, and (0, …, 0, 1) for ∞;
 * - (1, p, p², …) / M′(p) of G, and (0, …, 0, 1);
 * - the coefficients of M(x) / (x − p) of Bᵀ, lowest first, and those of M(x).
 *
 * In two dimensions the matrices work on columns, then on rows. Gradients take their transposes.
 *
 * @module
 */

/** Rows of numbers. */
export type Matrix = readonly (readonly number[])[];

/** What becomes of an axis of a tile. Every matrix has a row for each product. */
export interface Axis {
  /** Bᵀ, by elements of the image. */
  readonly image: Matrix;
  /** G, by weights. */
  readonly weight: Matrix;
  /** A, by outputs: a row for each sum of products. */
  readonly output: Matrix;
}

/** Outputs and weights of a tile along an axis. */
export const OUTPUTS = 4;
export const WEIGHTS = 3;

/**
 * The points, by how far the kernels move. They come in pairs ±p, whose values share an even and an odd part. At these, float32
 * loses less than at the integers, and what matrices hold but for G is exact.
 */
const POINTS: Readonly<Record<1 | 2, readonly number[]>> = {
  1: [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2, Infinity],
  2: [1 / 2, -1 / 2, 3 / 2, -3 / 2, Infinity],
};

/** The coefficients of ∏ (x − p), lowest first. */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce((c, p) => [...c, 0].map((_, i) => (c[i - 1] ?? 0) - p * (c[i] ?? 0)), [1]);
}

/** What the values of `n` coefficients are made of at point `p`, times `scale`. */
function values(p: number, n: number, scale = 1): number[] {
  return Array.from({ length: n }, (_, i) => p === Infinity ? Number(i === n - 1) : scale * p ** i);
}

/** F(`outputs`, `weights`), as many products as `points`. */
function minimal(outputs: number, weights: number, points: readonly number[]): Axis {
  const others = (p: number): number[] => points.filter((q) => q !== p && q !== Infinity);
  const slope = (p: number): number => others(p).reduce((product, q) => product * (p - q), 1);
  return {
    image: points.map((p) => points.map((_, i) => polynomial(others(p))[i] ?? 0)),
    weight: points.map((p) => values(p, weights, 1 / slope(p))),
    output: points.map((p) => values(p, outputs)),
  };
}

/** The columns of `matrix` at numbers `first`, `first` + `step` … of `n`, and 0 between them. */
function spread(matrix: Matrix, first: number, step: number, n: number): Matrix {
  return matrix.map((row) =>
    Array.from({ length: n }, (_, i) => i % step === first ? row[(i - first) / step] ?? 0 : 0)
  );
}

/**
 * An axis of a tile of kernels that move by `stride`: elements of the image at even places meet weights at even places, and so
 * on, in convolutions of their own that move by 1. Their products at the same point are added up before they share the
 * transform of the output; those with fewer weights take fewer points. So for 2, products 0 … 4 are those of F(4, 2), and
 * 5 … 8, which are added to the first four, those of F(4, 1).
 */
function axisOf(stride: 1 | 2): Axis {
  const wide = stride * (OUTPUTS - 1) + WEIGHTS;
  const parts = Array.from({ length: stride }, (_, first) => {
    const weights = Math.ceil((WEIGHTS - first) / stride);
    const { image, weight, output } = minimal(
      OUTPUTS,
      weights,
      POINTS[stride].slice(0, OUTPUTS + weights - 1),
    );
    return {
      image: spread(image, first, stride, wide),
      weight: spread(weight, first, stride, WEIGHTS),
      output,
    };
  });
  return {
    image: parts.flatMap(({ image }) => image),
    weight: parts.flatMap(({ weight }) => weight),
    output: parts[0]!.output,
  };
}

/** An axis of a tile, by how far the kernels move. */
export const AXES: Readonly<Record<1 | 2, Axis>> = { 1: axisOf(1), 2: axisOf(2) };
