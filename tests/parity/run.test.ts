import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runParity } from "./run.ts";
import { writeFolder } from "./testdata/folder.ts";

const library = pathToFileURL(join(import.meta.dirname!, "testdata/fake_torch.ts")).href;
const options = {
  backend: "cpu",
  library,
  tiers: null,
  kinds: null,
  match: null,
  jobs: 1,
  seconds: 3,
  differences: [],
};

const tensors = {
  i0: { data: "x", dtype: "float32", shape: [2] },
  o0: { data: "y", dtype: "float32", shape: [] },
};
const sum = (id: string, call = "torch.sum", tier = "1") => (
  { id, tier, call, forms: ["function"], args: [{ $tensor: "i0" }], expect: { $tensor: "o0" }, tensors }
);
const data = { x: Float32Array.of(1, 2), y: Float32Array.of(3) };

test("runParity: a case that hangs or ends the process fails by name, and the others go on", async () => {
  const cases = [sum("a"), sum("hangs", "torch.hang"), sum("b"), sum("ends", "torch.crash"), sum("c")];
  const fixtures = writeFolder({ f: { kind: "ops", cases, tensors: data } });
  const results = await runParity({ ...options, fixtures });
  expect(results.map(({ id, outcome }) => `${id} ${outcome}`))
    .toEqual(["a passed", "hangs failed", "b passed", "ends failed", "c passed"]);
  expect(results[1]!.reason).toBe("gave no result within 3 s");
  expect(results[3]!.reason).toMatch("ended the process");
});

test("runParity: selects by tier, kind and text, and keeps the order of the index", async () => {
  const file = (names: string[]) => ({
    kind: "ops" as const,
    cases: names.map((id) => sum(id, "torch.sum", id[0])),
    tensors: data,
  });
  const fixtures = writeFolder({
    f: file(["1a", "2a"]),
    g: file(["1b", "3a"]),
    h: { kind: "errors", cases: [] },
  });
  const ids = async (more: object) =>
    (await runParity({ ...options, jobs: 2, fixtures, ...more })).map(({ id }) => id);
  expect(await ids({})).toEqual(["1a", "2a", "1b", "3a"]);
  expect(await ids({ tiers: ["1", "3"] })).toEqual(["1a", "1b", "3a"]);
  expect(await ids({ match: "a", kinds: ["ops"] })).toEqual(["1a", "2a", "3a"]);
  expect(await ids({ kinds: ["errors"] })).toEqual([]);
});

test("runParity: applies the accepted differences", async () => {
  const fixtures = writeFolder({
    f: { kind: "ops", cases: [sum("a"), sum("b", "torch.exp")], tensors: data },
  });
  const differences = [{ see: "x", kind: "ops" as const, id: ["*"], shows: /shape must be/ }];
  const results = await runParity({ ...options, fixtures, differences });
  expect(results.map(({ outcome }) => outcome)).toEqual(["failed", "different"]);
});

test("runParity: a module that does not load is an error, not a result", async () => {
  const fixtures = writeFolder({ f: { kind: "ops", cases: [sum("a")], tensors: data } });
  await expect(runParity({ ...options, fixtures, library: "file:///nowhere.ts" })).rejects.toThrow(
    "Cannot start",
  );
});
