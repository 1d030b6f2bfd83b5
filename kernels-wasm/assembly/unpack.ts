/**
 * A small module of its own: it makes the kernels' bytes of the text that they are shipped as, and the build for engines
 * without the relaxed instructions of the one that has them. A loop in JavaScript takes ten times as long while it is cold.
 */

/** Where the caller puts all bytes, the most frequent first. */
// @ts-ignore: decorator
@inline
const ORDER: usize = 0;
/** Where it puts the rank of a character by its code. */
// @ts-ignore: decorator
@inline
const RANKS: usize = 256;
/** Numbers of parameters by function type, as many as there is room below the text. */
// @ts-ignore: decorator
@inline
const PARAMETERS: usize = 512;

// @ts-ignore: decorator
@inline
const LOCAL_GET: i32 = 0x20;
// @ts-ignore: decorator
@inline
const LOCAL_SET: i32 = 0x21;
// @ts-ignore: decorator
@inline
const VECTOR: i32 = 0xfd;
// @ts-ignore: decorator
@inline
const V128: i32 = 0x7b;
/** The first relaxed instruction: all after it are too. */
// @ts-ignore: decorator
@inline
const RELAXED: u32 = 0x100;
/** From here on: float32 added, subtracted, float64 added, subtracted. */
// @ts-ignore: decorator
@inline
const MULTIPLY_ADD: u32 = 0x105;
// @ts-ignore: decorator
@inline
const AFTER_MULTIPLY_ADD: u32 = 0x109;

/** What is read next. */
let at: usize = 0;
/** Where the next byte goes. */
let out: usize = 0;
/** Whether a relaxed instruction was met that nothing stands for. */
let lost: bool = false;

/**
 * Makes bytes of the characters from `from` to `end`, in place; answers where they end. The first `singles` characters by
 * rank are a byte each, all others begin pairs of `all` characters.
 */
export function unpack(from: usize, end: usize, singles: i32, all: i32): usize {
  let o = from;
  while (from < end) {
    let rank: i32 = load<u8>(RANKS + load<u8>(from++));
    if (rank >= singles) rank = singles + (rank - singles) * all + load<u8>(RANKS + load<u8>(from++));
    store<u8>(o++, load<u8>(ORDER + rank));
  }
  return o;
}

/**
 * Writes the module from `from` to `end` to `to` without relaxed instructions: a × b + c becomes a product and a sum. Answers
 * where it ends, or 0 if it has other relaxed instructions.
 */
export function plain(from: usize, end: usize, to: usize): usize {
  lost = false;
  out = to;
  copy(from, from + 8);
  at = from + 8;
  let functions: usize = 0; // the function types of the functions that follow
  while (at < end) {
    const begin = at;
    const id = load<u8>(at++);
    const size = readNumber();
    const next = at + size;
    if (id === 10) {
      put(id);
      const start = out;
      out += 5;
      putNumber(readNumber());
      while (at < next) {
        const code = at;
        at = functions;
        const type = readNumber();
        functions = at;
        at = code;
        plainFunction(load<u8>(PARAMETERS + type));
      }
      close(start);
    } else {
      if (id === 1) noteParameters();
      else if (id === 3) {
        readNumber();
        functions = at;
      }
      copy(begin, next);
    }
    at = next;
  }
  return lost ? 0 : out;
}

/** Notes how many parameters the types of a section have. */
function noteParameters(): void {
  const count = readNumber();
  for (let i: u32 = 0; i < count; i++) {
    at++;
    const parameters = readNumber();
    store<u8>(PARAMETERS + i, parameters);
    at += parameters;
    const results = readNumber();
    at += results;
  }
}

/** Writes a function that has so many parameters. */
function plainFunction(parameters: u32): void {
  const begin = at;
  const size = readNumber();
  const end = at + size;
  const groups = readNumber();
  const locals = at;
  let free = parameters;
  for (let i: u32 = 0; i < groups; i++) {
    free += readNumber();
    at++;
  }
  const start = out;
  let from = at; // what has not been written yet
  let got: usize = 0; // where the instruction before begins, if it reads a local
  let changed = false;
  while (at < end) {
    const first = at;
    const vector = passInstruction();
    if (vector < RELAXED) {
      got = load<u8>(first) === LOCAL_GET ? first : 0;
      continue;
    }
    if (!changed) {
      changed = true;
      out += 5;
      putNumber(groups + 1);
      copy(locals, from);
      put(2);
      put(V128);
    }
    if (got && isMultiplyAdd(vector) && !((vector - MULTIPLY_ADD) & 1)) {
      copy(from, got);
      putVector(productOf(vector));
      copy(got, first);
      putVector(sumOf(vector));
    } else {
      copy(from, first);
      putPlain(vector, free);
    }
    from = at;
    got = 0;
  }
  if (changed) {
    copy(from, end);
    close(start);
  } else copy(begin, end);
}

