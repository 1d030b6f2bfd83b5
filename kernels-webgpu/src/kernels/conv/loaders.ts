/**
 * How convolutions read their operands: as matrices whose columns or depth are places of images and taps of windows.
 *
 * What does not change with the depth is worked out once for an invocation's columns; then each step of depth costs one
 * division for each dimension, and each element a comparison with the border.
 *
 * @module
 */

import { wgsl } from "../../wgsl.ts";
import type { Loader } from "../gemm/product.ts";
import { AXES, plus, upTo } from "../gemm/text.ts";

/** A place that is outside of every image, however windows move it. */
const NOWHERE = "0xc0000000u";

/**
 * Takes a row-major number apart: `let <to>0 = …` for each spatial dimension, and `let <to> = …` for what is left.
 *
 * @param size The uniforms with the sizes, by the beginning of their names or one by one.
 */
export function unpack(
  rank: number,
  from: string,
  size: string | ((d: number) => string),
  to: string,
): string {
  const sizeOf = typeof size === "string" ? (d: number) => `P.${size}${d}` : size;
  const lines: string[] = [];
  let rest = from;
  for (let d = rank - 1; d >= 0; d--) {
    lines.push(`let ${to}${d} = ${rest} % ${sizeOf(d)};`);
    lines.push(`let ${to}r${d} = ${rest} / ${sizeOf(d)};`);
    rest = `${to}r${d}`;
  }
  lines.push(`let ${to} = ${rest};`);
  return lines.join("\n");
}

/** A sum of products of indices and the strides `P.<name>2`, `P.<name>3` … of the spatial dimensions. */
export function along(rank: number, name: string, index: (d: number) => string): string {
  return upTo(rank).map((d) => `${index(d)} * P.${name}${d + 2}`).join(" + ");
}

/** Statements that read `get_<name>(at.*)` into `v` where all of `inside` holds; `more` is a condition for element `i`. */
function reads(name: string, rank: number, size: string, more?: (i: number) => string): string {
  return wgsl`
    let ok = ${upTo(rank).map((d) => `(y${d} < vec4<u32>(P.${size}${d}))`).join(" & ")};
    var v = vec4<f32>();
    ${
    AXES.map((axis, i) =>
      `if (ok.${axis}${more === undefined ? "" : ` && ${more(i)}`}) { v.${axis} = get_${name}(at.${axis}); }`
    )
  }
    return v;
  `;
}

/** The structure of what is fixed: places in memory and in the image, of four free indices. */
function fixText(side: string, rank: number): string {
  return wgsl`
    struct Fix_${side} {
      at: vec4<u32>,
      ${upTo(rank).map((d) => `y${d}: vec4<u32>,`)}
    }
  `;
}

/** x for conv: columns are places of the result (image, place), depth is (channel, tap). */
export function windows(rank: number): Loader {
  const dims = upTo(rank);
  return {
    along: "free",
    key: `windows ${rank}`,
    text: (side) =>
      wgsl`
        ${fixText(side, rank)}
        fn fix_${side}(p: u32, f: u32, end: u32) -> Fix_${side} {
          var fix: Fix_${side};
          ${
        AXES.map((axis, i) =>
          wgsl`
            {
              ${unpack(rank, i === 0 ? "f" : `(f + ${i}u)`, "out", "o")}
              ${dims.map((d) => `let y${d} = o${d} * P.step${d} - P.pad${d};`)}
              fix.at.${axis} = p + o * P.x0 + ${along(rank, "x", (d) => `y${d}`)};
              ${dims.slice(1).map((d) => `fix.y${d}.${axis} = y${d};`)}
              fix.y0.${axis} = select(${NOWHERE}, y0, ${plus("f", i)} < end);
            }`
        )
      }
          return fix;
        }
        fn load_${side}(fix: Fix_${side}, k: u32, k_end: u32) -> vec4<f32> {
          if (k >= k_end) { return vec4<f32>(); }
          ${unpack(rank, "k", "tap", "t")}
          ${dims.map((d) => `let m${d} = t${d} * P.dil${d};`)}
          ${dims.map((d) => `let y${d} = fix.y${d} + vec4<u32>(m${d});`)}
          let at = fix.at + vec4<u32>(t * P.x1 + ${along(rank, "x", (d) => `m${d}`)});
          ${reads("x", rank, "in")}
        }
      `,
  };
}

/** x for the gradient of the weight: columns are (channel, tap), depth is places of the result (image, place). */
export function windowsAlongDepth(rank: number): Loader {
  const dims = upTo(rank);
  return {
    along: "k",
    key: `windows ${rank}`,
    text: (side) =>
      wgsl`
        ${fixText(side, rank)}
        fn fix_${side}(p: u32, f: u32, end: u32) -> Fix_${side} {
          var fix: Fix_${side};
          ${
        AXES.map((axis, i) =>
          wgsl`
            {
              ${unpack(rank, i === 0 ? "f" : `(f + ${i}u)`, "tap", "t")}
              ${dims.map((d) => `let y${d} = t${d} * P.dil${d} - P.pad${d};`)}
              fix.at.${axis} = p + t * P.x1 + ${along(rank, "x", (d) => `y${d}`)};
              ${dims.slice(1).map((d) => `fix.y${d}.${axis} = y${d};`)}
              fix.y0.${axis} = select(${NOWHERE}, y0, ${plus("f", i)} < end);
            }`
        )
      }
          return fix;
        }
        fn load_${side}(fix: Fix_${side}, i: u32, k: u32, k_end: u32) -> vec4<f32> {
          var at = vec4<u32>(fix.at[i]);
          ${dims.map((d) => `var y${d} = vec4<u32>(fix.y${d}[i]);`)}
          ${
        AXES.map((axis, j) =>
          wgsl`
            {
              ${unpack(rank, j === 0 ? "k" : `(k + ${j}u)`, "out", "o")}
              ${dims.map((d) => `let m${d} = o${d} * P.step${d};`)}
              at.${axis} += o * P.x0 + ${along(rank, "x", (d) => `m${d}`)};
              ${dims.map((d) => `y${d}.${axis} += m${d};`)}
            }`
        )
      }
          ${reads("x", rank, "in", (j) => `${plus("k", j)} < k_end`)}
        }
      `,
  };
}

