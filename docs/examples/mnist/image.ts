/**
 * Reading images of digits: PNG, PGM, and grey values as CSV or JSON.
 *
 * @module
 */

import { type Grey, ImageError } from "./grey.ts";
import { isPng, readPng } from "./png.ts";

/**
 * The image in a file, told by its first bytes and, for text, by what it looks like.
 *
 * @throws {ImageError} If it is none of them or damaged.
 */
export function readImage(bytes: Uint8Array): Grey {
  if (isPng(bytes)) return readPng(bytes);
  if (bytes[0] === 0x50 && (bytes[1] === 0x32 || bytes[1] === 0x35)) return readPgm(bytes);
  const text = new TextDecoder().decode(bytes);
  const rows = text.trimStart().startsWith("[") ? readJson(text) : readCsv(text);
  return fromRows(rows);
}

/** PGM, as text (P2) or bytes (P5) of 8 bits. */
function readPgm(bytes: Uint8Array): Grey {
  const text = String.fromCharCode(...bytes.subarray(0, 256));
  const header = /^P([25])\s+(?:#.*\n\s*)*(\d+)\s+(?:#.*\n\s*)*(\d+)\s+(?:#.*\n\s*)*(\d+)\s/.exec(text);
  const [length, kind, width, height, most] = header === null
    ? []
    : [header[0].length, ...header.slice(1).map(Number)];
  if (!width || !height || !most || most > 255) throw new ImageError("the PGM file has no valid header");
  const values = kind === 5
    ? [...bytes.subarray(length, length! + width * height)]
    : new TextDecoder().decode(bytes.subarray(length)).trim().split(/\s+/).map(Number);
  if (values.length !== width * height || !values.every((value) => value >= 0 && value <= most)) {
    throw new ImageError(`the PGM file must have ${width} × ${height} values up to ${most}`);
  }
  return { width, height, values: Float32Array.from(values, (value) => value / most) };
}

function readJson(text: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    throw new ImageError("the JSON file is damaged");
  }
}

function readCsv(text: string): number[][] {
  return text.trim().split(/\r?\n/).map((line) =>
    line.split(/[,;\s]+/).filter((cell) => cell !== "").map(Number)
  );
}

/** Rows of numbers, or 784 of them in one, from 0 to 1 or from 0 to 255. */
function fromRows(rows: unknown[]): Grey {
  const flat = rows.flat() as unknown[];
  if (!flat.every((value) => typeof value === "number" && value >= 0 && value <= 255)) {
    throw new ImageError("it must be a PNG or PGM image, or grey values from 0 to 255 as CSV or JSON");
  }
  const widths = new Set(rows.map((row) => Array.isArray(row) ? row.length : 1));
  const isGrid = Array.isArray(rows[0]) && rows.length > 1 && widths.size === 1;
  if (!isGrid && flat.length !== 784) {
    throw new ImageError(`the values must be rows of the same length, or 784 in one, got ${flat.length}`);
  }
  const width = isGrid ? (rows[0] as unknown[]).length : 28;
  const most = Math.max(...flat as number[]) > 1 ? 255 : 1;
  return {
    width,
    height: flat.length / width,
    values: Float32Array.from(flat as number[], (value) => value / most),
  };
}
