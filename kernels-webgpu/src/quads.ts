/**
 * How shaders read and write four neighbouring elements at once: the buffer is bound as vectors of words.
 *
 * Float16 is unpacked by `unpack2x16float`, which every driver has and which is exact; what is computed from it is float32, and
 * results are rounded once, on their bits.
 *
 * @module
 */

import type { Operand } from "@flambeau/core";
import { encode, perWord, type Storage, storageOf, typeOf } from "./element.ts";
import { wgsl } from "./wgsl.ts";

/** Words that hold four elements. */
export type QuadWords = 1 | 2 | 4;

/** Words in four elements of a storage. */
export function quadWords(storage: Storage): QuadWords {
  return 4 / perWord(storage) as QuadWords;
}

/** The type of an element of a binding whose elements are so many words. */
export function wordsType(words: QuadWords): string {
  return words === 1 ? "u32" : `vec${words}<u32>`;
}

/** The four values in `w`, a value of words. */
function decodeQuad(storage: Storage): string {
  switch (storage) {
    case "f32":
      return "bitcast<vec4<f32>>(w)";
    case "i32":
      return "bitcast<vec4<i32>>(w)";
    case "f16":
      return "vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y))";
    case "bf16":
      return "bitcast<vec4<f32>>(vec4<u32>(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u))";
    case "i16":
      return "bitcast<vec4<i32>>(vec4<u32>(w.x << 16u, w.x, w.y << 16u, w.y)) >> vec4<u32>(16u)";
    case "i8":
      return "bitcast<vec4<i32>>(vec4<u32>(w << 24u, w << 16u, w << 8u, w)) >> vec4<u32>(24u)";
    case "u8":
      return "bitcast<vec4<i32>>((vec4<u32>(w) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu))";
    case "bits32":
      return "w";
    case "bits16":
      return "vec4<u32>(w.x & 0xffffu, w.x >> 16u, w.y & 0xffffu, w.y >> 16u)";
    case "bits8":
      return "(vec4<u32>(w) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu)";
  }
}

/** The words of four values `v`. */
function encodeQuad(storage: Storage): string {
  const part = (axis: string): string => encode(storage, `v.${axis}`);
  switch (perWord(storage)) {
    case 1:
      return storage === "bits32" ? "v" : "bitcast<vec4<u32>>(v)";
    case 2:
      return `vec2<u32>(${part("x")} | (${part("y")} << 16u), ${part("z")} | (${part("w")} << 16u))`;
    case 4:
      return `${part("x")} | (${part("y")} << 8u) | (${part("z")} << 16u) | (${part("w")} << 24u)`;
  }
}

/**
 * Functions `quad_NAME(i)` and, where the operand is written, `put_quad_NAME(i, v)`: elements `i` … `i + 3` of the operand;
 * `i` plus the operand's offset divides by 4.
 */
export function quadAccessors(name: string, storage: Storage, binding: string, written: boolean): string {
  const type = typeOf(storage);
  const at = `${binding}[(i + P.${name}_offset) >> 2u]`;
  return wgsl`
    fn quad_${name}(i: u32) -> vec4<${type}> {
      let w = ${at};
      return ${decodeQuad(storage)};
    }
    ${written && `fn put_quad_${name}(i: u32, v: vec4<${type}>) { ${at} = ${encodeQuad(storage)}; }`}
  `;
}

/**
 * True when fours of neighbours along one step of 1, which has `extent` elements, are whole: all places where one begins
 * divide by 4.
 *
 * @param steps The steps in the other directions.
 */
export function isWhole(x: Operand, extent: number, steps: readonly number[]): boolean {
  return extent % 4 === 0 && x.offset % 4 === 0 && steps.every((step) => step % 4 === 0);
}

/** An operand that could be read or written in fours. */
export interface Candidate {
  readonly x: Operand;
  readonly whole: boolean;
  readonly written?: boolean;
}

/**
 * Which operands of a dispatch are bound as fours. A buffer that is written has one binding, so what lies in it is bound
 * alike or not at all; one that is only read may be bound in several ways.
 */
export function agree<K extends string>(candidates: Readonly<Record<K, Candidate>>): Record<K, boolean> {
  const list = Object.entries(candidates) as [K, Candidate][];
  const words = (x: Operand): number => quadWords(storageOf(x.dtype, false));
  return Object.fromEntries(list.map(([name, { x, whole }]) => {
    const beside = list.filter(([, other]) => other.x.buffer === x.buffer);
    const shared = beside.some(([, { written }]) => written === true);
    const alike = beside.every(([, other]) => other.whole && words(other.x) === words(x));
    return [name, whole && (!shared || alike)];
  })) as Record<K, boolean>;
}
