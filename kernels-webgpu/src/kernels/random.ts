/**
 * Random numbers: the same bits as `philox.ts` of core, block by block.
 *
 * @module
 */

import { float32, type KernelTable, type Operand, type RandomAttrs } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { perWord, storageOf } from "../element.ts";
import { count, isDense } from "../geometry.ts";
import { inParts } from "../split.ts";
import { float, wgsl } from "../wgsl.ts";

type RandomName = "randomUniform" | "randomNormal" | "randomInt";

/** Philox 4x32-10, Salmon et al. 2011. */
const PHILOX = wgsl`
  fn philox(block: u32) -> vec4<u32> {
    let low = P.counter_low + block;
    var c = vec4<u32>(low, P.counter_high + select(0u, 1u, low < block), 0u, 0u);
    var k = vec2<u32>(P.key_low, P.key_high);
    for (var round = 0; round < 10; round++) {
      let high0 = m_mul_high(0xd2511f53u, c.x);
      let high1 = m_mul_high(0xcd9e8d57u, c.z);
      c = vec4<u32>(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
      k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
  }`;

/** Cosine and sine of 2π u / 2^24. */
const TURN = wgsl`
  fn turn(u: u32) -> vec2<f32> {
    let quarter = (u + 0x200000u) >> 22u;
    let r = f32(bitcast<i32>(u - (quarter << 22u))) * ${float(2 * Math.PI * 2 ** -24)};
    let c = m_cos_near(r);
    let s = m_sin_near(r);
    switch (quarter & 3u) {
      case 0u: { return vec2<f32>(c, s); }
      case 1u: { return vec2<f32>(-s, c); }
      case 2u: { return vec2<f32>(-c, -s); }
      default: { return vec2<f32>(s, -c); }
    }
  }`;

function random(
  limits: GpuLimits,
  op: RandomName,
  o: Operand,
  attrs: RandomAttrs,
  kind: string,
  values: string,
  uniforms: (draft: Draft) => void = () => {},
): GpuDispatch | null {
  if (!isDense(o)) return null;
  const { buffer, dtype, offset } = o;
  const flat: Operand = { buffer, dtype, offset, shape: [count(o.shape)], strides: [1] };
  return inParts(limits, [flat], [0], ([part]) => {
    const counter = attrs.counter + (part!.offset - offset) / 4; // parts start with a block
    return randomStep(limits, op, part!, { key: attrs.key, counter }, kind, values, uniforms);
  });
}

function randomStep(
  limits: GpuLimits,
  op: RandomName,
  o: Operand,
  { key, counter }: Pick<RandomAttrs, "key" | "counter">,
  kind: string,
  values: string,
  uniforms: (draft: Draft) => void,
): GpuDispatch | null {
  const n = o.shape[0]!;
  const packed = perWord(storageOf(o.dtype, false)) > 1;
  const draft = new Draft(op, limits)
    .u32("n", n).u32("key_low", key[0]).u32("key_high", key[1])
    .u32("counter_low", counter >>> 0).u32("counter_high", Math.floor(counter / 2 ** 32))
    .bind("o", o, { as: packed ? "atomic" : "write" });
  uniforms(draft);
  return draft.step(kind, grid(Math.ceil(n / 4 / WORKGROUP)), () =>
    wgsl`
      ${PHILOX}
      ${op === "randomNormal" && TURN}

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          let block = group * ${WORKGROUP}u + lane;
          let first = block * 4u;
          if (first >= P.n) { return; }
          let w = philox(block);
          ${values}
          put_o(first, v0);
          if (first + 1u < P.n) { put_o(first + 1u, v1); }
          if (first + 2u < P.n) { put_o(first + 2u, v2); }
          if (first + 3u < P.n) { put_o(first + 3u, v3); }
        `,
      )
    }
    `);
}

const LANES = ["x", "y", "z", "w"];

/** The random kernels. */
export function randomKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, RandomName> {
  return {
    randomUniform: (_, o, attrs) => {
      const bits = o.dtype === float32 ? 24 : o.dtype.name === "float16" ? 11 : 8;
      const values = LANES.map((c, i) => `let v${i} = f32(w.${c} >> ${32 - bits}u) * ${2 ** -bits};`).join(
        "\n",
      );
      return random(limits, "randomUniform", o, attrs, `${bits}`, values);
    },
    randomNormal: (_, o, attrs) => {
      // Quarters of a turn are taken off exactly, before π comes in.
      const values = wgsl`
        let r0 = sqrt(-2.0 * m_log(f32((w.x >> 8u) + 1u) * 5.9604644775390625e-8));
        let r1 = sqrt(-2.0 * m_log(f32((w.z >> 8u) + 1u) * 5.9604644775390625e-8));
        let t0 = turn(w.y >> 8u);
        let t1 = turn(w.w >> 8u);
        let v0 = r0 * t0.x;
        let v1 = r0 * t0.y;
        let v2 = r1 * t1.x;
        let v3 = r1 * t1.y;`;
      return random(limits, "randomNormal", o, attrs, "", values);
    },
    randomInt: (_, o, attrs) => {
      const { low, high } = attrs;
      if (high - low > 2 ** 32 || low < -(2 ** 31) || high - 1 >= 2 ** 31) return null;
      const type = o.dtype.kind === "float" ? "f32" : "i32";
      const whole = high - low === 2 ** 32;
      const values = LANES.map((c, i) => {
        const draw = `bitcast<i32>(P.low + ${whole ? `w.${c}` : `w.${c} % P.span`})`;
        return `let v${i} = ${type === "f32" ? `f32(${draw})` : draw};`;
      }).join("\n");
      return random(
        limits,
        "randomInt",
        o,
        attrs,
        `${type}${whole}`,
        values,
        (draft) => void draft.u32("low", low).u32("span", whole ? 1 : high - low),
      );
    },
  };
}
