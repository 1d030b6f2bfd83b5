import { readFile } from "node:fs/promises";
import { DeviceError } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { kernels } from "./generated/kernels.ts";
import { pack, type PackedModule, unpack } from "./packed.ts";

const unpacker = Uint8Array.from(kernels.unpacker.match(/../g)!, (digits) => parseInt(digits, 16));

test("unpack: the text gives the bytes of the files, for engines with and without relaxed instructions", async () => {
  for (const [name, isRelaxed] of [["relaxed", true], ["simd", false]] as const) {
    const file = new Uint8Array(await readFile(new URL(`./generated/${name}.wasm`, import.meta.url)));
    const bytes = unpack(kernels, isRelaxed);
    expect(bytes.length, name).toBe(file.length);
    expect(bytes.every((byte, i) => byte === file[i]), name).toBe(true);
  }
});

test("pack: any bytes come back, and text needs no escapes in literals, templates and HTML", () => {
  const all = Uint8Array.from({ length: 4096 }, (_, i) => i < 3000 ? (i * i) >>> 7 : i);
  for (
    const bytes of [
      all,
      all.slice(0, 1),
      all.slice(0, 0),
      Uint8Array.from({ length: 256 }, (_, i) => 255 - i),
    ]
  ) {
    const packed = pack(bytes, unpacker);
    expect(Array.from(unpack(packed, true))).toEqual(Array.from(bytes));
    expect(packed.text).toMatch(/^[ -~]*$/);
    expect(packed.text).not.toMatch(/["'`\\$<]/);
  }
});

const [GET, SET, DROP, VECTOR] = [0x20, 0x21, 0x1a, 0xfd];
/** By element type: its code, `splat`, and what gives the first lane. */
const LANES = {
  f32: [0x7d, [VECTOR, 19], [VECTOR, 31, 0]],
  f64: [0x7c, [VECTOR, 20], [VECTOR, 33, 0]],
} as const;

/** A section of a module: as short as one byte for its length allows. */
function section(id: number, content: readonly number[]): number[] {
  expect(content.length).toBeLessThan(128);
  return [id, content.length, ...content];
}

/** A module whose `f` takes three numbers, and has a local vector, number 3. */
function moduleOf(type: "f32" | "f64", body: readonly number[]): Uint8Array {
  const [code] = LANES[type];
  const main = [1, 1, 0x7b, ...body, 0x0b];
  const other = [0, GET, 0, 0x0b];
  return Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 1, code, 1, code, 0x60, 3, code, code, code, 1, code]),
    ...section(3, [2, 0, 1]),
    ...section(7, [1, 1, "f".charCodeAt(0), 0, 1]),
    ...section(10, [2, other.length, ...other, main.length, ...main]),
  ]);
}

/** What holds bytes of a relaxed instruction and is none: constants, and a block with a branch. */
const DECOYS = [
  ...[0x41, 0xfd, 0x85, 0x02, DROP, 0x42, 0xfd, 0x85, 0x02, DROP],
  ...[0x43, 0xfd, 0x85, 0x02, 0xfd, DROP, 0x44, 0xfd, 0x85, 0x02, 0xfd, 0x85, 0x02, 0, 0, DROP],
  ...[
    VECTOR,
    12,
    ...[0xfd, 0x85, 0x02, 0, 0xfd, 0x85, 0x02, 0, 0xfd, 0x85, 0x02, 0, 0xfd, 0x85, 0x02, 0],
    DROP,
  ],
  ...[0x02, 0x40, 0x41, 0, 0x0e, 1, 0, 0, 0x0b],
];

function run(module: Uint8Array, x: number, y: number, z: number): number {
  const bytes = unpack(pack(module, unpacker), false);
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  return (f as (x: number, y: number, z: number) => number)(x, y, z);
}

