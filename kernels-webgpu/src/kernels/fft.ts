/**
 * Discrete Fourier transforms.
 *
 * Lengths of small prime factors are transformed in workgroup memory, a factor a pass, in Stockham's order, which needs no
 * reversal of bits. Longer ones are a matrix: its columns are transformed and turned, then its rows. Lengths with a large
 * prime factor become a convolution of a power of two, short ones among them are summed up by the definition. Roots of unity
 * come from one table, each computed from an exact angle.
 *
 * @see Stockham 1966, High-speed convolution and correlation, https://doi.org/10.1145/1464182.1464209
 * @see Bailey 1990, FFTs in external or hierarchical memory, https://doi.org/10.1007/BF00162341
 * @see Bluestein 1970, A linear filtering approach to the computation of discrete Fourier transform,
 * https://doi.org/10.1109/TAU.1970.1162132
 *
 * @module
 */

import { float32, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { count, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";

/** How lines are transformed in workgroup memory. */
interface Held {
  /** Complex numbers that two buffers hold, each. */
  readonly most: number;
  /** Invocations of a workgroup. */
  readonly threads: number;
}

/** With short texts little is held: software adapters fill workgroup memory with zeros, element by element. */
function heldBy({ brief }: GpuLimits): Held {
  return brief === true ? { most: 128, threads: 32 } : { most: 1024, threads: WORKGROUP };
}

/** Prime factors that are transformed by their definition within a pass. */
const PRIMES = [5, 3, 7, 11, 13];
/** Lengths with a larger prime factor up to which the plain sum is shorter than a convolution. */
const SHORT = 64;

/** The factors of the passes; null when a prime factor is too large. */
function radices(length: number): number[] | null {
  const found: number[] = [];
  let rest = length;
  for (; rest % 4 === 0; rest /= 4) found.push(4);
  if (rest % 2 === 0) {
    found.push(2);
    rest /= 2;
  }
  for (const p of PRIMES) for (; rest % p === 0; rest /= p) found.push(p);
  return rest === 1 ? found : null;
}

/** The divisor of `length` next to its root that fits in workgroup memory; null when there is none but 1. */
function sideOf(length: number, most: number): number | null {
  for (let side = Math.min(most, Math.floor(Math.sqrt(length))); side > 1; side--) {
    if (length % side === 0) return side;
  }
  return null;
}

/** Complex numbers in memory that is a step's own: [lines, length, 2]. */
function linesIn(buffer: Scratch, lines: number, length: number): Operand {
  return { buffer, dtype: float32, shape: [lines, length, 2], strides: [2 * length, 2, 1], offset: 0 };
}

/** `x` with other dimensions over the same memory. */
function seen(x: Operand, shape: Shape, strides: Shape): Operand {
  return { buffer: x.buffer, dtype: x.dtype, shape, strides, offset: x.offset };
}

/** The table of roots: cosine and sine of 2π i / length. */
function rootsStep(limits: GpuLimits, roots: Operand, length: number): GpuDispatch | null {
  return new Draft("fft", limits).u32("n", length).f32("turn", 2 * Math.PI / length)
    .bind("o", roots, { as: "write" })
    .step("roots", grid(Math.ceil(length / WORKGROUP)), () =>
      mainOver(wgsl`
        // Angles are counted from the nearest quarter, where they are small and exact.
        let quarter = (4u * i + P.n / 2u) / P.n;
        let angle = f32(bitcast<i32>(4u * i - quarter * P.n)) * 0.25 * P.turn;
        let c = m_cos_near(angle);
        let s = m_sin_near(angle);
        let odd = (quarter & 1u) == 1u;
        let re = select(c, -s, odd);
        let im = select(s, c, odd);
        let flip = (quarter & 3u) >= 2u;
        put_o(2u * i, select(re, -re, flip));
        put_o(2u * i + 1u, select(im, -im, flip));
      `));
}

/** `root(i)`: number `i` of the table, of e^{+i…} or e^{−i…}; `times(a, b)`: the product of complex numbers. */
function complexText(inverse: boolean): string {
  return wgsl`
    fn root(i: u32) -> vec2<f32> {
      return vec2<f32>(get_roots(2u * i), ${inverse ? "" : "-"}get_roots(2u * i + 1u));
    }
    fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
      return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
    }`;
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** `let o_q`: the transform of `v_0` … of a radix; `P.total` is the length of the table. */
function butterfly(radix: number, inverse: boolean): string {
  if (radix === 2) {
    return wgsl`
      let o_0 = v_0 + v_1;
      let o_1 = v_0 - v_1;`;
  }
  if (radix === 4) {
    // times −i, or times i for the inverse
    const quarter = inverse ? "vec2<f32>(-d.y, d.x)" : "vec2<f32>(d.y, -d.x)";
    return wgsl`
      let a = v_0 + v_2;
      let b = v_0 - v_2;
      let c = v_1 + v_3;
      let d = v_1 - v_3;
      let e = ${quarter};
      let o_0 = a + c;
      let o_1 = b + e;
      let o_2 = a - c;
      let o_3 = b - e;`;
  }
  return wgsl`
    ${upTo(radix).slice(1).map((r) => `let w_${r} = root(${r}u * (P.total / ${radix}u));`)}
    ${
    upTo(radix).map((q) => {
      const terms = upTo(radix).map((r) =>
        r * q % radix === 0 ? `v_${r}` : `times(v_${r}, w_${r * q % radix})`
      );
      return `let o_${q} = ${terms.join(" + ")};`;
    })
  }`;
}

/** One pass over `lines` lines of `length` numbers, from one buffer to the other. */
function passText(
  threads: number,
  lines: number,
  length: number,
  radix: number,
  done: number,
  from: string,
  to: string,
  inverse: boolean,
): string {
  const across = length / radix;
  return wgsl`
    for (var t = lane; t < ${lines * across}u; t += ${threads}u) {
      let line = t / ${across}u * ${length}u;
      let j = t % ${across}u;
      let k = j % ${done}u;
      let turn = k * (P.total / ${done * radix}u);
      let v_0 = ${from}[line + j];
      ${
    upTo(radix).slice(1).map((r) => {
      const value = `${from}[line + j + ${r * across}u]`;
      return `let v_${r} = ${done === 1 ? value : `times(${value}, root(${r}u * turn))`};`;
    })
  }
      ${butterfly(radix, inverse)}
      let place = line + j / ${done}u * ${done * radix}u + k;
      ${upTo(radix).map((r) => `${to}[place + ${r * done}u] = o_${r};`)}
    }
    workgroupBarrier();`;
}

/** What all steps of a transform share. */
interface Plan {
  readonly limits: GpuLimits;
  readonly roots: Operand;
  /** The length of the table. */
  readonly total: number;
  readonly inverse: boolean;
}

/**
 * Transforms lines that fit in workgroup memory: x and o are […, line, length, 2].
 *
 * @param turned The length of the whole of which this is the first half: number k of line j is then turned by k j of its roots.
 */
function shortLines(
  { limits, roots, total, inverse }: Plan,
  x: Operand,
  o: Operand,
  turned: number | null,
): GpuDispatch | null {
  const rank = x.shape.length;
  const length = x.shape[rank - 2]!;
  const lines = count(x.shape.slice(0, -2));
  const loops = melt(x.shape.slice(0, -2), [x, o].map(({ strides }) => strides.slice(0, -2)));
  const held = heldBy(limits);
  const most = Math.floor(held.most / length);
  const together = lines >= 2 * most ? most : 1; // few lines are better spread
  const factors = radices(length)!;
  const names = ["x", "o"];
  const draft = new Draft("fft", limits).u32("lines", lines).u32("total", total)
    .u32("line_count", x.shape[rank - 3] ?? 1).u32("turned", turned ?? 1)
    .bind("x", x, { as: "read" }).bind("roots", roots, { as: "read" }).bind("o", o, { as: "write" });
  [x, o].forEach(({ strides }, q) =>
    draft.u32(`${names[q]}_step`, strides[rank - 2]!).u32(`${names[q]}_part`, strides[rank - 1]!)
  );
  loopUniforms(draft, "", names, loops);
  // Neighbouring invocations take what lies side by side: elements of a line, or one element of several lines.
  const along = ({ strides }: Operand): boolean =>
    together === 1 || Math.abs(strides[rank - 2]!) <= Math.abs(strides[rank - 3] ?? Infinity);
  const share = (isAlong: boolean): string =>
    isAlong
      ? wgsl`
        let local = t / ${length}u;
        let i = t % ${length}u;`
      : wgsl`
        let local = t % ${together}u;
        let i = t / ${together}u;`;
  const key = `${length}x${together}|${loops.sizes.length}|${along(x)}${along(o)}|${inverse}|${
    turned !== null
  }`;
  const buffers = ["data_a", "data_b"];
  return draft.step(key, grid(Math.ceil(lines / together)), () => {
    let done = 1;
    const passes = factors.map((radix, i) => {
      const text = passText(
        held.threads,
        together,
        length,
        radix,
        done,
        buffers[i % 2]!,
        buffers[(i + 1) % 2]!,
        inverse,
      );
      done *= radix;
      return text;
    });
    return wgsl`
      var<workgroup> data_a: array<vec2<f32>, ${together * length}>;
      var<workgroup> data_b: array<vec2<f32>, ${together * length}>;

      ${complexText(inverse)}

      ${
      mainOf(
        held.threads,
        wgsl`
          if (group * ${together}u >= P.lines) { return; }
          for (var t = lane; t < ${together * length}u; t += ${held.threads}u) {
            ${share(along(x))}
            let number = min(group * ${together}u + local, P.lines - 1u);
            ${placesText(loops.sizes.length, "", names, "number")}
            let at = p_x + i * P.x_step;
            data_a[local * ${length}u + i] = vec2<f32>(get_x(at), get_x(at + P.x_part));
          }
          workgroupBarrier();
          ${passes}
          for (var t = lane; t < ${together * length}u; t += ${held.threads}u) {
            ${share(along(o))}
            let number = group * ${together}u + local;
            if (number < P.lines) {
              ${placesText(loops.sizes.length, "", names, "number")}
              var value = ${buffers[factors.length % 2]!}[local * ${length}u + i];
              ${
          turned !== null &&
          "value = times(value, root(number % P.line_count * i * (P.total / P.turned)));"
        }
              let at = p_o + i * P.o_step;
              put_o(at, value.x);
              put_o(at + P.o_part, value.y);
            }
          }
        `,
      )
    }
    `;
  });
}

/**
 * Transforms lines of any length of small prime factors: x and o are […, length, 2]. Number n₁ N₂ + n₂ of a line is row n₁
 * and column n₂ of a matrix; its columns are transformed and turned by n₂ k₁, and its rows give numbers k₁ + N₁ k₂.
 */
function smoothLines(plan: Plan, x: Operand, o: Operand, scratch: Scratch[]): (GpuDispatch | null)[] {
  const rank = x.shape.length;
  const length = x.shape[rank - 2]!;
  const { most } = heldBy(plan.limits);
  if (length <= most) return [shortLines(plan, x, o, null)];
  const rows = sideOf(length, most);
  if (rows === null) return [null];
  const columns = length / rows;
  const lead = x.shape.slice(0, -2);
  const lines = count(lead);
  const buffer = new Scratch(8 * lines * length);
  scratch.push(buffer);
  const steps = upTo(lead.length).map((d) => 2 * length * count(lead.slice(d + 1)));
  const [xs, os] = [x.strides, o.strides].map((strides) => strides.slice(-2)) as [number[], number[]];
  const leadOf = ({ strides }: Operand): readonly number[] => strides.slice(0, -2);
  const middle: Operand = { buffer, dtype: float32, shape: [], strides: [], offset: 0 };
  const first = shortLines(
    plan,
    seen(x, [...lead, columns, rows, 2], [...leadOf(x), xs[0]!, xs[0]! * columns, xs[1]!]),
    seen(middle, [...lead, columns, rows, 2], [...steps, 2, 2 * columns, 1]),
    length,
  );
  return [
    first,
    ...smoothLines(
      plan,
      seen(middle, [...lead, rows, columns, 2], [...steps, 2 * columns, 2, 1]),
      seen(o, [...lead, rows, columns, 2], [...leadOf(o), os[0]!, os[0]! * rows, os[1]!]),
      scratch,
    ),
  ];
}

/** By the definition: as many additions as the line is long. */
function sums({ limits, roots, inverse }: Plan, x: Operand, o: Operand): GpuDispatch | null {
  const rank = x.shape.length;
  const loops = melt(x.shape.slice(0, -2), [x, o].map(({ strides }) => strides.slice(0, -2)));
  const names = ["x", "o"];
  const total = count(o.shape) / 2;
  const draft = new Draft("fft", limits).u32("n", total).u32("length", x.shape[rank - 2]!)
    .bind("x", x, { as: "read" }).bind("roots", roots, { as: "read" }).bind("o", o, { as: "write" });
  [x, o].forEach(({ strides }, q) =>
    draft.u32(`${names[q]}_step`, strides[rank - 2]!).u32(`${names[q]}_part`, strides[rank - 1]!)
  );
  loopUniforms(draft, "", names, loops);
  return draft.step(`sums|${loops.sizes.length}|${inverse}`, grid(Math.ceil(total / WORKGROUP)), () =>
    wgsl`
      ${complexText(inverse)}

      ${
      mainOver(wgsl`
        let k = i % P.length;
        let line = i / P.length;
        ${placesText(loops.sizes.length, "", names, "line")}
        var sum = vec2<f32>(0.0, 0.0);
        var at = 0u;
        for (var e = 0u; e < P.length; e++) {
          let place = p_x + e * P.x_step;
          sum += times(vec2<f32>(get_x(place), get_x(place + P.x_part)), root(at));
          at += k;
          if (at >= P.length) { at -= P.length; }
        }
        put_o(p_o + k * P.o_step, sum.x);
        put_o(p_o + k * P.o_step + P.o_part, sum.y);
      `)
    }
    `);
}

/** `chirp(k)`: e^{−πi k² / P.length}, or its conjugate for the inverse; k² is reduced, so the angle is exact. */
function chirpText(inverse: boolean): string {
  return wgsl`
    fn chirp(k: u32) -> vec2<f32> {
      let modulus = 2u * P.length;
      var square = 0u;
      for (var bit = 1u << 20u; bit > 0u; bit >>= 1u) {
        square = 2u * square % modulus;
        if ((k & bit) != 0u) { square = (square + k) % modulus; }
      }
      // Quarters of a turn are taken off exactly.
      let quarter = (2u * square + P.length / 2u) / P.length;
      let angle = f32(bitcast<i32>(2u * square - quarter * P.length)) * P.half;
      let c = m_cos_near(angle);
      let s = m_sin_near(angle);
      let odd = (quarter & 1u) == 1u;
      let flip = (quarter & 3u) >= 2u;
      let re = select(c, -s, odd);
      let im = select(s, c, odd);
      return vec2<f32>(select(re, -re, flip), ${inverse ? "select(im, -im, flip)" : "select(-im, im, flip)"});
    }
    fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
      return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
    }`;
}

/** The longest line that becomes a convolution: numbers of its elements have 21 bits. */
const LONGEST = 2 ** 20;

/**
 * With jk = (j² + k² − (k − j)²) / 2 the transform is a chirp times the convolution of a chirp with x times a chirp; the
 * convolution is made by transforms of a power of two.
 */
function convolved(
  limits: GpuLimits,
  x: Operand,
  o: Operand,
  inverse: boolean,
  scratch: Scratch[],
): (GpuDispatch | null)[] {
  const rank = x.shape.length;
  const length = x.shape[rank - 2]!;
  if (length > LONGEST) return [null];
  const lines = count(x.shape.slice(0, -2));
  const size = 2 ** Math.ceil(Math.log2(2 * length - 1));
  const make = (elements: number): Scratch => {
    const buffer = new Scratch(4 * elements);
    scratch.push(buffer);
    return buffer;
  };
  const roots: Operand = {
    buffer: make(2 * size),
    dtype: float32,
    shape: [2 * size],
    strides: [1],
    offset: 0,
  };
  const [filter, spectrum] = [linesIn(make(2 * size), 1, size), linesIn(make(2 * size), 1, size)];
  const [a, b] = [linesIn(make(2 * lines * size), lines, size), linesIn(make(2 * lines * size), lines, size)];
  const names = ["x", "o"];
  const loops = melt(x.shape.slice(0, -2), [x, o].map(({ strides }) => strides.slice(0, -2)));
  const draftOf = (n: number): Draft =>
    new Draft("fft", limits).u32("n", n).u32("length", length).u32("size", size).f32(
      "half",
      Math.PI / 2 / length,
    );
  const walk = (draft: Draft, name: "x" | "o", operand: Operand): Draft => {
    draft.bind(name, operand, { as: name === "x" ? "read" : "write" })
      .u32(`${name}_step`, operand.strides[rank - 2]!).u32(`${name}_part`, operand.strides[rank - 1]!);
    const mine = loops.steps[names.indexOf(name)]!;
    loopUniforms(draft, "", [name], { sizes: loops.sizes, steps: [mine] });
    return draft;
  };
  const key = `${loops.sizes.length}|${inverse}`;
  const filtering = draftOf(size).bind("o", filter, { as: "write" })
    .step(`filter|${inverse}`, grid(Math.ceil(size / WORKGROUP)), () =>
      wgsl`
        ${chirpText(!inverse)}

        ${
        mainOver(wgsl`
          let k = min(i, P.size - i);
          var value = vec2<f32>(0.0, 0.0);
          if (k < P.length) { value = chirp(k); }
          put_o(2u * i, value.x);
          put_o(2u * i + 1u, value.y);
        `)
      }
      `);
  const before = walk(draftOf(lines * size), "x", x).bind("a", a, { as: "write" })
    .step(`before|${key}`, grid(Math.ceil(lines * size / WORKGROUP)), () =>
      wgsl`
        ${chirpText(inverse)}

        ${
        mainOver(wgsl`
          let k = i % P.size;
          let line = i / P.size;
          var value = vec2<f32>(0.0, 0.0);
          if (k < P.length) {
            ${placesText(loops.sizes.length, "", ["x"], "line")}
            let at = p_x + k * P.x_step;
            value = times(vec2<f32>(get_x(at), get_x(at + P.x_part)), chirp(k));
          }
          put_a(2u * i, value.x);
          put_a(2u * i + 1u, value.y);
        `)
      }
      `);
  const product = new Draft("fft", limits).u32("n", lines * size).u32("size", size)
    .bind("b", b, { as: "write" }).bind("s", spectrum, { as: "read" })
    .step("product", grid(Math.ceil(lines * size / WORKGROUP)), () =>
      mainOver(wgsl`
        let k = i % P.size;
        let x = vec2<f32>(get_b(2u * i), get_b(2u * i + 1u));
        let y = vec2<f32>(get_s(2u * k), get_s(2u * k + 1u));
        put_b(2u * i, x.x * y.x - x.y * y.y);
        put_b(2u * i + 1u, x.x * y.y + x.y * y.x);
      `));
  const after = walk(draftOf(lines * length).bind("a", a, { as: "read" }).f32("share", 1 / size), "o", o)
    .step(`after|${key}`, grid(Math.ceil(lines * length / WORKGROUP)), () =>
      wgsl`
        ${chirpText(inverse)}

        ${
        mainOver(wgsl`
          let k = i % P.length;
          let line = i / P.length;
          ${placesText(loops.sizes.length, "", ["o"], "line")}
          let at = 2u * (line * P.size + k);
          let value = times(vec2<f32>(get_a(at), get_a(at + 1u)), chirp(k)) * P.share;
          put_o(p_o + k * P.o_step, value.x);
          put_o(p_o + k * P.o_step + P.o_part, value.y);
        `)
      }
      `);
  const [there, back] = [false, true].map((way): Plan => ({ limits, roots, total: size, inverse: way }));
  return [
    rootsStep(limits, roots, size),
    filtering,
    ...smoothLines(there!, filter, spectrum, scratch),
    before,
    ...smoothLines(there!, a, b, scratch),
    product,
    ...smoothLines(back!, b, a, scratch),
    after,
  ];
}

/** `x` with the transformed dimension next to the last. */
function withLines(x: Operand, dim: number): Operand {
  const last = x.shape.length - 1;
  const order = [...upTo(last).filter((d) => d !== dim), dim, last];
  return seen(x, order.map((d) => x.shape[d]!), order.map((d) => x.strides[d]!));
}

function fft(limits: GpuLimits, x: Operand, o: Operand, dim: number, inverse: boolean): GpuDispatch | null {
  if (isInPlace([o], [x])) return null;
  const isSmooth = radices(x.shape[dim]!) !== null;
  // A convolution has memory of its own, four times as large at most.
  const maxBindingBytes = limits.maxBindingBytes / (isSmooth ? 1 : 4);
  return inParts(
    { ...limits, maxBindingBytes },
    [withLines(x, dim), withLines(o, dim)],
    upTo(x.shape.length - 2),
    ([from, to]) => transform(limits, from!, to!, inverse, isSmooth),
  );
}

/** Lines of any length: from and to are […, length, 2]. */
function transform(
  limits: GpuLimits,
  from: Operand,
  to: Operand,
  inverse: boolean,
  isSmooth: boolean,
): GpuDispatch | null {
  const length = from.shape.at(-2)!;
  const scratch: Scratch[] = [];
  const steps = ((): (GpuDispatch | null)[] => {
    if (!isSmooth && length > SHORT) return convolved(limits, from, to, inverse, scratch);
    const buffer = new Scratch(8 * length);
    scratch.push(buffer);
    const roots: Operand = { buffer, dtype: float32, shape: [2 * length], strides: [1], offset: 0 };
    const plan = { limits, roots, total: length, inverse };
    const table = rootsStep(limits, roots, length);
    return isSmooth ? [table, ...smoothLines(plan, from, to, scratch)] : [table, sums(plan, from, to)];
  })();
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}

/** The kernel of discrete Fourier transforms. */
export function fftKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, "fft"> {
  return { fft: ([x], o, { dim, inverse }) => fft(limits, x, o, dim, inverse) };
}
