/**
 * A pickle reader that runs nothing: the pickle machine with a closed list of names.
 *
 * Pickle is a program for a stack machine that may call any Python function. Here a name in a file only selects a row of
 * the table that the caller gives; any other is refused. Nothing is allocated by a length before the file is known to
 * have that many bytes, and nesting costs no recursion.
 *
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py for what each opcode does
 *
 * @module
 */

import type { DType } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { quote, refuse } from "../refuse.ts";

/**
 * What a file of `torch.save` can hold. Lists, tuples and `torch.Size` are arrays, dicts are maps, devices are strings;
 * an integer beyond 2^53 is a bigint.
 */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | DType
  | Tensor
  | TorchValue[]
  | Map<TorchKey, TorchValue>
  | Set<TorchKey>;

/** What the keys of a dict can be. */
export type TorchKey = null | boolean | number | bigint | string;

/** Refuses the file, with the byte of the pickle that is being read. */
export type Fail = (why: string) => never;

/** A function or class that a file may name. */
export class Callable {
  /** Its name in Python, with the module. */
  readonly name: string;
  /** What it gives for the arguments in the file. `fail` refuses the file. */
  readonly call: (args: readonly unknown[], fail: Fail) => unknown;

  /** @param name Its name in Python, with the module. */
  constructor(name: string, call: Callable["call"]) {
    this.name = name;
    this.call = call;
  }
}

/** The world of a pickle: all that a file can reach. */
export interface PickleWorld {
  /** What a name such as `collections.OrderedDict` stands for; undefined when it is not allowed. */
  find(name: string, fail: Fail): unknown;
  /** The object that a file describes by an id instead of holding it. */
  persistent(id: unknown, fail: Fail): unknown;
}

const MARK: unique symbol = Symbol("mark");
const MAX_INTEGER_CHARACTERS = 1000;

/**
 * Runs the pickle that begins at byte `start`.
 *
 * @param file What is being loaded, for messages.
 * @returns The object, and the byte behind the pickle.
 * @throws {FormatError} If it is damaged or asks for what it may not have; the message says at which byte.
 */
export function unpickle(
  file: string,
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
): { value: unknown; end: number } {
  const machine = new Machine(file, bytes, start, world);
  const value = machine.run();
  return { value, end: machine.at };
}

class Machine {
  /** The next byte to read. */
  at: number;
  #file: string;
  #bytes: Uint8Array;
  #view: DataView;
  #world: PickleWorld;
  #stack: unknown[] = [];
  #memo: Map<number, unknown> = new Map();
  /** Where the opcode that runs stands. */
  #opcodeAt = 0;
  #fail: Fail = (why) => refuse(this.#file, `${why}, at byte ${this.#opcodeAt} of the pickle`);

  constructor(file: string, bytes: Uint8Array, start: number, world: PickleWorld) {
    this.#file = file;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.#world = world;
  }

  run(): unknown {
    for (;;) {
      this.#opcodeAt = this.at;
      const code = this.#byte();
      if (code === STOP) return this.#pop();
      const step = OPCODES[code];
      if (step === undefined) {
        this.#fail(`every opcode must be known, got 0x${code.toString(16).padStart(2, "0")}`);
      }
      step.call(this);
    }
  }

  // The next bytes of the pickle.