describe("unpack, without relaxed instructions", () => {
  const rows = [["f32", 0x85, 1, 12], ["f32", 0x86, -1, 12], ["f64", 0x87, 1, 27], [
    "f64",
    0x88,
    -1,
    27,
  ]] as const;
  for (const [type, code, sign, bits] of rows) {
    test(`${type}: ${sign > 0 ? "a × b + c" : "c − a × b"} is rounded twice`, () => {
      const [, splat, first] = LANES[type];
      const [a, b, c] = [0, 1, 2].map((local) => [GET, local, ...splat]);
      const relaxed = [VECTOR, code, 2, ...first];
      // The sum's other side is computed last, or was computed before.
      const bodies = [[...a!, ...b!, ...c!, ...relaxed], [...c!, SET, 3, ...a!, ...b!, GET, 3, ...relaxed]];
      for (const body of bodies) {
        const module = moduleOf(type, [...DECOYS, ...body]);
        expect(run(module, 3, 5, 7)).toBe(7 + sign * 15);
        expect(run(module, -2, 5, 0.5)).toBe(0.5 - sign * 10);
        // (1 + ε)² is 1 + 2 ε + ε², and ε² is lost where the product is rounded.
        const x = 1 + 2 ** -bits;
        expect(run(module, x, x, -sign * (1 + 2 ** (1 - bits)))).toBe(0);
      }
    });
  }

  test("lanes are selected by the bits of the mask", () => {
    const [, splat, first] = LANES.f32;
    const [a, b] = [0, 1].map((local) => [GET, local, ...splat]);
    for (const code of [0x89, 0x8a, 0x8b, 0x8c]) {
      // The mask is 2 < c.
      const mask = [0x43, 0, 0, 0, 0x40, ...splat, GET, 2, ...splat, VECTOR, 67];
      const module = moduleOf("f32", [...a!, ...b!, ...mask, VECTOR, code, 2, ...first]);
      expect(run(module, 11, 22, 3)).toBe(11);
      expect(run(module, 11, 22, 1)).toBe(22);
    }
  });

  test("numbers become integers, within their range and at its ends", () => {
    // By type of the numbers and sign of the integers: the instruction, and the integer's way back to a number.
    const rows = [
      ...[["f32", 0x81, [VECTOR, 250, 1]], ["f32", 0x82, [VECTOR, 251, 1]]] as const,
      ...[["f64", 0x83, [VECTOR, 254, 1]], ["f64", 0x84, [VECTOR, 255, 1]]] as const,
    ];
    for (const [i, [type, code, back]] of rows.entries()) {
      const [, splat, first] = LANES[type];
      const isSigned = i % 2 === 0;
      for (const argument of [[GET, 0, ...splat], [GET, 0, ...splat, SET, 3, GET, 3]]) {
        const module = moduleOf(type, [...argument, VECTOR, code, 2, ...back, ...first]);
        expect(run(module, 1234.75, 0, 0)).toBe(1234);
        expect(run(module, -77.5, 0, 0)).toBe(isSigned ? -77 : 0);
        expect(run(module, NaN, 0, 0)).toBe(0);
        expect(run(module, Infinity, 0, 0)).toBe(
          type === "f64" ? isSigned ? 2 ** 31 - 1 : 2 ** 32 - 1 : isSigned ? 2 ** 31 : 2 ** 32,
        );
      }
    }
  });

  test("bytes are taken by number", () => {
    const [, splat, first] = LANES.f32;
    const numbers = [...[4, 5, 6, 7, 0, 1, 2, 3], ...Array<number>(8).fill(255)];
    // Lane 0 is taken from lane 1, which holds the same.
    const module = moduleOf("f32", [GET, 0, ...splat, VECTOR, 12, ...numbers, VECTOR, 0x80, 2, ...first]);
    expect(run(module, 1.5, 0, 0)).toBe(1.5);
  });

  test("other relaxed instructions are refused", () => {
    const [, splat, first] = LANES.f32;
    for (const code of [0x8d, 0x91, 0x92]) {
      for (const second of [[GET, 1, ...splat], [GET, 1, ...splat, SET, 3, GET, 3]]) {
        const module = moduleOf("f32", [GET, 0, ...splat, ...second, VECTOR, code, 2, ...first]);
        const packed: PackedModule = pack(module, unpacker);
        expect(() => unpack(packed, false)).toThrow(DeviceError);
        expect(() => unpack(packed, false)).toThrow("relaxed instructions must have a plain form");
      }
    }
  });
});
