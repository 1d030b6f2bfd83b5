/**
 * Reading zip archives: what PyTorch's `.pt` and NumPy's `.npz` files are.
 *
 * The central directory at the end is the only list that counts. Every record is held to the file's size before anything
 * is allocated, stored and deflated records are taken, and checksums must match. Zip64 is understood; encryption and
 * archives in several parts are not.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 *
 * @module
 */

import { quote, refuse } from "./refuse.ts";

/** One record of an archive. */
export interface ZipEntry {
  /** Its name, with forward slashes. It is only compared, never used as a path. */
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  /** 0: stored; 8: deflated. */
  readonly method: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Byte of the file at which the local header stands. */
  readonly offset: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const END64_LOCATOR = 0x07064b50;
const END64_LOCATOR_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
/** The most that deflate can shrink anything: 1032 to 1. */
const MAX_DEFLATE_RATIO = 1032;

/** True for bytes that begin as a zip archive does: with a record, or with the end of an empty one. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b &&
    (bytes[2] === 3 && bytes[3] === 4 || bytes[2] === 5 && bytes[3] === 6);
}

/** A zip archive in memory. */
export class Zip {
  /** The records by name, in the order of the central directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  #file: string;
  #bytes: Uint8Array;
  #view: DataView;

  /**
   * Reads the central directory.
   *
   * @param file What is being loaded, for messages.
   * @throws {FormatError} If there is none, or it points outside the file.
   */
  constructor(file: string, bytes: Uint8Array) {
    this.#file = file;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.entries = this.#directory();
  }

  /**
   * The content of a record that is stored as it is; a view of the archive.
   *
   * @throws {FormatError} If it is deflated, lies outside the file or its checksum is wrong.
   */
  stored(entry: ZipEntry): Uint8Array {
    if (entry.method !== STORED) {
      refuse(
        this.#file,
        `record ${quote(entry.name)} must be stored, got compression method ${entry.method}`,
      );
    }
    return this.#checked(entry, this.#packed(entry));
  }

  /**
   * The content of a record.
   *
   * @throws {FormatError} If it lies outside the file, does not inflate to its size or its checksum is wrong.
   */
  async read(entry: ZipEntry): Promise<Uint8Array> {
    if (entry.method === STORED) return this.stored(entry);
    if (entry.method !== DEFLATED) {
      refuse(
        this.#file,
        `record ${quote(entry.name)} must be stored or deflated, got compression method ${entry.method}`,
      );
    }
    return this.#checked(entry, await this.#inflate(entry));
  }