// @ts-ignore: decorator
@inline
function isMultiplyAdd(relaxed: u32): bool {
  return relaxed >= MULTIPLY_ADD && relaxed < AFTER_MULTIPLY_ADD;
}

/** The plain instruction of the same operands, or 0. */
function sameAs(relaxed: u32): i32 {
  if (relaxed === 0x100) return 0x0e; // swizzle
  if (relaxed <= 0x102) return 0xf8 + relaxed - 0x101; // float32 to integers, which saturate
  if (relaxed <= 0x104) return 0xfc + relaxed - 0x103; // float64 likewise
  if (relaxed >= 0x109 && relaxed <= 0x10c) return 0x52; // lanes by the bits of a mask
  return 0;
}

// @ts-ignore: decorator
@inline
function productOf(relaxed: u32): i32 {
  return relaxed < MULTIPLY_ADD + 2 ? 0xe6 : 0xf2;
}

/** Sum or difference. */
// @ts-ignore: decorator
@inline
function sumOf(relaxed: u32): i32 {
  return productOf(relaxed) - 2 + ((relaxed - MULTIPLY_ADD) & 1);
}

/** What stands for a relaxed instruction. The local number `free` and the next are its own. */
function putPlain(relaxed: u32, free: u32): void {
  if (!isMultiplyAdd(relaxed)) {
    const same = sameAs(relaxed);
    if (same === 0) lost = true;
    putVector(same);
    return;
  }
  putLocal(LOCAL_SET, free);
  putVector(productOf(relaxed));
  if ((relaxed - MULTIPLY_ADD) & 1) {
    putLocal(LOCAL_SET, free + 1);
    putLocal(LOCAL_GET, free);
    putLocal(LOCAL_GET, free + 1);
  } else putLocal(LOCAL_GET, free);
  putVector(sumOf(relaxed));
}

/** Passes over an instruction. Answers its number if it is one of vectors, else 0. */
function passInstruction(): u32 {
  const code: i32 = load<u8>(at++);
  if (code === VECTOR) {
    const vector = readNumber();
    if (vector <= 11 || vector === 92 || vector === 93) skip(2);
    else if (vector <= 13) at += 16;
    else if (vector >= 21 && vector <= 34) at++;
    else if (vector >= 84 && vector <= 91) {
      skip(2);
      at++;
    }
    return vector;
  }
  if (code >= 0x20 && code <= 0x26) skip(1); // locals, globals, tables
  else if (code >= 0x28 && code <= 0x3e) skip(2); // memory
  else if (code === 0x41 || code === 0x42 || code === 0x3f || code === 0x40) skip(1); // integers, the size of memory
  else if (code === 0x43) at += 4;
  else if (code === 0x44) at += 8;
  else if (code >= 0x02 && code <= 0x04) skip(1); // blocks
  else if (code === 0x0c || code === 0x0d || code === 0x10) skip(1); // branches, calls
  else if (code === 0x0e) skip(readNumber() + 1);
  else if (code === 0x11) skip(2);
  else if (code === 0x1c) skip(readNumber());
  else if (code === 0xfc) {
    const bulk = readNumber();
    if (bulk === 10) skip(2); // memory.copy
    else if (bulk === 11) skip(1); // memory.fill
    else if (bulk > 7) lost = true;
  }
  return 0;
}

/** An unsigned number of variable length. */
function readNumber(): u32 {
  let byte: u32 = load<u8>(at++);
  let value = byte & 127;
  for (let shift: u32 = 7; byte > 127; shift += 7) {
    byte = load<u8>(at++);
    value |= (byte & 127) << shift;
  }
  return value;
}

/** Passes over `count` numbers, signed or not. */
function skip(count: u32): void {
  for (; count > 0; count--) while (load<u8>(at++) >= 128);
}

function put(byte: i32): void {
  store<u8>(out++, byte);
}

function putNumber(value: u32): void {
  for (; value > 127; value >>= 7) put((value & 127) | 128);
  put(value);
}

function putVector(code: i32): void {
  put(VECTOR);
  putNumber(code);
}

function putLocal(code: i32, local: u32): void {
  put(code);
  putNumber(local);
}

/** Adds what lies from `from` to `end`. */
function copy(from: usize, end: usize): void {
  memory.copy(out, from, end - from);
  out += end - from;
}

/** Puts its length before what was written from `start` + 5 on. */
function close(start: usize): void {
  const from = start + 5;
  const end = out;
  out = start;
  putNumber(<u32>(end - from));
  copy(from, end);
}
