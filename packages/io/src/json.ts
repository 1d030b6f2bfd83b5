/**
 * A JSON reader for headers of files that nobody vouches for.
 *
 * Unlike `JSON.parse` it refuses duplicate keys, bounds the nesting, keeps objects as maps (so that no key is special),
 * and says at which byte it stopped.
 *
 * @module
 */

import { quote, refuse } from "./refuse.ts";

/** What JSON text stands for; objects are maps in the order of the text. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonMap;

/** A JSON object. */
export type JsonMap = Map<string, JsonValue>;

const MAX_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/**
 * Reads one JSON value; only spaces may follow it.
 *
 * @param file What is being loaded, for messages.
 * @param bytes UTF-8 text.
 * @param base Where `bytes` begins in the file, for messages.
 * @throws {FormatError} If the text is not UTF-8, not JSON, repeats a key or is nested too deep.
 */
export function parseJson(file: string, bytes: Uint8Array, base: number): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    refuse(file, `the header at byte ${base} must be UTF-8 text, got other bytes`);
  }
  return new Reader(file, text, base).document();
}

class Reader {
  #file: string;
  #text: string;
  #base: number;
  #at = 0;

  constructor(file: string, text: string, base: number) {
    this.#file = file;
    this.#text = text;
    this.#base = base;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("the JSON header must end here");
    return value;
  }

  #fail(expected: string): never {
    const byte = this.#base + new TextEncoder().encode(this.#text.slice(0, this.#at)).length;
    const got = this.#at < this.#text.length ? quote(this.#text.slice(this.#at, this.#at + 12)) : "its end";
    refuse(this.#file, `${expected} at byte ${byte}, got ${got}`);
  }

  #space(): void {
    for (;; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    }
  }

  #take(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) this.#fail(`the JSON header must not nest deeper than ${MAX_DEPTH} levels`);
    if (this.#take("{")) return this.#object(depth + 1);
    if (this.#take("[")) return this.#array(depth + 1);
    if (this.#text[this.#at] === '"') return this.#string();
    if (this.#take("true")) return true;
    if (this.#take("false")) return false;
    if (this.#take("null")) return null;
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text);
    if (number === null) this.#fail("the header must be JSON");
    this.#at += number[0].length;
    return Number(number[0]);
  }

  #object(depth: number): JsonMap {
    const out: JsonMap = new Map();
    if (this.#take("}")) return out;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail("a JSON object must have a key");
      const start = this.#at;
      const key = this.#string();
      if (out.has(key)) {
        this.#at = start;
        this.#fail(`keys must be unique, the key ${quote(key)} is repeated`);
      }
      if (!this.#take(":")) this.#fail(`a colon must follow the key ${quote(key)}`);
      out.set(key, this.#value(depth));
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail("a JSON object must end or go on");
    return out;
  }

  #array(depth: number): JsonValue[] {
    const out: JsonValue[] = [];
    if (this.#take("]")) return out;
    do out.push(this.#value(depth)); while (this.#take(","));
    if (!this.#take("]")) this.#fail("a JSON array must end or go on");
    return out;
  }

  #string(): string {
    const start = this.#at;
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === 0x5c) this.#at++;
      else if (c === 0x22) {
        this.#at++;
        try {
          return JSON.parse(this.#text.slice(start, this.#at)) as string;
        } catch {
          break; // a control character or an unknown escape
        }
      }
    }
    this.#at = start;
    this.#fail("a JSON string must be well formed");
  }
}
