/**
 * How shaders read and write elements. All memory is bound as 32-bit words, so one binding may hold several dtypes, and a
 * buffer that is read and written in one dispatch is one binding.
 *
 * Elements narrower than a word are packed. A kernel whose result is contiguous writes whole words; others change their
 * part of a word by two atomic operations, which leave the neighbours alone.
 *
 * @module
 */

import type { DType } from "@flambeau/core";
import { wgsl } from "./wgsl.ts";

/** A type in which shaders compute: floats, integers and bools, or bits that are only moved. */
export type Computed = "f32" | "i32" | "u32";

/** What `dtype` is computed in. */
export function computed(dtype: DType): "f32" | "i32" {
  return dtype.kind === "float" ? "f32" : "i32";
}

/** How a dtype is stored: what the text of its accessors depends on. */
export type Storage = "f32" | "i32" | "f16" | "bf16" | "i16" | "i8" | "u8" | "bits32" | "bits16" | "bits8";

/** The storage of a dtype, or of its bits alone. */
export function storageOf(dtype: DType, raw: boolean): Storage {
  if (raw) return dtype.itemsize === 4 ? "bits32" : dtype.itemsize === 2 ? "bits16" : "bits8";
  switch (dtype.name) {
    case "float32":
      return "f32";
    case "int32":
      return "i32";
    case "float16":
      return "f16";
    case "bfloat16":
      return "bf16";
    case "int16":
      return "i16";
    case "int8":
      return "i8";
    default:
      return "u8";
  }
}

/** The type in which elements of a storage are computed. */
export function typeOf(storage: Storage): Computed {
  if (storage.startsWith("bits")) return "u32";
  return storage === "f32" || storage === "f16" || storage === "bf16" ? "f32" : "i32";
}

/** Elements in a word. */
export function perWord(storage: Storage): 1 | 2 | 4 {
  switch (storage) {
    case "i8":
    case "u8":
    case "bits8":
      return 4;
    case "i16":
    case "f16":
    case "bf16":
    case "bits16":
      return 2;
    default:
      return 1;
  }
}

/** The value in the low bits of `bits`, an expression; above them there may be anything. */
export function decode(storage: Storage, bits: string): string {
  switch (storage) {
    case "f32":
      return `bitcast<f32>(${bits})`;
    case "i32":
      return `bitcast<i32>(${bits})`;
    case "f16":
      return `unpack2x16float(${bits}).x`;
    case "bf16":
      return `bitcast<f32>((${bits}) << 16u)`;
    case "i16":
      return `bitcast<i32>((${bits}) << 16u) >> 16u`;
    case "i8":
      return `bitcast<i32>((${bits}) << 24u) >> 24u`;
    case "u8":
      return `bitcast<i32>((${bits}) & 0xffu)`;
    case "bits16":
      return `(${bits}) & 0xffffu`;
    case "bits8":
      return `(${bits}) & 0xffu`;
    case "bits32":
      return bits;
  }
}

/** The bits of a value, an expression, in the low bits of a word that is otherwise 0. */
export function encode(storage: Storage, value: string): string {
  switch (storage) {
    case "f32":
    case "i32":
      return `bitcast<u32>(${value})`;
    case "f16":
      return `m_half_bits(${value})`;
    case "bf16":
      return `m_bfloat_bits(${value})`;
    case "i16":
      return `(bitcast<u32>(${value}) & 0xffffu)`;
    case "i8":
    case "u8":
      return `(bitcast<u32>(${value}) & 0xffu)`;
    case "bits32":
    case "bits16":
    case "bits8":
      return value;
  }
}

/** Functions `get_NAME(i)` and, where the operand is written, `put_NAME(i, v)`; `i` counts from the operand's offset. */
export function accessors(
  name: string,
  storage: Storage,
  binding: string,
  options: { readonly atomic: boolean; readonly written: boolean },
): string {
  const per = perWord(storage);
  const type = typeOf(storage);
  const word = (at: string) => options.atomic ? `atomicLoad(&${binding}[${at}])` : `${binding}[${at}]`;
  if (per === 1) {
    const put = options.atomic
      ? `atomicStore(&${binding}[i + P.${name}_offset], ${encode(storage, "v")});`
      : `${binding}[i + P.${name}_offset] = ${encode(storage, "v")};`;
    return wgsl`
      fn get_${name}(i: u32) -> ${type} { return ${decode(storage, word(`i + P.${name}_offset`))}; }
      ${options.written && `fn put_${name}(i: u32, v: ${type}) { ${put} }`}
      ${
      options.written && options.atomic && wgsl`
        fn swap_${name}(i: u32, old: ${type}, v: ${type}) -> bool {
          return atomicCompareExchangeWeak(&${binding}[i + P.${name}_offset], ${encode(storage, "old")}, ${
        encode(storage, "v")
      }).exchanged;
        }`
    }
    `;
  }
  const [shift, mask, bits] = per === 4 ? ["2u", "3u", "8u"] : ["1u", "1u", "16u"];
  const ones = per === 4 ? "0xffu" : "0xffffu";
  return wgsl`
    fn get_${name}(i: u32) -> ${type} {
      let j = i + P.${name}_offset;
      return ${decode(storage, `${word(`j >> ${shift}`)} >> ((j & ${mask}) * ${bits})`)};
    }
    ${
    options.written && options.atomic && wgsl`
      fn put_${name}(i: u32, v: ${type}) {
        let j = i + P.${name}_offset;
        let at = (j & ${mask}) * ${bits};
        atomicAnd(&${binding}[j >> ${shift}], ~(${ones} << at));
        atomicOr(&${binding}[j >> ${shift}], ${encode(storage, "v")} << at);
      }`
  }
    ${
    options.written && !options.atomic && wgsl`
      fn put_word_${name}(i: u32, bits: u32, keep: u32) {
        let at = i + (P.${name}_offset >> ${shift});
        ${binding}[at] = bits | (${binding}[at] & keep);
      }`
  }
  `;
}
