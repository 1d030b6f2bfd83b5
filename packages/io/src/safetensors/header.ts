/**
 * The header of a safetensors file: which tensors it holds and where, checked before anything is allocated.
 *
 * A file is 8 bytes header length N (little endian), N bytes of JSON, then the data. The JSON maps each name to
 * `{ dtype, shape, data_offsets: [begin, end] }`, with offsets from the end of the header. A file is taken only when its
 * tensors cover the data exactly: no gap, no overlap, nothing behind.
 *
 * @see https://github.com/huggingface/safetensors#format
 *
 * @module
 */

import { itemsizeOf } from "../elements.ts";
import { type JsonMap, type JsonValue, parseJson } from "../json.ts";
import { quote, refuse } from "../refuse.ts";
import { fileKinds } from "./dtypes.ts";

/** One tensor of a safetensors file. */
export interface SafetensorsEntry {
  /** Element type as the file writes it: `F32`, `BF16`, `I64`, … */
  readonly dtype: string;
  /** Sizes. */
  readonly shape: readonly number[];
  /** Byte of the file at which the data begins. */
  readonly begin: number;
  /** Byte of the file behind the data. */
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** The tensors by name, in the order of the header. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** The free text in the entry `__metadata__`. */
  readonly metadata: Map<string, string>;
  /** Byte of the file at which the data of the tensors begins. */
  readonly dataStart: number;
}

/** The largest header that is read, in bytes: the limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
/** The most dimensions that a tensor may have: PyTorch's limit. */
const MAX_RANK = 64;
/** Bytes of the length in front of the header. */
const LENGTH_BYTES = 8;

/**
 * Reads the header of a safetensors file without touching the data.
 *
 * @param bytes The whole file.
 * @throws {FormatError} If the file is not well formed; the message names the byte or the tensor.
 *
 * @example
 * ```ts
 * const { tensors, metadata } = parseSafetensorsHeader(bytes);
 * tensors.get("fc1.weight"); // { dtype: "F32", shape: [128, 784], begin: 152, end: 401560 }
 * ```
 */
export function parseSafetensorsHeader(bytes: Uint8Array): SafetensorsHeader {
  return readHeader("safetensors bytes", bytes, bytes.length);
}

/**
 * The number of bytes that {@linkcode readHeader} needs: the length in front and the header itself.
 *
 * @param start At least the first 8 bytes of the file, or all of a shorter one.
 * @param size Bytes of the whole file.
 */
export function headerBytes(file: string, start: Uint8Array, size: number): number {
  if (size < LENGTH_BYTES) {
    refuse(file, `a safetensors file must have at least ${LENGTH_BYTES} bytes, got ${size}`);
  }
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(size - LENGTH_BYTES)) {
    refuse(
      file,
      `the header must end within the file, got a header length of ${length} bytes at byte 0 of ${size} bytes`,
    );
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    refuse(file, `the header must not be larger than ${MAX_HEADER_BYTES} bytes, got ${length} at byte 0`);
  }
  return LENGTH_BYTES + Number(length);
}

/**
 * As {@linkcode parseSafetensorsHeader}, for a file of which only the beginning is at hand.
 *
 * @param file What is being loaded, for messages.
 * @param start The first bytes, at least as many as {@linkcode headerBytes} says.
 * @param size Bytes of the whole file.
 */
export function readHeader(file: string, start: Uint8Array, size: number): SafetensorsHeader {
  const dataStart = headerBytes(file, start, size);
  if (start[LENGTH_BYTES] !== 0x7b || dataStart === LENGTH_BYTES) {
    refuse(file, `the header must be a JSON object that begins with "{" at byte ${LENGTH_BYTES}`);
  }
  const header = parseJson(file, start.subarray(LENGTH_BYTES, dataStart), LENGTH_BYTES) as JsonMap;
  const tensors = new Map<string, SafetensorsEntry>();
  for (const [name, value] of header) {
    if (name !== "__metadata__") tensors.set(name, readEntry(file, name, value, dataStart, size));
  }
  requireCover(file, tensors, dataStart, size);
  return { tensors, metadata: readMetadata(file, header.get("__metadata__")), dataStart };
}

function readMetadata(file: string, value: JsonValue | undefined): Map<string, string> {
  if (value === undefined) return new Map();
  if (!(value instanceof Map)) refuse(file, "__metadata__ must be a JSON object of strings");
  for (const [key, text] of value) {
    if (typeof text !== "string") {
      refuse(file, `the value of ${quote(key)} in __metadata__ must be a string, got ${kindOf(text)}`);
    }
  }
  return value as Map<string, string>;
}

function readEntry(
  file: string,
  name: string,
  value: JsonValue,
  dataStart: number,
  size: number,
): SafetensorsEntry {
  const tensor = `tensor ${quote(name)}`;
  if (!(value instanceof Map)) refuse(file, `${tensor} must be a JSON object, got ${kindOf(value)}`);
  const dtype = value.get("dtype");
  const kind = typeof dtype === "string" ? fileKinds.get(dtype) : undefined;
  if (kind === undefined) {
    const got = typeof dtype === "string" ? quote(dtype) : kindOf(dtype);
    refuse(file, `${tensor} must have a dtype of ${[...fileKinds.keys()].join(", ")}, got ${got}`);
  }
  const shape = integers(file, tensor, "shape", value.get("shape"));
  if (shape.length > MAX_RANK) {
    refuse(file, `${tensor} must have at most ${MAX_RANK} dimensions, got ${shape.length}`);
  }
  const elements = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  const bytes = elements * itemsizeOf(kind);
  if (!Number.isSafeInteger(bytes)) {
    refuse(file, `${tensor} must fit the file, got shape [${shape.join(", ")}]`);
  }

  const offsets = integers(file, tensor, "data_offsets", value.get("data_offsets"));
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined || begin > end) {
    refuse(
      file,
      `${tensor} must have data_offsets [begin, end] with begin <= end, got [${offsets.join(", ")}]`,
    );
  }
  if (dataStart + end > size) {
    refuse(file, `${tensor} ends at byte ${dataStart + end}, the file has ${size} bytes`);
  }
  if (end - begin !== bytes) {
    refuse(
      file,
      `${tensor} must have ${bytes} bytes for ${dtype}[${shape.join(", ")}], got ${
        end - begin
      } in data_offsets`,
    );
  }
  return { dtype: dtype as string, shape, begin: dataStart + begin, end: dataStart + end };
}

function integers(file: string, tensor: string, field: string, value: JsonValue | undefined): number[] {
  if (!Array.isArray(value)) refuse(file, `${tensor} must have an array "${field}", got ${kindOf(value)}`);
  for (const item of value) {
    if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0) {
      const got = typeof item === "number" ? String(item) : kindOf(item);
      refuse(file, `"${field}" of ${tensor} must hold safe integers that are not negative, got ${got}`);
    }
  }
  return value as number[];
}

function requireCover(
  file: string,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  dataStart: number,
  size: number,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = dataStart;
  for (const [name, { begin, end }] of inOrder) {
    if (begin > at) {
      refuse(file, `the data must have no gap, got one from byte ${at} to tensor ${quote(name)} at ${begin}`);
    }
    if (begin < at) {
      refuse(file, `tensors must not overlap, tensor ${quote(name)} begins at byte ${begin} before ${at}`);
    }
    at = end;
  }
  if (at !== size) refuse(file, `the file must end with its tensors at byte ${at}, got ${size} bytes`);
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return "none";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return value instanceof Map ? "an object" : `the ${typeof value} ${quote(String(value))}`;
}