  #directory(): Map<string, ZipEntry> {
    const { at, count, size } = this.#end();
    const stop = at + size;
    const entries = new Map<string, ZipEntry>();
    for (let i = 0, p = at; i < count; i++) {
      if (p + 46 > stop || this.#view.getUint32(p, true) !== CENTRAL) {
        refuse(this.#file, `the central directory must have ${count} records, got ${i} up to byte ${p}`);
      }
      const nameLength = this.#view.getUint16(p + 28, true);
      const extraLength = this.#view.getUint16(p + 30, true);
      const next = p + 46 + nameLength + extraLength + this.#view.getUint16(p + 32, true);
      if (next > stop) refuse(this.#file, `record ${i} at byte ${p} must lie within the central directory`);
      const entry = this.#entry(p, nameLength, extraLength);
      if (entries.has(entry.name)) {
        refuse(
          this.#file,
          `records must have different names, ${quote(entry.name)} is repeated at byte ${p}`,
        );
      }
      entries.set(entry.name, entry);
      p = next;
    }
    return entries;
  }

  #entry(p: number, nameLength: number, extraLength: number): ZipEntry {
    const view = this.#view;
    const name = new TextDecoder().decode(this.#bytes.subarray(p + 46, p + 46 + nameLength));
    if ((view.getUint16(p + 8, true) & 1) !== 0) {
      refuse(this.#file, `record ${quote(name)} is encrypted, which is not supported`);
    }
    const sizes = [view.getUint32(p + 24, true), view.getUint32(p + 20, true), view.getUint32(p + 42, true)];
    this.#widen(name, sizes, p + 46 + nameLength, extraLength);
    const [size, packedSize, offset] = sizes as [number, number, number];
    return {
      name,
      size,
      packedSize,
      method: view.getUint16(p + 10, true),
      crc: view.getUint32(p + 16, true),
      offset,
    };
  }

  /** Takes 64-bit sizes from the extra field with id 1, in the order of `sizes`, for those that say so. */
  #widen(name: string, sizes: number[], from: number, length: number): void {
    if (!sizes.includes(IN_ZIP64_32)) return;
    for (let p = from; p + 4 <= from + length;) {
      const id = this.#view.getUint16(p, true);
      const end = p + 4 + this.#view.getUint16(p + 2, true);
      if (id === 1) {
        let at = p + 4;
        for (let i = 0; i < sizes.length; i++) {
          if (sizes[i] !== IN_ZIP64_32) continue;
          if (at + 8 > Math.min(end, from + length)) break;
          sizes[i] = this.#uint64(at);
          at += 8;
        }
        return;
      }
      p = end;
    }
    refuse(this.#file, `record ${quote(name)} must have its 64-bit sizes`);
  }

  #end(): { at: number; count: number; size: number } {
    const { length } = this.#bytes;
    const view = this.#view;
    const lowest = Math.max(0, length - END_BYTES - MAX_COMMENT_BYTES);
    for (let p = length - END_BYTES; p >= lowest; p--) {
      if (view.getUint32(p, true) !== END) continue;
      if (p + END_BYTES + view.getUint16(p + 20, true) !== length) continue;
      let count = view.getUint16(p + 10, true);
      let size = view.getUint32(p + 12, true);
      let at = view.getUint32(p + 16, true);
      let stop = p;
      if (count === IN_ZIP64_16 || size === IN_ZIP64_32 || at === IN_ZIP64_32) {
        ({ count, size, at, stop } = this.#end64(p));
      }
      if (at + size > stop) {
        refuse(
          this.#file,
          `the central directory must lie before its end at byte ${stop}, got ${size} bytes at byte ${at}`,
        );
      }
      return { at, count, size };
    }
    refuse(
      this.#file,
      `a zip archive must end with its central directory, got none in ${length} bytes: the file is truncated or damaged`,
    );
  }

  #end64(p: number): { at: number; count: number; size: number; stop: number } {
    const locator = p - END64_LOCATOR_BYTES;
    const stop = locator >= 0 && this.#view.getUint32(locator, true) === END64_LOCATOR
      ? this.#uint64(locator + 8)
      : -1;
    if (stop < 0 || stop + END64_BYTES > locator || this.#view.getUint32(stop, true) !== END64) {
      refuse(this.#file, `the 64-bit end of the central directory must stand before byte ${p}`);
    }
    const [count, size, at] = [this.#uint64(stop + 32), this.#uint64(stop + 40), this.#uint64(stop + 48)];
    return { at, count, size, stop };
  }

  #uint64(p: number): number {
    const value = this.#view.getBigUint64(p, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      refuse(this.#file, `sizes must be below 2^53, got ${value} at byte ${p}`);
    }
    return Number(value);
  }

  #packed(entry: ZipEntry): Uint8Array {
    const { name, offset, packedSize } = entry;
    const { length } = this.#bytes;
    if (offset + 30 > length || this.#view.getUint32(offset, true) !== LOCAL) {
      refuse(this.#file, `record ${quote(name)} must begin with a header at byte ${offset} of ${length}`);
    }
    const begin = offset + 30 + this.#view.getUint16(offset + 26, true) +
      this.#view.getUint16(offset + 28, true);
    if (begin + packedSize > length) {
      refuse(
        this.#file,
        `record ${quote(name)} must end within the file, got byte ${begin + packedSize} of ${length}`,
      );
    }
    return this.#bytes.subarray(begin, begin + packedSize);
  }

  async #inflate(entry: ZipEntry): Promise<Uint8Array> {
    const packed = this.#packed(entry);
    if (entry.size > packed.length * MAX_DEFLATE_RATIO) {
      refuse(
        this.#file,
        `record ${quote(entry.name)} cannot inflate from ${packed.length} to ${entry.size} bytes`,
      );
    }
    const out = new Uint8Array(entry.size);
    let at = 0;
    const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(
      new DecompressionStream("deflate-raw"),
    );
    const reader = stream.getReader();
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (at + part.value.length > out.length) break;
        out.set(part.value, at);
        at += part.value.length;
        if (at === out.length) return out;
      }
    } catch (error) {
      refuse(this.#file, `record ${quote(entry.name)} must be deflate data: ${(error as Error).message}`);
    } finally {
      await reader.cancel().catch(() => {}); // a stream that failed cannot be cancelled
    }
    if (at === out.length) return out;
    refuse(this.#file, `record ${quote(entry.name)} must inflate to ${entry.size} bytes, got another number`);
  }

  #checked(entry: ZipEntry, content: Uint8Array): Uint8Array {
    if (content.length !== entry.size) {
      refuse(
        this.#file,
        `record ${quote(entry.name)} must have ${entry.size} bytes, got ${content.length}`,
      );
    }
    const crc = crc32(content);
    if (crc !== entry.crc) {
      refuse(
        this.#file,
        `record ${quote(entry.name)} must have checksum ${hex(entry.crc)}, got ${
          hex(crc)
        }: the file is damaged`,
      );
    }
    return content;
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

let crcTables: Uint32Array[] | null = null;

/** The CRC-32 of zip files: the reflected polynomial 0xedb88320, four bytes at a time. */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = (crcTables ??= makeCrcTables()) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let crc = 0xffffffff;
  let i = 0;
  for (const last = bytes.length - 3; i < last; i += 4) {
    crc ^= bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24;
    crc = t3[crc & 255]! ^ t2[crc >>> 8 & 255]! ^ t1[crc >>> 16 & 255]! ^ t0[crc >>> 24]!;
  }
  for (; i < bytes.length; i++) crc = t0[(crc ^ bytes[i]!) & 255]! ^ crc >>> 8;
  return ~crc >>> 0;
}

function makeCrcTables(): Uint32Array[] {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ crc >>> 1 : crc >>> 1;
    tables[0]![n] = crc;
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 4; k++) {
      const before = tables[k - 1]![n]!;
      tables[k]![n] = tables[0]![before & 255]! ^ before >>> 8;
    }
  }
  return tables;
}
