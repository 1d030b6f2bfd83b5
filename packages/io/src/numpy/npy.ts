/**
 * Loading NumPy's `.npy` files: a magic number, a version, a header that describes one array, and its elements.
 *
 * The header is a Python dict literal; it is read by a grammar of its own and never evaluated.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @module
 */

import {
  type Backend,
  bool,
  contiguousStrides,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "@flambeau/core";
import { backendOf, type Tensor } from "@flambeau/tensor";
import { makeTensor } from "@flambeau/tensor/internal";
import { type ElementKind, itemsizeOf, tensorOf } from "../elements.ts";
import { quote, refuse } from "../refuse.ts";
import type { LoadOptions } from "../safetensors/read.ts";

/** Element types by NumPy's letter and size; those of one byte have no byte order (`|`). */
const KINDS: ReadonlyMap<string, ElementKind> = new Map<string, ElementKind>([
  ["b1", bool],
  ["u1", uint8],
  ["i1", int8],
  ["i2", int16],
  ["u2", "uint16"],
  ["i4", int32],
  ["u4", "uint32"],
  ["i8", int64],
  ["f2", float16],
  ["f4", float32],
  ["f8", float64],
]);

const MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_RANK = 64;

interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** True for bytes that begin as a `.npy` file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * The array in a `.npy` file.
 *
 * Either byte order is read; `uint16` becomes int32 and `uint32` int64; an array in Fortran order becomes a tensor with
 * such strides, as in `torch.from_numpy`. Object arrays, records, text and complex numbers are refused.
 *
 * @param bytes The whole file.
 * @throws {FormatError} If the file is damaged or of another element type.
 */
export function loadNpy(bytes: Uint8Array, options: LoadOptions = {}): Tensor {
  return readNpy("npy bytes", bytes, backendOf(options.mapLocation));
}

/** As {@linkcode loadNpy}, with a name for messages. */
export function readNpy(file: string, bytes: Uint8Array, backend: Backend): Tensor {
  if (!isNpy(bytes)) refuse(file, `a .npy file must begin with \\x93NUMPY, got ${bytes.length} other bytes`);
  const { header, dataStart } = readHeader(file, bytes);
  const { kind, bigEndian } = elementType(file, header.descr);
  const { shape, fortranOrder } = header;
  const elements = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  const needed = elements * itemsizeOf(kind);
  if (needed !== bytes.length - dataStart) {
    refuse(
      file,
      `${header.descr}[${shape.join(", ")}] must have ${needed} bytes from byte ${dataStart}, got ${
        bytes.length - dataStart
      }`,
    );
  }
  const data = { kind, bytes: bytes.subarray(dataStart), shape, bigEndian };
  if (!fortranOrder || shape.length < 2) return tensorOf(file, "the array", data, backend);
  // Read with the sizes in reverse order, the elements are in row-major order.
  const reversed = [...shape].reverse();
  const flat = tensorOf(file, "the array", { ...data, shape: reversed }, backend);
  return makeTensor(flat.storage, shape, [...contiguousStrides(reversed)].reverse(), 0, flat.dtype);
}

function readHeader(file: string, bytes: Uint8Array): { header: NpyHeader; dataStart: number } {
  const [major] = bytes.subarray(6, 7);
  if (bytes.length < 12 || major === undefined || major < 1 || major > 3) {
    refuse(file, `the format version at byte 6 must be 1, 2 or 3, got ${major ?? "the end of the file"}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.length - start) {
    refuse(
      file,
      `the header must end within the file, got ${length} bytes at byte ${start} of ${bytes.length}`,
    );
  }
  const text = new TextDecoder().decode(bytes.subarray(start, start + length));
  return { header: new HeaderReader(file, text, start).read(), dataStart: start + length };
}

function elementType(file: string, descr: string): { kind: ElementKind; bigEndian: boolean } {
  const kind = KINDS.get(descr.slice(1));
  const order = descr[0]!;
  if (kind === undefined || !"<>|=".includes(order)) {
    const objects = descr.includes("O") ? ": object arrays are pickles, which are not run" : "";
    refuse(
      file,
      `the element type must be one of ${[...KINDS.keys()].join(", ")}, got ${quote(descr)}${objects}`,
    );
  }
  return { kind, bigEndian: order === ">" };
}

/** Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` and nothing else. */
class HeaderReader {
  #file: string;
  #text: string;
  #base: number;
  #at = 0;

  constructor(file: string, text: string, base: number) {
    this.#file = file;
    this.#text = text;
    this.#base = base;
  }

  read(): NpyHeader {
    const fields = new Map<string, string | boolean | number[]>();
    this.#need("{");
    while (!this.#take("}")) {
      const key = this.#string();
      if (fields.has(key)) this.#fail(`the key ${quote(key)} once`);
      this.#need(":");
      fields.set(key, this.#value(key));
      if (!this.#take(",")) {
        this.#need("}");
        break;
      }
    }
    this.#space();
    if (this.#at < this.#text.length) this.#fail("the end of the header");
    for (const key of ["descr", "fortran_order", "shape"]) {
      if (!fields.has(key)) refuse(this.#file, `the header must have the key ${quote(key)}`);
    }
    return {
      descr: fields.get("descr") as string,
      fortranOrder: fields.get("fortran_order") as boolean,
      shape: fields.get("shape") as number[],
    };
  }

  #value(key: string): string | boolean | number[] {
    switch (key) {
      case "descr":
        this.#space();
        if (this.#text[this.#at] === "[") {
          refuse(this.#file, "the element type must be a plain one, got a record of several fields");
        }
        return this.#string();
      case "fortran_order":
        if (this.#take("True")) return true;
        if (this.#take("False")) return false;
        return this.#fail("True or False");
      case "shape":
        return this.#shape();
      default:
        return this.#fail("no other key");
    }
  }

  #shape(): number[] {
    const shape: number[] = [];
    this.#need("(");
    while (!this.#take(")")) {
      shape.push(this.#size());
      if (!this.#take(",")) {
        this.#need(")");
        break;
      }
    }
    if (shape.length > MAX_RANK) this.#fail(`at most ${MAX_RANK} dimensions`);
    return shape;
  }

  #size(): number {
    this.#space();
    const digits = /^[0-9]{1,16}(?![0-9])/.exec(this.#text.slice(this.#at, this.#at + 24));
    const size = Number(digits?.[0]);
    if (!Number.isSafeInteger(size)) this.#fail("sizes that are whole, not negative and below 2^53");
    this.#at += digits![0].length;
    this.#take("L"); // Python 2 marks its long integers
    return size;
  }

  #string(): string {
    this.#space();
    const found = /^'([^'\\\n]*)'|^"([^"\\\n]*)"/.exec(this.#text.slice(this.#at, this.#at + 256));
    if (found === null) this.#fail("text in quotes");
    this.#at += found[0].length;
    return found[1] ?? found[2]!;
  }

  #space(): void {
    while (" \n\t".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #take(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #need(token: string): void {
    if (!this.#take(token)) this.#fail(quote(token));
  }

  #fail(expected: string): never {
    refuse(
      this.#file,
      `the header must have ${expected} at byte ${this.#base + this.#at}, got ${
        quote(this.#text.slice(this.#at, this.#at + 16))
      }`,
    );
  }
}
