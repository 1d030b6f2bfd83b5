/**
 * Element types of safetensors files, and what they become.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  type DType,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "@flambeau/core";
import type { ElementKind } from "../elements.ts";

/** The element types of the format that can be loaded, by their name in it. */
export const fileKinds: ReadonlyMap<string, ElementKind> = new Map<string, ElementKind>([
  ["BOOL", bool],
  ["U8", uint8],
  ["I8", int8],
  ["I16", int16],
  ["U16", "uint16"],
  ["F16", float16],
  ["BF16", bfloat16],
  ["I32", int32],
  ["U32", "uint32"],
  ["F32", float32],
  ["F64", float64],
  ["I64", int64],
]);

/** The name in the format of every dtype. */
export const fileNames: ReadonlyMap<DType, string> = new Map(
  [...fileKinds].flatMap(([name, kind]) => typeof kind === "string" ? [] : [[kind, name] as const]),
);
