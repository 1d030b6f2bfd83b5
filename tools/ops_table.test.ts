import { bool, dtypes, float32, float64, inputDTypes, int32, type Name } from "@flambeau/core";
import { opInfos } from "@flambeau/testing";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dtypeWords, opsPage, readFamilies } from "./ops_table.ts";

const source = readFileSync(join(import.meta.dirname!, "..", "packages/core/src/primitives.ts"), "utf8");

describe("readFamilies", () => {
  const families = readFamilies(source);

  test("finds every primitive once, with words", () => {
    const rows = families.flatMap(({ rows }) => rows);
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(opInfos).sort());
    expect(rows.filter(({ says }) => says === "")).toEqual([]);
  });

  test("reads names of inputs, with the optional one, and first sentences over several lines", () => {
    const row = (name: Name) => families.flatMap(({ rows }) => rows).find((row) => row.name === name)!;
    expect(row("linear").inputs).toEqual(["x", "weight", "bias"]);
    expect(row("attention").inputs).toEqual(["q", "k", "v", "bias"]);
    expect(row("concat").inputs).toEqual(["inputs"]);
    expect(row("full").inputs).toEqual([]);
    expect(row("layerNorm").says).toMatch(/^Layer normalization over the last `weight.rank` dimensions/);
  });

  test("refuses a primitive without facts", () => {
    expect(() =>
      readFamilies(
        "export interface XPrimitives<T> {\n  /** New. */\n  novel: [inputs: [x: T], attrs: null];\n}",
      )
    )
      .toThrow("Cannot tell of novel");
  });
});

test("dtypeWords: kinds by name where all are there", () => {
  expect(dtypeWords(dtypes)).toBe("any");
  expect(dtypeWords(inputDTypes.exp.dtypes)).toBe("floats");
  expect(dtypeWords(inputDTypes.neg.dtypes)).toBe("integers, floats");
  expect(dtypeWords([bool, int32, float32, float64])).toBe("bool, int32, float32, float64");
});

test("opsPage: tells own kernels from the host and from decompositions", () => {
  const page = opsPage(readFamilies(source));
  const cells = (name: string): string[] =>
    page.split("\n").find((line) => line.startsWith(`| \`${name}\` `))!.split("|").map((cell) => cell.trim());
  expect(cells("alias").slice(4, 6)).toEqual(["no kernel", "no kernel"]);
  expect(cells("exp")[4]).toMatch(/^own: float32/);
  expect(cells("svd").slice(4, 6)).toEqual(["host", "own"]);
  expect(cells("avgPoolBackward")[5]).toBe("decomposition");
  expect(cells("where").slice(6, 8)).toEqual(["x, y", "yes"]);
  expect(cells("silu")[6]).toBe("x (decomposition)");
  expect(cells("eq").slice(6, 8)).toEqual(["no", "no"]);
});
