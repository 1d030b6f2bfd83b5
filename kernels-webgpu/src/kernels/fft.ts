/**
 * Discrete Fourier transforms by their definition, from a table of roots of unity: N additions an element.
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOver, WORKGROUP } from "../draft.ts";
import { count, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { wgsl } from "../wgsl.ts";

function fft(limits: GpuLimits, x: Operand, o: Operand, dim: number, inverse: boolean): GpuDispatch | null {
  if (isInPlace([o], [x])) return null;
  const length = x.shape[dim]!;
  const last = x.shape.length - 1;
  const scratch = new Scratch(8 * length);
  const roots: Operand = { buffer: scratch, dtype: float32, shape: [2 * length], strides: [1], offset: 0 };
  const table = new Draft("fft", limits).u32("n", length).f32("turn", 2 * Math.PI / length)
    .bind("o", roots, { as: "write" })
    .step("roots", grid(Math.ceil(length / WORKGROUP)), () =>
      mainOver(wgsl`
        // The first eighths are counted from the nearest quarter, where the angle is small and exact.
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
  const others = x.shape.map((_, d) => d).filter((d) => d !== dim && d !== last);
  const loops = melt(
    others.map((d) => x.shape[d]!),
    [x, o].map(({ strides }) => others.map((d) => strides[d]!)),
  );
  const total = count(o.shape) / 2;
  const names = ["x", "o"];
  const draft = new Draft("fft", limits).u32("n", total).u32("length", length)
    .u32("x_step", x.strides[dim]!).u32("x_part", x.strides[last]!)
    .u32("o_step", o.strides[dim]!).u32("o_part", o.strides[last]!)
    .bind("x", x, { as: "read" }).bind("roots", roots, { as: "read" }).bind("o", o, { as: "write" });
  loopUniforms(draft, "", names, loops);
  const sums = draft.step(
    `${loops.sizes.length}|${inverse}`,
    grid(Math.ceil(total / WORKGROUP)),
    () =>
      mainOver(wgsl`
      let k = i % P.length;
      let line = i / P.length;
      ${placesText(loops.sizes.length, "", names, "line")}
      var re = 0.0;
      var im = 0.0;
      var at = 0u;
      for (var e = 0u; e < P.length; e++) {
        let a = get_x(p_x + e * P.x_step);
        let b = get_x(p_x + e * P.x_step + P.x_part);
        let c = get_roots(2u * at);
        let s = ${inverse ? "" : "-"}get_roots(2u * at + 1u);
        re += a * c - b * s;
        im += a * s + b * c;
        at += k;
        if (at >= P.length) { at -= P.length; }
      }
      put_o(p_o + k * P.o_step, re);
      put_o(p_o + k * P.o_step + P.o_part, im);
    `),
  );
  return table === null || sums === null ? null : new Sequence([table, sums], [scratch]);
}

/** The kernel of discrete Fourier transforms. */
export function fftKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, "fft"> {
  return { fft: ([x], o, { dim, inverse }) => fft(limits, x, o, dim, inverse) };
}
