/**
 * How the kernels become text in a module, so that they need no file, no permission and no wait, and bytes again.
 *
 * Every byte is one or two printable characters: the frequent ones have a character of their own, all others begin with one
 * of two that say which. So text keeps the bytes' boundaries, and becomes as small as the bytes themselves where a server
 * compresses; base64, which does not, takes 40 % more then.
 *
 * @module
 */

import { DeviceError } from "@flambeau/core";

/** A module as text. */
export interface PackedModule {
  /** A module in hexadecimal digits that unpacks this one: `assembly/unpack.ts`. */
  readonly unpacker: string;
  /** All 256 bytes in hexadecimal digits, the most frequent first. */
  readonly order: string;
  /** The bytes of the module. */
  readonly text: string;
}

/** What is printable and means nothing in literals, templates and HTML. */
const CHARACTERS =
  ` !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~`;
/** All but the last are a byte each; these begin pairs. */
const SINGLES = CHARACTERS.length - 2;

/** Where `assembly/unpack.ts` wants the ranks of characters, and where its tables end. */
const RANKS = 256;
const TABLES = 1024;

/** Bytes as hexadecimal digits. */
function toHex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Writes a module as text. */
export function pack(module: Uint8Array, unpacker: Uint8Array): PackedModule {
  const counts = new Uint32Array(256);
  for (const byte of module) counts[byte]!++;
  const order = Array.from(counts, (_, byte) => byte).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const words: string[] = [];
  order.forEach((byte, rank) => {
    const pair = rank - SINGLES;
    words[byte] = pair < 0
      ? CHARACTERS[rank]!
      : CHARACTERS[SINGLES + Math.floor(pair / CHARACTERS.length)]! + CHARACTERS[pair % CHARACTERS.length]!;
  });
  return {
    unpacker: toHex(unpacker),
    order: toHex(order),
    text: Array.from(module, (byte) => words[byte]!).join(""),
  };
}

interface Unpacker {
  readonly unpack: (from: number, end: number, singles: number, all: number) => number;
  readonly plain: (from: number, end: number, to: number) => number;
}

/**
 * The bytes of a module: as they are where `relaxed`, else with a product and a sum for every `a × b + c`, for engines
 * without the relaxed instructions. They lie in memory of their own.
 *
 * @throws {DeviceError} If the module has relaxed instructions that no plain ones stand for.
 */
export function unpack({ unpacker, order, text }: PackedModule, relaxed: boolean): Uint8Array<ArrayBuffer> {
  // Plain instructions take up to four times as much as relaxed ones, but most of a module is something else.
  const memory = new WebAssembly.Memory({ initial: ((TABLES + 3 * text.length) >>> 16) + 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(fromHex(unpacker)), { env: { memory } });
  const { unpack, plain } = instance.exports as unknown as Unpacker;
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(fromHex(order));
  for (let i = 0; i < CHARACTERS.length; i++) bytes[RANKS + CHARACTERS.charCodeAt(i)] = i;
  new TextEncoder().encodeInto(text, bytes.subarray(TABLES));
  const end = unpack(TABLES, TABLES + text.length, SINGLES, CHARACTERS.length);
  if (relaxed) return bytes.subarray(TABLES, end);
  const to = TABLES + text.length;
  const last = plain(TABLES, end, to);
  if (last === 0) {
    throw new DeviceError(`Cannot start the "cpu" kernels: relaxed instructions must have a plain form`);
  }
  return bytes.subarray(to, last);
}
