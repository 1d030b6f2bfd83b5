/**
 * Writing pickles of protocol 2, the one that PyTorch's files use.
 *
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py for what each opcode does
 *
 * @module
 */

import { ArgumentTypeError, DType } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { TensorHandle } from "@flambeau/tensor/internal";

/** What the pickle refers to instead of holding it, by key. */
export interface StorageRef {
  /** The key in the archive. */
  readonly key: string;
  /** PyTorch's name of the class, such as `FloatStorage`. */
  readonly type: string;
  /** Number of elements. */
  readonly numel: number;
}

/**
 * The pickle of a value, as Python reads it: arrays as lists, maps and plain objects as dicts, whole numbers as integers.
 *
 * @param storageOf Tells which storage a tensor is a view of.
 * @throws {ArgumentTypeError} If a part of it cannot be saved; the message says where it is.
 */
export function pickle(value: unknown, storageOf: (tensor: Tensor) => StorageRef): Uint8Array {
  const writer = new Writer(storageOf);
  writer.text("\x80\x02");
  writer.value(value, "");
  writer.text(".");
  return writer.bytes();
}

class Writer {
  #out: Uint8Array = new Uint8Array(4096);
  #length = 0;
  #open: Set<object> = new Set();
  #storageOf: (tensor: Tensor) => StorageRef;

  constructor(storageOf: (tensor: Tensor) => StorageRef) {
    this.#storageOf = storageOf;
  }

  bytes(): Uint8Array {
    return this.#out.slice(0, this.#length);
  }

  /** Opcodes and names: characters below 256, one byte each. */
  text(latin1: string): void {
    this.#raw(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));
  }

  value(value: unknown, where: string): void {
    switch (typeof value) {
      case "boolean":
        return this.text(value ? "\x88" : "\x89");
      case "number":
        return this.#number(value);
      case "bigint":
        return this.#bigint(value);
      case "string":
        return this.#string(value);
      case "object":
        return value === null ? this.text("N") : this.#object(value, where);
      default:
        this.#refuse(where, `a ${typeof value}`);
    }
  }

  #raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#out.length) {
      const larger = new Uint8Array(Math.max(2 * this.#out.length, this.#length + bytes.length));
      larger.set(this.#out);
      this.#out = larger;
    }
    this.#out.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #uint32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#raw(bytes);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return this.#bigint(BigInt(value));
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, false);
    this.text("G");
    this.#raw(bytes);
  }

  /** An integer: of 4 bytes, or of as many as it needs, the lowest first. */
  #bigint(value: bigint): void {
    if (BigInt.asIntN(32, value) === value) {
      this.text("J");
      return this.#uint32(Number(BigInt.asUintN(32, value)));
    }
    const bytes: number[] = [];
    for (
      let rest = value;
      bytes.length === 0 || BigInt.asIntN(8 * bytes.length, value) !== value;
      rest >>= 8n
    ) {
      bytes.push(Number(rest & 255n));
    }
    this.text("\x8a");
    this.#raw(Uint8Array.of(bytes.length, ...bytes));
  }

  #string(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.text("X");
    this.#uint32(bytes.length);
    this.#raw(bytes);
  }

  #object(value: object, where: string): void {
    if (value instanceof TensorHandle) return this.#tensor(value as Tensor);
    if (value instanceof DType) return this.text(`ctorch\n${value.name}\n`);
    if (value instanceof Uint8Array) return this.#bytesObject(value);
    if (this.#open.has(value)) this.#refuse(where, "a part that holds itself");
    this.#open.add(value);
    if (Array.isArray(value)) {
      this.text("](");
      value.forEach((item, i) => this.value(item, `${where}[${i}]`));
      this.text("e");
    } else if (value instanceof Map) {
      this.#dict(value, where);
    } else if (value instanceof Set) {
      this.text("c__builtin__\nset\n](");
      for (const item of value) this.value(item, where);
      this.text("e\x85R");
    } else {
      const prototype = Object.getPrototypeOf(value);
      if (prototype !== null && prototype !== Object.prototype) {
        this.#refuse(where, `an object of class ${prototype.constructor?.name ?? "null"}`);
      }
      this.#dict(Object.entries(value).filter(([, item]) => item !== undefined), where);
    }
    this.#open.delete(value);
  }

  #dict(entries: Iterable<readonly [unknown, unknown]>, where: string): void {
    this.text("}(");
    for (const [key, item] of entries) {
      const there = where === "" ? String(key) : `${where}.${key}`;
      if (typeof key === "object" && key !== null) this.#refuse(there, "a key that is an object");
      this.value(key, there);
      this.value(item, there);
    }
    this.text("u");
  }

  #bytesObject(value: Uint8Array): void {
    this.text("c_codecs\nencode\n");
    this.#string(Array.from(value, (byte) => String.fromCharCode(byte)).join(""));
    this.#string("latin1");
    this.text("\x86R");
  }

  #tensor(x: Tensor): void {
    const { key, type, numel } = this.#storageOf(x);
    this.text("ctorch._utils\n_rebuild_tensor_v2\n((");
    this.#string("storage");
    this.text(`ctorch\n${type}\n`);
    this.#string(key);
    this.#string("cpu");
    this.#number(numel);
    this.text("tQ");
    this.#number(x.offset);
    this.#tuple(x.shape);
    this.#tuple(x.strides);
    this.text(x.requiresGrad ? "\x88" : "\x89");
    this.text("ccollections\nOrderedDict\n)RtR"); // no hooks
  }

  #tuple(numbers: readonly number[]): void {
    this.text("(");
    for (const n of numbers) this.#number(n);
    this.text("t");
  }

  #refuse(where: string, what: string): never {
    throw new ArgumentTypeError(
      `Cannot save ${
        where === "" ? "a value" : JSON.stringify(where)
      }: it must be made of tensors, numbers, text, bytes, ` +
        `arrays, maps and plain objects, got ${what}`,
    );
  }
}
