import { dtypeOf, dtypes, float32, FormatError, int32, viewData } from "@flambeau/core";
import { data, type Tensor } from "@flambeau/tensor";
import { makeTensor } from "@flambeau/tensor/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { load, loadSafetensors, parseSafetensorsHeader, saveSafetensors } from "../../mod.ts";
import { parseSafetensors } from "../../../../tests/parity/safetensors.ts";
import { make, poorBackend } from "../test_support.ts";

/** A file with this header and data. */
function file(header: unknown, bytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + bytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

describe("saveSafetensors", () => {
  it("every dtype comes back bit for bit", async () => {
    const tensors = new Map<string, Tensor>();
    for (const dtype of dtypes) {
      const values = dtype.name === "bool" ? [0, 1, 1] : dtype.name === "uint8" ? [0, 1, 255] : [-1, 0, 100];
      tensors.set(dtype.name, make(values, [3, 1], dtype));
    }
    const loaded = loadSafetensors(await saveSafetensors(tensors));
    expect([...loaded.keys()]).toEqual([...tensors.keys()]);
    for (const [name, x] of tensors) {
      const y = loaded.get(name)!;
      expect(y.dtype).toBe(x.dtype);
      expect(y.shape).toEqual([3, 1]);
      expect(await data(y)).toEqual(await data(x));
    }
  });

  it("another reader finds the same tensors", async () => {
    const bytes = await saveSafetensors({
      w: make([1, 2, 3, 4, 5, 6], [2, 3], float32),
      n: make([7], [], int32),
    }, {});
    const tensors = parseSafetensors(bytes);
    expect(tensors.get("w")).toEqual({
      dtype: "F32",
      shape: [2, 3],
      bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer),
    });
    expect(tensors.get("n")!.shape).toEqual([]);
  });

  it("writes a view that is not contiguous in row-major order", async () => {
    const x = make([1, 2, 3, 4, 5, 6], [2, 3], float32);
    const transposed = makeTensor(x.storage, [3, 2], [1, 3], 0, float32);
    const loaded = loadSafetensors(await saveSafetensors({ transposed }));
    expect(await data(loaded.get("transposed")!)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  });

  it("every tensor begins at a multiple of its element size, whatever the order", async () => {
    const tensors = Object.fromEntries(dtypes.map((dtype) => [dtype.name, make([1], [1], dtype)]));
    const { tensors: entries, dataStart } = parseSafetensorsHeader(await saveSafetensors(tensors));
    expect(dataStart % 8).toBe(0);
    for (const [name, { begin }] of entries) expect(begin % dtypeOf(name).itemsize).toBe(0);
  });

  it("holds tensors without elements and no tensors at all", async () => {
    const loaded = loadSafetensors(await saveSafetensors({ empty: make([], [0, 3], float32) }));
    expect(loaded.get("empty")!.shape).toEqual([0, 3]);
    expect(loadSafetensors(await saveSafetensors(new Map())).size).toBe(0);
  });

  it("metadata says format pt unless something else is given", async () => {
    const tensors = { w: make([1], [1], float32) };
    const metadata = async (given?: Record<string, string>) =>
      Object.fromEntries(parseSafetensorsHeader(await saveSafetensors(tensors, given)).metadata);
    expect(await metadata()).toEqual({ format: "pt" });
    expect(await metadata({ epoch: "3", note: '"quotes" and ünïcode' })).toEqual({
      epoch: "3",
      note: '"quotes" and ünïcode',
    });
    expect(await metadata({})).toEqual({});
  });

  it("names that objects treat specially stay names", async () => {
    const tensors = new Map([["__proto__", make([1], [1], float32)], [
      "constructor",
      make([2], [1], float32),
    ]]);
    const loaded = loadSafetensors(await saveSafetensors(tensors));
    expect([...loaded.keys()]).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["0"]).toBeUndefined();
  });

  it("refuses what is not a map of tensors, with the key", async () => {
    const save = saveSafetensors as (value: unknown, metadata?: unknown) => Promise<unknown>;
    const w = make([1], [1], float32);
    const attempt = async (value: unknown, metadata?: unknown) => await save(value, metadata);
    await expect(attempt({ w, epoch: 3 })).rejects.toThrow(
      'Cannot save "epoch" as safetensors: every value must be a Tensor, got number 3',
    );
    await expect(attempt({ model: { w } })).rejects.toThrow("got an object of class Object");
    await expect(attempt(new Map([[1, w]]))).rejects.toThrow("names must be strings, got number 1");
    await expect(attempt(w)).rejects.toThrow("got a Tensor");
    await expect(attempt(null)).rejects.toThrow("got null");
    await expect(attempt([w])).rejects.toThrow("got an array");
    await expect(attempt({ stateDict: () => ({}) })).rejects.toThrow("pass its stateDict()");
    await expect(attempt({ ["__metadata__"]: w })).rejects.toThrow("the name is taken by the format");
    await expect(attempt({ w }, { epoch: 3 })).rejects.toThrow('Cannot save metadata "epoch"');
  });

  it("property: any names and shapes come back", async () => {
    await fc.assert(fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.string(), fc.array(fc.nat(3), { maxLength: 4 })), {
        selector: ([name]) => name,
        maxLength: 5,
      }),
      async (rows) => {
        const named = rows.filter(([name]) => name !== "__metadata__").map(([name, shape], i) => {
          const count = shape.reduce((product, n) => product * n, 1);
          return [name, make(Array.from({ length: count }, (_, k) => i + k), shape, float32)] as const;
        });
        const loaded = loadSafetensors(await saveSafetensors(new Map(named)));
        expect([...loaded.keys()]).toEqual(named.map(([name]) => name));
        for (const [name, x] of named) expect(await data(loaded.get(name)!)).toEqual(await data(x));
      },
    ));
  });
});