  #take(count: number): number {
    if (count > this.#bytes.length - this.at) {
      this.#fail(`the pickle must go on for ${count} bytes, got ${this.#bytes.length - this.at}`);
    }
    const at = this.at;
    this.at += count;
    return at;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A 64-bit length; one beyond 2^53 is beyond every file too. */
  #length64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  #raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  #text(count: number): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#raw(count));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) this.#fail("a line must end");
    const line = this.#text(end - this.at);
    this.at = end + 1;
    return line;
  }

  // The stack.

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #pop(): unknown {
    if (this.#stack.length === 0) this.#fail("the stack must hold a value, got an empty one");
    const value = this.#stack.pop();
    if (value === MARK) this.#fail("the stack must hold a value, got a mark");
    return value;
  }

  #top(): unknown {
    const value = this.#pop();
    this.#push(value);
    return value;
  }

  #popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.#fail("the stack must hold a mark");
    const values = this.#stack.splice(mark);
    values.shift();
    return values;
  }

  #popTuple(count: number): void {
    const out: unknown[] = [];
    for (let i = 0; i < count; i++) out.unshift(this.#pop());
    this.#push(out);
  }

  #list(): unknown[] {
    const list = this.#top();
    if (!Array.isArray(list)) this.#fail("there must be a list to append to");
    return list;
  }

  #setItems(items: readonly unknown[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map)) this.#fail("there must be a dict to set items of");
    if (items.length % 2 !== 0) this.#fail("every key must have a value");
    for (let i = 0; i < items.length; i += 2) dict.set(this.#key(items[i]), items[i + 1]);
  }

  #addItems(set: unknown, items: readonly unknown[]): void {
    if (!(set instanceof Set)) this.#fail("there must be a set to add to");
    for (const item of items) set.add(this.#key(item));
  }

  #key(value: unknown): TorchKey {
    if (value !== null && typeof value === "object" || value === undefined) {
      this.#fail("keys must be text, numbers, booleans or None, got an object");
    }
    return value as TorchKey;
  }

  #remember(key: number): void {
    this.#memo.set(key, this.#top());
  }

  #recall(key: number): void {
    if (!this.#memo.has(key)) this.#fail(`memo entry ${key} must have been stored before`);
    this.#push(this.#memo.get(key));
  }

  // Objects.

  #global(name: string): void {
    const found = this.#world.find(name, this.#fail);
    if (found === undefined) {
      this.#fail(
        `it must hold only tensors, numbers, text, lists and dicts, such as a state_dict(); the name ${
          quote(name)
        } ` +
          "is not allowed",
      );
    }
    this.#push(found);
  }

  #call(args: unknown, callable: unknown): void {
    if (!(callable instanceof Callable)) this.#fail("there must be a function to call");
    if (!Array.isArray(args)) this.#fail(`${callable.name} must be called with a tuple`);
    this.#push(callable.call(args, this.#fail));
  }

  /** The attributes of an object. Only dicts may have some (`_metadata` of a state dict), and they say nothing here. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) this.#fail("only dicts may have attributes");
  }

  #integer(text: string): number | bigint {
    const digits = text.replace(/L?$/, "");
    if (digits.length > MAX_INTEGER_CHARACTERS || !/^-?[0-9]+$/.test(digits)) {
      this.#fail(
        `a number must be a whole one of at most ${MAX_INTEGER_CHARACTERS} digits, got ${quote(text)}`,
      );
    }
    return narrow(BigInt(digits));
  }

  #long(count: number): number | bigint {
    const raw = this.#raw(count);
    if (count > MAX_INTEGER_CHARACTERS) this.#fail(`integers must be short, got ${count} bytes`);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = value << 8n | BigInt(raw[i]!);
    return narrow(BigInt.asIntN(8 * count, value));
  }

  #float(): number {
    const text = this.#line().trim();
    const value = text === "nan"
      ? NaN
      : /^[+-]?inf$/.test(text)
      ? Number(text.replace("inf", "Infinity"))
      : Number(text);
    if (text === "" || Number.isNaN(value) && text !== "nan") {
      this.#fail(`a float must be a number, got ${quote(text)}`);
    }
    return value;
  }

  /** What each opcode does, by its byte. */
  static opcodes(): readonly ((this: Machine) => void)[] {
    const table: ((this: Machine) => void)[] = [];
    const on = (code: string | number, step: (this: Machine) => void): void => {
      table[typeof code === "number" ? code : code.charCodeAt(0)] = step;
    };
    // Protocol and frames: hints only.
    on(0x80, function () {
      const protocol = this.#byte();
      if (protocol > 5) this.#fail(`the pickle protocol must be at most 5, got ${protocol}`);
    });
    on(0x95, function () {
      const length = this.#length64();
      if (length > this.#bytes.length - this.at) {
        this.#fail(`a frame must end within the file, got ${length} bytes`);
      }
    });
    // Constants and numbers.
    on("N", function () {
      this.#push(null);
    });
    on(0x88, function () {
      this.#push(true);
    });
    on(0x89, function () {
      this.#push(false);
    });
    on("I", function () {
      const line = this.#line();
      this.#push(line === "01" ? true : line === "00" ? false : this.#integer(line));
    });
    on("J", function () {
      this.#push(this.#view.getInt32(this.#take(4), true));
    });
    on("K", function () {
      this.#push(this.#byte());
    });
    on("M", function () {
      this.#push(this.#view.getUint16(this.#take(2), true));
    });
    on("L", function () {
      this.#push(this.#integer(this.#line()));
    });
    on(0x8a, function () {
      this.#push(this.#long(this.#byte()));
    });
    on(0x8b, function () {
      this.#push(this.#long(this.#uint32()));
    });
    on("F", function () {
      this.#push(this.#float());
    });
    on("G", function () {
      this.#push(this.#view.getFloat64(this.#take(8), false));
    });
    // Text and bytes.
    on("X", function () {
      this.#push(this.#text(this.#uint32()));
    });
    on(0x8c, function () {
      this.#push(this.#text(this.#byte()));
    });
    on(0x8d, function () {
      this.#push(this.#text(this.#length64()));
    });
    on("T", function () {
      this.#push(this.#text(this.#uint32()));
    });
    on("U", function () {
      this.#push(this.#text(this.#byte()));
    });
    on("B", function () {
      this.#push(new Uint8Array(this.#raw(this.#uint32())));
    });
    on("C", function () {
      this.#push(new Uint8Array(this.#raw(this.#byte())));
    });
    on(0x8e, function () {
      this.#push(new Uint8Array(this.#raw(this.#length64())));
    });
    on(0x96, function () {
      this.#push(new Uint8Array(this.#raw(this.#length64())));
    });
    // Lists, tuples, dicts, sets.
    on("]", function () {
      this.#push([]);
    });
    on("a", function () {
      const value = this.#pop();
      this.#list().push(value);
    });
    on("e", function () {
      const values = this.#popToMark();
      const list = this.#list();
      for (const value of values) list.push(value);
    });
    on("l", function () {
      this.#push(this.#popToMark());
    });
    on(")", function () {
      this.#push([]);
    });
    on("t", function () {
      this.#push(this.#popToMark());
    });
    on(0x85, function () {
      this.#popTuple(1);
    });
    on(0x86, function () {
      this.#popTuple(2);
    });
    on(0x87, function () {
      this.#popTuple(3);
    });
    on("}", function () {
      this.#push(new Map());
    });
    on("d", function () {
      const items = this.#popToMark();
      this.#push(new Map());
      this.#setItems(items);
    });
    on("s", function () {
      const value = this.#pop();
      const key = this.#pop();
      this.#setItems([key, value]);
    });
    on("u", function () {
      const items = this.#popToMark();
      this.#setItems(items);
    });
    on(0x8f, function () {
      this.#push(new Set());
    });
    on(0x90, function () {
      const items = this.#popToMark();
      this.#addItems(this.#top(), items);
    });
    on(0x91, function () {
      const items = this.#popToMark();
      const set = new Set();
      this.#addItems(set, items);
      this.#push(set);
    });
    // The stack and the memo.
    on("0", function () {
      this.#pop();
    });
    on("2", function () {
      this.#push(this.#top());
    });
    on("(", function () {
      this.#push(MARK);
    });
    on("1", function () {
      this.#popToMark();
    });
    on("g", function () {
      this.#recall(Number(this.#integer(this.#line())));
    });
    on("h", function () {
      this.#recall(this.#byte());
    });
    on("j", function () {
      this.#recall(this.#uint32());
    });
    on("p", function () {
      this.#remember(Number(this.#integer(this.#line())));
    });
    on("q", function () {
      this.#remember(this.#byte());
    });
    on("r", function () {
      this.#remember(this.#uint32());
    });
    on(0x94, function () {
      this.#remember(this.#memo.size);
    });
    // Names, calls and what stands outside of the pickle.
    on("c", function () {
      const module = this.#line();
      this.#global(`${module}.${this.#line()}`);
    });
    on(0x93, function () {
      const name = this.#pop();
      const module = this.#pop();
      if (typeof name !== "string" || typeof module !== "string") this.#fail("a name must be text");
      this.#global(`${module}.${name}`);
    });
    on("R", function () {
      const args = this.#pop();
      this.#call(args, this.#pop());
    });
    on(0x81, function () {
      const args = this.#pop();
      this.#call(args, this.#pop());
    });
    on("b", function () {
      this.#build();
    });
    on("Q", function () {
      this.#push(this.#world.persistent(this.#pop(), this.#fail));
    });
    return table;
  }
}

const STOP = 0x2e;
const OPCODES = Machine.opcodes();

/** A number where it is exact, else a bigint. */
function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
