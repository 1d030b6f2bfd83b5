/**
 * Writing zip archives without compression, with the content of each record at a multiple of 64 bytes, as PyTorch wants it
 * for mapping files into memory.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { crc32 } from "./zip.ts";

/** A record to write. */
export interface ZipRecord {
  /** Its name, of ASCII characters. */
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Gives the content, when its turn comes. */
  content(): Promise<Uint8Array>;
}

const ALIGNMENT = 64;
const MAX_BYTES = 0xffffffff;
/** The first of January 1980, which zip files count from: the same content gives the same file. */
const DATE = 0x21;
const VERSION = 20;

/**
 * An archive piece by piece.
 *
 * @throws {ValueError} At the call, if it would be 4 GiB or more.
 */
export function zipPieces(records: readonly ZipRecord[]): AsyncIterable<Uint8Array> {
  const total = records.reduce(
    (sum, { name, size }) => sum + size + 2 * name.length + 76 + ALIGNMENT + 4,
    22,
  );
  if (total > MAX_BYTES) {
    throw new ValueError(
      `Cannot save ${total} bytes as a .pt file: it must be smaller than 4 GiB, a safetensors file may be larger`,
    );
  }
  return pieces(records);
}

async function* pieces(records: readonly ZipRecord[]): AsyncGenerator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content } of records) {
    const bytes = await content();
    const fields = fieldsOf(bytes);
    const header = localHeader(name, fields, at);
    directory.push(centralHeader(name, fields, at));
    yield header;
    yield bytes;
    at += header.length + bytes.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  yield* directory;
  yield endOfDirectory(records.length, size, at);
}

/** What the two headers of a record have in common, from the version on: 26 bytes. */
function fieldsOf(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(26);
  const view = new DataView(out.buffer);
  view.setUint16(0, VERSION, true);
  view.setUint16(8, DATE, true);
  view.setUint32(10, crc32(bytes), true);
  view.setUint32(14, bytes.length, true);
  view.setUint32(18, bytes.length, true);
  return out;
}

/** The header before the content, with an extra field that fills up to the alignment. */
function localHeader(name: string, fields: Uint8Array, at: number): Uint8Array {
  const start = at + 30 + name.length + 4;
  const fill = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
  const out = new Uint8Array(30 + name.length + 4 + fill);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x04034b50, true);
  out.set(fields, 4);
  view.setUint16(26, name.length, true);
  view.setUint16(28, 4 + fill, true);
  out.set(new TextEncoder().encode(name), 30);
  view.setUint16(30 + name.length, 0x4246, true); // "FB", as PyTorch's own writer marks it
  view.setUint16(32 + name.length, fill, true);
  return out;
}

function centralHeader(name: string, fields: Uint8Array, at: number): Uint8Array {
  const out = new Uint8Array(46 + name.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, VERSION, true);
  out.set(fields, 6);
  view.setUint16(28, name.length, true);
  view.setUint32(42, at, true);
  out.set(new TextEncoder().encode(name), 46);
  return out;
}

function endOfDirectory(count: number, size: number, at: number): Uint8Array {
  const out = new Uint8Array(22);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, size, true);
  view.setUint32(16, at, true);
  return out;
}