/**
 * g for the gradient of the input: columns are places of the input (image, place), depth is (channel of the result, tap). The
 * window that reaches a place by a tap starts at (place + padding − tap · dilation) / stride.
 *
 * @param unit True when all strides are 1.
 */
export function sources(rank: number, unit: boolean): Loader {
  const dims = upTo(rank);
  return {
    along: "free",
    key: `sources ${rank}${unit ? " unit" : ""}`,
    text: (side) =>
      wgsl`
        ${fixText(side, rank)}
        fn fix_${side}(p: u32, f: u32, end: u32) -> Fix_${side} {
          var fix: Fix_${side};
          ${
        AXES.map((axis, i) =>
          wgsl`
            {
              ${unpack(rank, i === 0 ? "f" : `(f + ${i}u)`, "in", "o")}
              ${dims.map((d) => `let y${d} = o${d} + P.pad${d};`)}
              fix.at.${axis} = p + o * P.g0${unit && ` + ${along(rank, "g", (d) => `y${d}`)}`};
              ${dims.slice(1).map((d) => `fix.y${d}.${axis} = y${d};`)}
              fix.y0.${axis} = select(${NOWHERE}, y0, ${plus("f", i)} < end);
            }`
        )
      }
          return fix;
        }
        fn load_${side}(fix: Fix_${side}, k: u32, k_end: u32) -> vec4<f32> {
          if (k >= k_end) { return vec4<f32>(); }
          ${unpack(rank, "k", "tap", "t")}
          ${dims.map((d) => `let m${d} = t${d} * P.dil${d};`)}
          ${
        unit
          ? wgsl`
          ${dims.map((d) => `let y${d} = fix.y${d} - vec4<u32>(m${d});`)}
          let at = fix.at + vec4<u32>(t * P.g1 - (${along(rank, "g", (d) => `m${d}`)}));`
          : wgsl`
          ${
            dims.map((d) =>
              wgsl`
              let s${d} = fix.y${d} - vec4<u32>(m${d});
              let off${d} = (bitcast<vec4<i32>>(s${d}) < vec4<i32>(0)) | (s${d} % vec4<u32>(P.step${d}) != vec4<u32>(0u));
              let y${d} = select(s${d} / vec4<u32>(P.step${d}), vec4<u32>(${NOWHERE}), off${d});`
            )
          }
          let at = fix.at + vec4<u32>(t * P.g1) + ${
            dims.map((d) => `y${d} * vec4<u32>(P.g${d + 2})`).join(" + ")
          };`
      }
          ${reads("g", rank, "out")}
        }
      `,
  };
}

/** An operand whose depth is an outer index and a place or tap: `k = outer · count + inner`. */
export interface Segments {
  readonly name: string;
  /** Expressions of the steps along the free index and along the outer one. */
  readonly free: string;
  readonly outer: string;
  /** The uniforms with the sizes of the inner dimensions, and the one with their product. */
  readonly size: string;
  readonly count: string;
  readonly rank: number;
  /** True when the inner dimensions run along memory without gaps. */
  readonly flat: boolean;
  /** True when it is bound in fours. */
  readonly quads: boolean;
}

/** Reads such an operand along its depth. */
export function segments({ name, free, outer, size, count, rank, flat, quads }: Segments): Loader {
  return {
    along: "k",
    key: `segments ${name} ${rank}${flat ? " flat" : ""}${quads ? " x4" : ""}`,
    text: (side) =>
      wgsl`
        struct Fix_${side} {
          at: u32,
          left: u32,
        }
        fn fix_${side}(p: u32, f: u32, end: u32) -> Fix_${side} {
          return Fix_${side}(p + f * ${free}, end - min(f, end));
        }
        fn load_${side}(fix: Fix_${side}, i: u32, k: u32, k_end: u32) -> vec4<f32> {
          var v = vec4<f32>();
          if (i >= fix.left || k >= k_end) { return v; }
          let at = fix.at + i * ${free};
          ${
        quads
          ? `return quad_${name}(at + k / P.${count} * ${outer} + k % P.${count});`
          : AXES.map((axis, j) =>
            wgsl`
              if (${plus("k", j)} < k_end) {
                ${
              flat
                ? wgsl`
                let e = ${plus("k", j)};
                v.${axis} = get_${name}(at + e / P.${count} * ${outer} + e % P.${count});`
                : wgsl`
                ${unpack(rank, j === 0 ? "k" : `(k + ${j}u)`, size, "t")}
                v.${axis} = get_${name}(at + t * ${outer} + ${along(rank, name, (d) => `t${d}`)});`
            }
              }`
          )
      }
          ${!quads && "return v;"}
        }
      `,
  };
}