describe("loadSafetensors", () => {
  it("U16 and U32 become the next larger signed integers", async () => {
    const bytes = file({
      a: { dtype: "U16", shape: [2], data_offsets: [0, 4] },
      b: { dtype: "U32", shape: [1], data_offsets: [4, 8] },
    }, 8).fill(0xff, -8);
    const loaded = loadSafetensors(bytes);
    expect(await data(loaded.get("a")!)).toEqual(Int32Array.of(65535, 65535));
    expect(await data(loaded.get("b")!)).toEqual(BigInt64Array.of(4294967295n));
  });

  it("any byte but 0 is true", async () => {
    const bytes = file({ m: { dtype: "BOOL", shape: [3], data_offsets: [0, 3] } }, 3);
    bytes.set([0, 1, 7], bytes.length - 3);
    expect(await data(loadSafetensors(bytes).get("m")!)).toEqual(Uint8Array.of(0, 1, 1));
  });

  it("takes a Buffer that begins anywhere in its memory", async () => {
    const saved = await saveSafetensors({ a: make([1, 2], [2], dtypeOf("float64")) });
    const pool = Buffer.concat([Buffer.from([1, 2, 3]), saved]);
    expect(await data(loadSafetensors(pool.subarray(3)).get("a")!)).toEqual(Float64Array.of(1, 2));
  });

  it("on a device without a dtype, gives one that holds every value, or refuses", async () => {
    const poor = poorBackend("float32", "int32");
    const loadOn = (x: Tensor) =>
      saveSafetensors({ x }).then((bytes) => loadSafetensors(bytes, { mapLocation: poor }));
    const half = (await loadOn(make([1.5, -2], [2], dtypeOf("float16")))).get("x")!;
    expect(half.dtype).toBe(float32);
    expect(viewData(float32, poor.readSync(half.buffer, 0, 8).slice().buffer, 0, 2)).toEqual(
      Float32Array.of(1.5, -2),
    );
    expect((await loadOn(make([5], [1], dtypeOf("int64")))).get("x")!.dtype).toBe(int32);
    expect((await loadOn(make([0.5, NaN], [2], dtypeOf("float64")))).get("x")!.dtype).toBe(float32);
    await expect(loadOn(make([0.1], [1], dtypeOf("float64")))).rejects.toThrow(
      'tensor "x" is float64[1], device poor has only float32, and that does not hold every value',
    );
    await expect(loadOn(make([2 ** 40], [1], dtypeOf("int64")))).rejects.toThrow("does not hold every value");
    await expect(loadOn(make([1], [1], dtypeOf("bool")))).rejects.toThrow("device poor has no bool");
  });

  it("says at which byte or in which tensor the header is wrong", () => {
    const header = (text: unknown, bytes = 0) => () => parseSafetensorsHeader(file(text, bytes));
    expect(header('{"a": tru}')).toThrow('the header must be JSON at byte 14, got "tru}"');
    expect(header('{"ü": 1, x}')).toThrow('a JSON object must have a key at byte 18, got "x}"');
    expect(header('{"a": 1')).toThrow("a JSON object must end or go on at byte 15, got its end");
    expect(header('{} {"a": 1}')).toThrow("must end here at byte 11");
    expect(header('{"a\\x": 1}')).toThrow("a JSON string must be well formed at byte 9");
    expect(header('{"__metadata__": []}')).toThrow("__metadata__ must be a JSON object");
    expect(header({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, 4)).toThrow(
      'tensor "a" must have data_offsets [begin, end]',
    );
    expect(header({ ["x".repeat(500)]: null })).toThrow(/tensor "x{80}… \(500 characters\)" must be/);
  });

  it("property: a damaged file is refused in words or loads, and never anything else", async () => {
    const good = await saveSafetensors({
      w: make([1, 2, 3, 4], [2, 2], float32),
      "b\n": make([1], [1], dtypeOf("int64")),
    }, { note: "text" });
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.nat(good.length), async (changes, length) => {
        const bytes = good.slice(0, length === 0 ? good.length : length);
        for (const [at, value] of changes) bytes[at] = value;
        for (const loader of [loadSafetensors, load]) {
          try {
            await loader(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
