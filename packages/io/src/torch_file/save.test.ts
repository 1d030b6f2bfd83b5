import { bfloat16, dtypes, float16, float32, int32 } from "@flambeau/core";
import { data, type Tensor } from "@flambeau/tensor";
import { makeTensor } from "@flambeau/tensor/internal";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadTorch, saveTorch } from "../../mod.ts";
import { make, reference } from "../test_support.ts";
import { Zip } from "../zip.ts";

async function back<T>(value: T): Promise<unknown> {
  return await loadTorch<unknown>(await saveTorch(value));
}

/** A Python with torch, or null. */
function pythonWithTorch(): string | null {
  try {
    execFileSync("/usr/bin/python3", ["-c", "import torch"], { stdio: "ignore" });
    return "/usr/bin/python3";
  } catch {
    return null;
  }
}

const python = pythonWithTorch();

describe("saveTorch", () => {
  it.each<[string, unknown]>([
    ["small and large whole numbers", [
      0,
      1,
      -1,
      255,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 31,
      2 ** 40,
      -(2 ** 53) + 1,
    ]],
    ["bigints beyond 2^53", [2n ** 64n, -(2n ** 63n), 2n ** 63n, -(2n ** 70n) - 1n]],
    ["floats", [0.5, -0, NaN, Infinity, -1e-310]],
    ["true, false, null", [true, false, null]],
    ["text", ["", "a", "ünï😀\n'\"", "x".repeat(70_000)]],
    ["bytes", [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i)]],
    [
      "nested containers",
      new Map<unknown, unknown>([["a", [[], new Map()]], [3, new Set([1, "b"])], [true, [null]]]),
    ],
    ["dtypes", dtypes],
  ])("%s come back", async (_, value) => {
    expect(await back(value)).toEqual(value);
  });

  it("plain objects become maps, without entries that are undefined", async () => {
    const made = Object.assign(Object.create(null), { a: 1, b: undefined, ["__proto__x"]: 2 });
    expect(await back(made)).toEqual(new Map([["a", 1], ["__proto__x", 2]]));
  });

  it("tensors of every dtype, empty ones, scalars, and those that require grad", async () => {
    const tensors = dtypes.map((dtype) => make([1, 0, 1], [3, 1], dtype));
    const loaded = await back(tensors) as Tensor[];
    for (const [i, x] of loaded.entries()) {
      expect([x.dtype, x.shape]).toEqual([dtypes[i], [3, 1]]);
      expect(await data(x)).toEqual(await data(tensors[i]!));
    }
    const weight = make([1], [], float32);
    weight.requiresGrad = true;
    const [empty, scalar] = await back([make([], [0, 3], float32), weight]) as [Tensor, Tensor];
    expect(empty.shape).toEqual([0, 3]);
    expect([scalar.shape, scalar.requiresGrad]).toEqual([[], true]);
  });

  it("views keep their strides and share memory again", async () => {
    const x = make([1, 2, 3, 4, 5, 6], [2, 3], int32);
    const views = [
      x,
      makeTensor(x.storage, [3, 2], [1, 3], 0, int32),
      makeTensor(x.storage, [3], [1], 3, int32),
    ];
    const [a, b, c] = await back({ views }).then((map) =>
      (map as Map<string, Tensor[]>).get("views")!
    ) as Tensor[];
    expect([b!.storage, c!.storage]).toEqual([a!.storage, a!.storage]);
    expect([b!.strides, c!.offset]).toEqual([[1, 3], 3]);
    expect(await data(b!)).toEqual(Int32Array.of(1, 4, 2, 5, 3, 6));
  });

  it("views of another dtype get a storage of their own", async () => {
    const x = make([1, 2], [2], float16);
    const bits = makeTensor(x.storage, [2], [1], 0, bfloat16);
    const [a, b] = await back([x, bits]) as Tensor[];
    expect([a!.dtype, b!.dtype]).toEqual([float16, bfloat16]);
    expect(await data(b!)).toEqual(await data(bits));
  });

  it("every storage begins at a multiple of 64 bytes", async () => {
    const bytes = await saveTorch([
      make([1], [1], float32),
      make([1], [1], float16),
      make([1, 2], [2], int32),
    ]);
    const zip = new Zip("test", bytes);
    for (const entry of zip.entries.values()) {
      const content = zip.stored(entry);
      expect((content.byteOffset - bytes.byteOffset) % 64).toBe(0);
    }
    expect([...zip.entries.keys()]).toEqual([
      "archive/data.pkl",
      "archive/byteorder",
      "archive/data/0",
      "archive/data/1",
      "archive/data/2",
      "archive/version",
    ]);
  });

  it.each<[string, unknown, string]>([
    ["functions", { a: [() => 1] }, 'Cannot save "a[0]": it must be made of tensors, numbers'],
    ["undefined in an array", [undefined], 'Cannot save "[0]": it must be made of tensors'],
    [
      "instances of classes",
      { when: new Date(0) },
      'Cannot save "when": it must be made of tensors, numbers, text, bytes, ',
    ],
    ["typed arrays of numbers", new Float32Array(2), "got an object of class Float32Array"],
    ["keys that are objects", new Map([[[1], 2]]), "got a key that is an object"],
  ])("refuses %s, and says where", async (_, value, message) => {
    await expect((async () => await saveTorch(value))()).rejects.toThrow(message);
  });

  it("refuses what holds itself, and takes the same part twice", async () => {
    const inner = [1];
    expect(await back([inner, inner])).toEqual([[1], [1]]);
    const loop: unknown[] = [];
    loop.push({ loop });
    await expect((async () => await saveTorch(loop))()).rejects.toThrow('Cannot save "[0].loop": it must be');
  });

  it("refuses files of 4 GiB before it reads anything", async () => {
    const large = make([], [0], float32);
    Object.defineProperty(large, "storage", { value: { backend: reference, bytes: 2 ** 32 } });
    await expect((async () => await saveTorch(large))()).rejects.toThrow("must be smaller than 4 GiB");
  });

  it.skipIf(python === null)("PyTorch reads it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flambeau-pt-"));
    try {
      const path = join(folder, "checkpoint.pt");
      const x = make([1, 2, 3, 4, 5, 6], [2, 3], float32);
      const value = {
        epoch: 3,
        big: 2n ** 70n,
        rate: 0.5,
        name: "ünï",
        bytes: Uint8Array.of(0, 200, 255),
        dtype: float16,
        x,
        t: makeTensor(x.storage, [3, 2], [1, 3], 0, float32),
        all: dtypes.map((dtype) => make([1, 0], [2], dtype)),
      };
      writeFileSync(path, await saveTorch(value));
      const script = `
import sys, torch
c = torch.load(sys.argv[1])
print(c["epoch"], c["big"] == 2 ** 70, c["rate"], c["name"] == "\\u00fcn\\u00ef", c["bytes"] == b"\\x00\\xc8\\xff", c["dtype"])
print(c["t"].tolist(), c["t"].data_ptr() == c["x"].data_ptr())
print([str(a.dtype)[6:] for a in c["all"]], all(a.tolist() == [1, 0] for a in c["all"]))
`;
      expect(execFileSync(python!, ["-c", script, path], { encoding: "utf8" }).trim().split("\n")).toEqual([
        "3 True 0.5 True True torch.float16",
        "[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]] True",
        `[${dtypes.map(({ name }) => `'${name}'`).join(", ")}] True`,
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
