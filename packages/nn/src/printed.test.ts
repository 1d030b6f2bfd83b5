import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../mod.ts";
import { useReference } from "./test_support.ts";

beforeAll(useReference);

interface Row {
  readonly module: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly printed: string;
  readonly state: readonly string[];
}

type AnyConstructor = new (...args: unknown[]) => nn.AnyModule;

const rows: Row[] = JSON.parse(readFileSync(new URL("./testdata/printed.json", import.meta.url), "utf8"));

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

describe("modules print and name their state as in PyTorch", () => {
  for (const { module, args, kwargs, printed, state } of rows) {
    test(`${module}(${JSON.stringify(args)}, ${JSON.stringify(kwargs)})`, () => {
      const options = Object.fromEntries(
        Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]),
      );
      const make = (nn as unknown as Record<string, AnyConstructor>)[module]!;
      const made = new make(...args, ...(Object.keys(options).length > 0 ? [options] : []));
      expect(String(made)).toBe(printed);
      expect([...made.stateDict().keys()]).toEqual(state);
    });
  }
});
