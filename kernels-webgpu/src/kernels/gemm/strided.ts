/**
 * Operands and results of products that are matrices in memory, with any steps.
 *
 * @module
 */

import { wgsl } from "../../wgsl.ts";
import type { Loader, Storer } from "./product.ts";
import { AXES, plus } from "./text.ts";

/** A matrix by the names of its accessors and of the uniforms with its steps. */
export interface Matrix {
  /** As it is bound. */
  readonly name: string;
  /** Expressions of the steps along the free index and along k. */
  readonly free: string;
  readonly depth: string;
  /** Which of the two walks along memory. */
  readonly along: "free" | "k";
  /** True when it is bound in fours. */
  readonly quads: boolean;
  readonly type: "f32" | "i32";
}

/** `at` and so many steps. */
function place(step: string, i: number): string {
  return i === 0 ? "at" : step === "1u" ? `at + ${i}u` : `at + ${i}u * ${step}`;
}

/** Reads a matrix. */
export function strided({ name, free, depth, along, quads, type }: Matrix): Loader {
  const vector = `vec4<${type}>`;
  const read = along === "free"
    ? quads
      ? wgsl`
        if (fix.left == 0u || k >= k_end) { return ${vector}(); }
        return quad_${name}(fix.at + k * ${depth});`
      : wgsl`
        var v = ${vector}();
        if (k >= k_end) { return v; }
        let at = fix.at + k * ${depth};
        ${AXES.map((axis, i) => `if (fix.left > ${i}u) { v.${axis} = get_${name}(${place(free, i)}); }`)}
        return v;`
    : quads
    ? wgsl`
        if (i >= fix.left || k >= k_end) { return ${vector}(); }
        return quad_${name}(fix.at + i * ${free} + k);`
    : wgsl`
        var v = ${vector}();
        if (i >= fix.left) { return v; }
        let at = fix.at + i * ${free} + k * ${depth};
        ${
      AXES.map((axis, i) => `if (${plus("k", i)} < k_end) { v.${axis} = get_${name}(${place(depth, i)}); }`)
    }
        return v;`;
  return {
    along,
    key: `${name} ${free} ${depth}${quads ? " x4" : ""}`,
    text: (side) =>
      wgsl`
        struct Fix_${side} {
          at: u32,
          left: u32,
        }
        fn fix_${side}(p: u32, f: u32, end: u32) -> Fix_${side} {
          return Fix_${side}(p + f * ${free}, end - min(f, end));
        }
        fn load_${side}(fix: Fix_${side}, ${along === "k" ? "i: u32, " : ""}k: u32, k_end: u32) -> ${vector} {
          ${read}
        }
      `,
  };
}

/** Writes `o` with the steps `P.om` and `P.on`; in fours where the latter is 1 and they are whole. */
export function stridedStore(quads: boolean): Storer {
  return {
    key: "matrix",
    one: "put_o(po + m * P.om + n * P.on, v);",
    four: quads ? "put_quad_o(po + m * P.om + n, v);" : null,
  };
}
