import { FormatError, TorchError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { load, loadNpy, loadTorch } from "../../mod.ts";
import "../test_support.ts";
import { type PickleWorld, unpickle } from "./unpickle.ts";

const FILES = join(import.meta.dirname!, "../../../../tests/fixtures/torch/serialization/files");
const read = (name: string) => new Uint8Array(readFileSync(join(FILES, name)));

const nothing: PickleWorld = { find: () => undefined, persistent: (_, fail) => fail("nothing is outside") };

/** Runs a pickle of latin1 text. */
function run(text: string): unknown {
  return unpickle("test", Uint8Array.from(text, (c) => c.charCodeAt(0)), 0, nothing).value;
}

describe("unpickle", () => {
  it("numbers, in every form (values by Python's pickletools)", () => {
    expect(run("I-12\n.")).toBe(-12);
    expect(run("I01\n.")).toBe(true);
    expect(run("L123L\n.")).toBe(123);
    expect(run("J\xfe\xff\xff\xff.")).toBe(-2);
    expect(run("\x8a\x00.")).toBe(0);
    expect(run("\x8a\x01\xff.")).toBe(-1);
    expect(run("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.")).toBe(2n ** 64n);
    expect(run("F-inf\n.")).toBe(-Infinity);
    expect(run("Fnan\n.")).toBeNaN();
    expect(run("F1e-3\n.")).toBe(0.001);
    expect(run("G\x3f\xf8\x00\x00\x00\x00\x00\x00.")).toBe(1.5);
  });

  it("containers: lists, tuples, dicts, sets, and references to what came before", () => {
    expect(run("(K\x01K\x02l.")).toEqual([1, 2]);
    expect(run("(K\x01K\x02t.")).toEqual([1, 2]);
    expect(run("K\x01K\x02\x86.")).toEqual([1, 2]);
    expect(run("(U\x01aK\x01d.")).toEqual(new Map([["a", 1]]));
    expect(run("}U\x01aK\x01s.")).toEqual(new Map([["a", 1]]));
    expect(run("\x8f(K\x01K\x01\x90.")).toEqual(new Set([1]));
    const [a, b] = run("](]q\x00h\x00e.") as unknown[];
    expect(a).toBe(b);
  });

  it("text that is no UTF-8 does not stop a file; bytes stay bytes", () => {
    expect(run("U\x02\xc3\xa9.")).toBe("é");
    expect(run("C\x02\x00\xff.")).toEqual(Uint8Array.of(0, 255));
  });

  it.each([
    ["", "the pickle must go on for 1 bytes"],
    ["\x80\x06.", "protocol must be at most 5, got 6"],
    ["I1.5\n.", "must be a whole one"],
    [`L${"9".repeat(2000)}\n.`, "at most 1000 digits"],
    ["Fabc\n.", "a float must be a number"],
    ["K\x01K\x02a.", "a list to append to"],
    ["]K\x01s.", "a value, got an empty one"],
    ["}](K\x01K\x02u.", "a dict to set items of"],
    ["}(K\x01u.", "every key must have a value"],
    ["}]K\x01s.", "keys must be text"],
    ["e.", "must hold a mark"],
    ["(.", "got a mark"],
    ["K\x01)R.", "a function to call"],
    ["K\x01}b.", "only dicts may have attributes"],
    ["\x95\xff\x00\x00\x00\x00\x00\x00\x00.", "a frame must end within the file"],
    ["K\x01Q.", "nothing is outside"],
    ["cos\nsystem\n.", 'the name "os.system" is not allowed'],
    ["ios\nsystem\n.", "every opcode must be known, got 0x69"],
    ["cos", "a line must end"],
  ])("refuses %j: %s", (text, message) => {
    expect(() => run(text)).toThrow(FormatError);
    expect(() => run(text)).toThrow(message);
  });
});

describe("loadTorch", () => {
  it("tensors that shared memory do so again", async () => {
    const [whole, rows] = await loadTorch<Tensor[]>(read("shared.pt"));
    expect(rows!.storage).toBe(whole!.storage);
    const tied = await loadTorch<Map<string, Tensor>>(read("tied.legacy.pt"));
    expect(tied.get("a.weight")!.storage).toBe(tied.get("b.weight")!.storage);
  });

  it("names the way out when a file holds a module", async () => {
    await expect(loadTorch(read("whole_module.pt"))).rejects.toThrow(
      /state_dict\(\).*torch\.nn\.modules\.linear\.Linear/,
    );
  });

  it.each([
    "checkpoint.pt",
    "state_dict.legacy.pt",
    "archive_compressed.npz",
    "f4_fortran.npy",
    "deflated.pt",
  ])(
    "property: %s, damaged, is refused in words or loads, and never anything else",
    async (name) => {
      const good = read(name);
      const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.nat(good.length), async (changes, length) => {
          const bytes = good.slice(0, length === 0 ? good.length : length);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            await load(bytes);
          } catch (error) {
            if (!(error instanceof TorchError)) throw error;
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe("loadNpy", () => {
  it("an array in Fortran order has such strides", () => {
    const x = loadNpy(read("f4_fortran.npy"));
    expect(x.shape).toEqual([3, 4]);
    expect(x.strides).toEqual([1, 3]);
  });
});
