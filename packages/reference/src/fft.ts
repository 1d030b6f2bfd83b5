/**
 * Kernel of the discrete Fourier transform of any size.
 *
 * Sizes split into their prime factors (Cooley and Tukey, decimation in time). A size with a large prime factor becomes
 * a convolution of a power of two (Bluestein).
 *
 * @see Cooley and Tukey 1965, https://doi.org/10.1090/S0025-5718-1965-0178586-1
 * @see Bluestein 1970, A linear filtering approach to the computation of discrete Fourier transform,
 * https://doi.org/10.1109/TAU.1970.1162132
 *
 * @module
 */

import type { KernelTable, Operand } from "@flambeau/core";
import { eachPlace, type HostDispatch, loadNumbers, storeNumbers, type View, without } from "./iterate.ts";

/** The largest prime factor that is transformed by its definition; beyond, Bluestein's way is shorter. */
const LARGEST_FACTOR = 61;

/** Complex numbers: real and imaginary parts. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The transform of lines of one size: out of place, unscaled, with e^{−2πi jk/n}. */
type Transform = (x: Complex, out: Complex) => void;

function complex(n: number): Complex {
  return { re: new Float64Array(n), im: new Float64Array(n) };
}

function primeFactors(n: number): number[] {
  const factors: number[] = [];
  let rest = n;
  for (let p = 2; p * p <= rest; p++) {
    for (; rest % p === 0; rest /= p) factors.push(p);
  }
  return rest > 1 ? [...factors, rest] : factors;
}

/** e^{−2πi k/n} for k = 0 … n − 1. */
function rootsOfUnity(n: number): Complex {
  const out = complex(n);
  for (let k = 0; k < n; k++) {
    const angle = 2 * Math.PI * k / n;
    out.re[k] = Math.cos(angle);
    out.im[k] = -Math.sin(angle);
  }
  return out;
}

/**
 * Mixed radix: a transform of size p·m is p transforms of size m of every p-th element, joined by transforms of size p.
 *
 * @param factors The prime factors of the size.
 */
function mixedRadix(factors: readonly number[]): Transform {
  const total = factors.reduce((product, p) => product * p, 1);
  const roots = rootsOfUnity(total);
  const part = complex(Math.max(...factors, 1));

  /** Transforms `size` elements of `x` from `start`, `step` apart, to the places of `out` from `target` on. */
  const recurse = (
    x: Complex,
    start: number,
    step: number,
    out: Complex,
    target: number,
    size: number,
    depth: number,
  ) => {
    if (size === 1) {
      out.re[target] = x.re[start]!;
      out.im[target] = x.im[start]!;
      return;
    }
    const p = factors[depth]!;
    const m = size / p;
    for (let r = 0; r < p; r++) recurse(x, start + r * step, step * p, out, target + r * m, m, depth + 1);
    // `step` is total / size, so root k of `size` is root k·step of the total.
    for (let k = 0; k < m; k++) {
      for (let r = 0; r < p; r++) {
        const [re, im] = [out.re[target + r * m + k]!, out.im[target + r * m + k]!];
        const [c, s] = [roots.re[r * k * step]!, roots.im[r * k * step]!];
        part.re[r] = re * c - im * s;
        part.im[r] = re * s + im * c;
      }
      for (let q = 0; q < p; q++) {
        let [re, im] = [part.re[0]!, part.im[0]!];
        for (let r = 1; r < p; r++) {
          const root = (r * q % p) * m * step;
          re += part.re[r]! * roots.re[root]! - part.im[r]! * roots.im[root]!;
          im += part.re[r]! * roots.im[root]! + part.im[r]! * roots.re[root]!;
        }
        out.re[target + q * m + k] = re;
        out.im[target + q * m + k] = im;
      }
    }
  };
  return (x, out) => recurse(x, 0, 1, out, 0, total, 0);
}

/**
 * With jk = (j² + k² − (k − j)²) / 2 the transform is a chirp times the convolution of a chirp with x times a chirp;
 * the convolution is made by transforms of a power of two.
 */
function bluestein(n: number): Transform {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const transform = mixedRadix(primeFactors(size));
  const chirp = complex(n); // e^{−πi k²/n}; k² is reduced so that the angle stays exact
  for (let k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), k++) {
    chirp.re[k] = Math.cos(Math.PI * square / n);
    chirp.im[k] = -Math.sin(Math.PI * square / n);
  }
  const filter = complex(size);
  for (let k = 0; k < n; k++) {
    filter.re[k] = filter.re[(size - k) % size] = chirp.re[k]!;
    filter.im[k] = filter.im[(size - k) % size] = -chirp.im[k]!;
  }
  const [spectrum, a, b] = [complex(size), complex(size), complex(size)];
  transform(filter, spectrum);
  return (x, out) => {
    a.re.fill(0);
    a.im.fill(0);
    for (let k = 0; k < n; k++) {
      a.re[k] = x.re[k]! * chirp.re[k]! - x.im[k]! * chirp.im[k]!;
      a.im[k] = x.re[k]! * chirp.im[k]! + x.im[k]! * chirp.re[k]!;
    }
    transform(a, b);
    for (let k = 0; k < size; k++) {
      a.re[k] = b.re[k]! * spectrum.re[k]! - b.im[k]! * spectrum.im[k]!;
      a.im[k] = b.re[k]! * spectrum.im[k]! + b.im[k]! * spectrum.re[k]!;
    }
    transform({ re: a.im, im: a.re }, { re: b.im, im: b.re }); // parts exchanged: the inverse
    for (let k = 0; k < n; k++) {
      out.re[k] = (b.re[k]! * chirp.re[k]! - b.im[k]! * chirp.im[k]!) / size;
      out.im[k] = (b.re[k]! * chirp.im[k]! + b.im[k]! * chirp.re[k]!) / size;
    }
  };
}

function planTransform(n: number): Transform {
  const factors = primeFactors(n);
  return (factors.at(-1) ?? 1) > LARGEST_FACTOR ? bluestein(n) : mixedRadix(factors);
}

function fft(view: View, x: Operand, output: Operand, dim: number, inverse: boolean): void {
  const [from, to] = [view(x), view(output)];
  const [n, last] = [x.shape[dim]!, x.shape.length - 1];
  const [step, pair, outStep, outPair] = [
    x.strides[dim]!,
    x.strides[last]!,
    output.strides[dim]!,
    output.strides[last]!,
  ];
  const transform = planTransform(n);
  const [line, result] = [complex(n), complex(n)];
  // Exchanging real and imaginary parts on both sides turns the transform into its inverse.
  const [source, target] = inverse
    ? [{ re: line.im, im: line.re }, { re: result.im, im: result.re }]
    : [line, result];
  const starts = [x, output].map(({ strides, offset }) => ({
    strides: without(strides.slice(0, last), dim),
    offset,
  }));
  eachPlace(without(x.shape.slice(0, last), dim), starts, ([i, o]) => {
    loadNumbers(x.dtype, from, i!, step, line.re, n);
    loadNumbers(x.dtype, from, i! + pair, step, line.im, n);
    transform(source, target);
    storeNumbers(output.dtype, to, o!, outStep, result.re, n);
    storeNumbers(output.dtype, to, o! + outPair, outStep, result.im, n);
  });
}

/** Kernel of the Fourier transform over the memory that `view` shows. */
export function fftKernels(view: View): Pick<KernelTable<HostDispatch>, "fft"> {
  return { fft: ([x], output, { dim, inverse }) => () => fft(view, x, output, dim, inverse) };
}
