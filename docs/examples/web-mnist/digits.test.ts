import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type Digits, DigitsError, fetchDigits, packDigits, PIXELS, unpackDigits } from "./digits.ts";

function digits(count: number, first: number): Digits {
  return {
    images: Uint8Array.from({ length: count * PIXELS }, (_, i) => (first + i) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => (first + i) % 10),
  };
}

const split = { train: digits(5, 0), test: digits(3, 7) };

test("unpackDigits: gives what packDigits was given", () => {
  expect(unpackDigits(packDigits(split))).toEqual(split);
});

test("unpackDigits: refuses files of another length", () => {
  const bytes = packDigits(split);
  expect(() => unpackDigits(bytes.subarray(0, -1))).toThrow(DigitsError);
  expect(() => unpackDigits(bytes.subarray(0, 4))).toThrow("the file has only 4 bytes");
});

test("fetchDigits: decompresses, and tells how far it is", async () => {
  const shares: number[] = [];
  const file = gzipSync(packDigits(split)).toString("base64");
  const url = new URL(`data:application/octet-stream;base64,${file}`);
  expect(await fetchDigits(url, (share) => shares.push(share))).toEqual(split);
  for (const share of shares) expect(share).toBeLessThanOrEqual(1);
});

test("fetchDigits: refuses what is no compressed file of digits", async () => {
  const url = (bytes: Uint8Array): URL =>
    new URL(`data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`);
  await expect(fetchDigits(url(packDigits(split)), () => {})).rejects.toThrow("the file is damaged");
  await expect(fetchDigits(url(gzipSync("digits")), () => {})).rejects.toThrow("the file has only 6 bytes");
});
