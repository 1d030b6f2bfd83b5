/**
 * Reading PNG images as grey values: what drawing programs and cameras write, without interlacing.
 *
 * @see https://www.w3.org/TR/png/
 *
 * @module
 */

import { inflateSync } from "node:zlib";
import { type Grey, ImageError } from "./grey.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const MAX_PIXELS = 4096 * 4096;
/** Samples of a pixel by color type: grey, RGB, palette, grey with alpha, RGB with alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** True for bytes that begin as a PNG file does. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * The luminance of a PNG image, transparent parts as white.
 *
 * @throws {ImageError} If the file is damaged or of a kind that is not read.
 */
export function readPng(bytes: Uint8Array): Grey {
  const chunks = chunksOf(bytes);
  const header = chunks.find(({ type }) => type === "IHDR")?.data;
  if (header === undefined || header.length < 13) throw new ImageError("the PNG file has no header");
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, color, , , interlace] = header.subarray(8, 13) as unknown as number[];
  const channels = CHANNELS[color!];
  if (width < 1 || height < 1 || width * height > MAX_PIXELS) {
    throw new ImageError(`the PNG image must have 1 to ${MAX_PIXELS} pixels, got ${width} × ${height}`);
  }
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth!) || interlace !== 0) {
    throw new ImageError("the PNG image is interlaced or of an unknown color type");
  }
  const bits = channels * depth!;
  const rowBytes = Math.ceil(width * bits / 8);
  const rows = unfilter(inflate(chunks, (rowBytes + 1) * height), rowBytes, Math.max(1, bits >> 3), height);
  const palette = chunks.find(({ type }) => type === "PLTE")?.data;
  if (color === 3 && palette === undefined) throw new ImageError("the PNG image has no palette");

  const values = new Float32Array(width * height);
  const most = 2 ** Math.min(8, depth!) - 1;
  for (let y = 0; y < height; y++) {
    const row = rows.subarray(y * rowBytes, (y + 1) * rowBytes);
    for (let x = 0; x < width; x++) {
      const sample = (c: number): number => sampleAt(row, x * channels + c, depth!);
      const [r, g, b, alpha] = color === 3
        ? [0, 1, 2].map((c) => (palette![3 * sample(0) + c] ?? 0) / 255)
        : color === 0 || color === 4
        ? [sample(0) / most, sample(0) / most, sample(0) / most, color === 4 ? sample(1) / most : 1]
        : [sample(0) / most, sample(1) / most, sample(2) / most, color === 6 ? sample(3) / most : 1];
      const luminance = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      const opaque = alpha ?? 1;
      values[y * width + x] = opaque * luminance + 1 - opaque;
    }
  }
  return { width, height, values };
}

function chunksOf(bytes: Uint8Array): { type: string; data: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: { type: string; data: Uint8Array }[] = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) break;
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    if (type === "IEND") return chunks;
    at += 12 + length;
  }
  throw new ImageError("the PNG file is truncated");
}

function inflate(chunks: readonly { type: string; data: Uint8Array }[], size: number): Uint8Array {
  const parts = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  try {
    const bytes = inflateSync(Buffer.concat(parts), { maxOutputLength: size });
    if (bytes.length === size) return bytes;
  } catch {
    // Said below: what the decompressor found does not help.
  }
  throw new ImageError("the PNG file is damaged");
}

/** Undoes the prediction of each row from its left, upper and upper left neighbours. */
function unfilter(bytes: Uint8Array, rowBytes: number, step: number, height: number): Uint8Array {
  const out = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = bytes[y * (rowBytes + 1)]!;
    for (let i = 0; i < rowBytes; i++) {
      const at = y * rowBytes + i;
      const left = i < step ? 0 : out[at - step]!;
      const up = y === 0 ? 0 : out[at - rowBytes]!;
      const corner = i < step || y === 0 ? 0 : out[at - rowBytes - step]!;
      out[at] = bytes[y * (rowBytes + 1) + 1 + i]! + predict(filter, left, up, corner);
    }
  }
  return out;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [dl, du, dc] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      return dl <= du && dl <= dc ? left : du <= dc ? up : corner;
    }
    default:
      throw new ImageError("the PNG file is damaged");
  }
}

/** A sample of a row; of 16 bits the upper 8. */
function sampleAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 16) return row[2 * index]!;
  if (depth === 8) return row[index]!;
  const perByte = 8 / depth;
  const shift = 8 - depth * (index % perByte + 1);
  return row[Math.floor(index / perByte)]! >> shift & (1 << depth) - 1;
}
