import { expect, test } from "vitest";
import type { Context } from "../context.ts";
import { type Case, type Entry, Fixture } from "../fixtures.ts";
import { Library } from "../library.ts";
import { runCase } from "../outcome.ts";
import * as fake from "../testdata/fake_torch.ts";
import { writeFolder } from "../testdata/folder.ts";
import { runOp } from "./ops.ts";
import { runProgram } from "./programs.ts";
import { countMentions, runError } from "./errors.ts";

const folder = writeFolder({
  f: {
    kind: "ops",
    cases: [],
    tensors: {
      x: Float32Array.of(1, 2, 3, 4, 5, 6),
      y: Float32Array.of(6, 5, 4, 3, 2, 1),
      sum: Float32Array.of(13, 12, 11, 10, 9, 8),
      product: Float32Array.of(6, 10, 12, 12, 10, 6),
      exp: Float32Array.from([1, 2, 3, 4, 5, 6], Math.exp),
      transposed: Float32Array.of(1, 4, 2, 5, 3, 6),
      row: Float32Array.of(4, 5, 6),
      written: Float32Array.of(1, 2, 3, 4, 9, 6),
      negative: Float32Array.of(-1, -2, -3, -4, -5, -6),
      ties: Float32Array.of(2, 2, 1),
      sorted: Float32Array.of(1, 2, 2),
      order: Int32Array.of(2, 0, 1),
      ones: Float32Array.of(1, 1, 1, 1, 1, 1),
      twice: Float32Array.of(2, 4, 6, 8, 10, 12),
      total: Float32Array.of(91),
      pairs: Float32Array.of(9, 12),
    },
  },
});
const context: Context = {
  library: new Library(fake),
  fixture: new Fixture(folder, "f.json"),
  tolerance: { exact: { rtol: 0, atol: 0 }, func: { rtol: 2e-5, atol: 2e-6 } },
  factor: 1,
};

const of = (data: string, shape: number[], more: Partial<Entry> = {}): Entry => ({
  data,
  dtype: "float32",
  shape,
  ...more,
});
const i0 = { $tensor: "i0" };
const o0 = { $tensor: "o0" };

/** Runs an op case; what it does not say is one float32[6] input. */
async function op(more: Record<string, unknown> & { tensors?: Record<string, Entry> }) {
  const tensors = { i0: of("x", [6]), i1: of("y", [6]), ...more.tensors };
  const testCase = { id: "t", forms: ["function"], args: [i0], expect: o0, ...more, tensors } as Case;
  const { outcome, reason } = await runCase(runOp, context, testCase);
  return reason === undefined ? outcome : `${outcome}: ${reason}`;
}

test("ops: a right function with an option passes, a wrong value fails with the first one", async () => {
  const add = { call: "torch.add", args: [i0, { $tensor: "i1" }], kwargs: { alpha: { $float: 2 } } };
  expect(await op({ ...add, tensors: { o0: of("sum", [6]) } })).toBe("passed");
  expect(await op({ ...add, kwargs: {}, tensors: { o0: of("sum", [6]) } })).toMatch(
    "failed: o0[0]: must be 13, got 7",
  );
});

test("ops: a form that is not offered is missing, a wrong form counts first", async () => {
  const tensors = { o0: of("negative", [6]) };
  expect(await op({ call: "torch.neg", tensors })).toBe("missing: torch.neg is not offered");
  expect(await op({ call: "torch.neg", forms: ["function", "inplace"], tensors })).toBe(
    "failed: inplace form: the in-place call must return the tensor that it changed",
  );
});

test("ops: gradients through the function, the method and the in-place form", async () => {
  const tensors = {
    o0: of("product", [6], { cotangent: "c0" }),
    c0: of("ones", [6]),
    g0: of("y", [6]),
    g1: of("x", [6]),
  };
  const mul = {
    call: "torch.mul",
    args: [i0, { $tensor: "i1" }],
    forms: ["function", "method", "inplace"],
    tensors,
  };
  expect(await op({ ...mul, grad: { i0: "g0", i1: "g1" } })).toBe("passed");
  expect(await op({ ...mul, grad: { i0: "g1" } })).toMatch(
    "failed: function form: grad of i0[0]: must be 1, got 6",
  );
  expect(await op({ ...mul, grad: { i0: null } })).toMatch(
    "failed: function form: grad of i0: none expected, got some",
  );
});

test("ops: a wrong gradient of a right value fails", async () => {
  const tensors = {
    o0: of("exp", [6], { compare: "close", tol: "func", cotangent: "c0" }),
    c0: of("ones", [6]),
  };
  expect(await op({ call: "torch.exp", tensors })).toBe("passed");
  expect(await op({ call: "torch.exp", tensors: { ...tensors, g0: tensors.o0 }, grad: { i0: "g0" } }))
    .toMatch("failed: grad of i0[0]: must be 2.718");
});

test("ops: a strided input", async () => {
  const strided = of("x", [3, 2], { stride: [1, 3] });
  expect(
    await op({
      call: "torch.Tensor.clone",
      forms: ["method"],
      tensors: { i0: strided, o0: of("transposed", [3, 2]) },
    }),
  )
    .toBe("passed");
  const tensors = { o0: of("total", []) };
  expect(await op({ call: "torch.sum", tensors })).toMatch("failed: o0[0]: must be 91, got 21");
});

test("ops: a view must share memory both ways, a copy must not", async () => {
  const view = { call: "torch.Tensor.view", forms: ["method"], args: [i0, { $tuple: [2, 3] }] };
  expect(await op({ ...view, tensors: { o0: of("x", [2, 3], { alias_of: "i0" }) } })).toBe("passed");
  expect(await op({ ...view, tensors: { o0: of("x", [2, 3]) } })).toBe(
    "failed: o0: must be a copy, shares memory with i0",
  );
  const unsqueeze = { call: "torch.Tensor.unsqueeze", forms: ["method"], args: [i0, 0] };
  expect(await op({ ...unsqueeze, tensors: { o0: of("x", [1, 6], { alias_of: "i0" }) } }))
    .toBe("failed: o0: must share memory with i0");
  expect(await op({ call: "torch.positive", tensors: { o0: of("x", [6]) } })).toMatch("must be a copy");
});

test("ops: a property is read, and a method is no property", async () => {
  const tensors = { i0: of("x", [2, 3]), o0: of("transposed", [3, 2], { alias_of: "i0" }) };
  expect(await op({ call: "torch.Tensor.T", forms: ["property"], tensors })).toBe("passed");
  expect(await op({ call: "torch.Tensor.clone", forms: ["property"], tensors })).toMatch(
    "must be a property",
  );
});

test("ops: an input that a function changes is noticed, unless the case says so", async () => {
  const tensors = { o0: of("x", [6]), m0: of("x", [6]) };
  expect(await op({ call: "torch.abs", tensors })).toMatch("failed: i0 after the call[0]: must be 1, got 0");
});

test("ops: results with several parts go by place or by PyTorch's field names", async () => {
  const tensors = {
    i0: of("ties", [3]),
    o0: of("sorted", [3]),
    o1: { ...of("order", [3]), dtype: "int64", compare: "index" as const, dim: 0 },
  };
  const expect_ = { $tuple: [o0, { $tensor: "o1" }], $names: ["values", "indices"] };
  expect(await op({ call: "torch.sort", expect: expect_, tensors })).toBe("passed");
  expect(await op({ call: "torch.sort", expect: { $tuple: [o0], $names: ["keys"] }, tensors })).toMatch(
    "must be a tensor",
  );
});

test("ops: indexing and setitem", async () => {
  const matrix = { i0: of("x", [2, 3]), o0: of("row", [3]) };
  expect(await op({ call: "torch.Tensor.__getitem__", forms: ["method"], args: [i0, 1], tensors: matrix }))
    .toBe("passed");
  expect(
    await op({
      call: "torch.Tensor.__setitem__",
      forms: ["setitem"],
      args: [i0, 4, { $float: 9 }],
      tensors: { o0: of("written", [6]) },
    }),
  ).toBe("passed");
});

test("ops: complex tensors are pairs, and the call is told", async () => {
  const tensors = {
    i0: { data: "x", dtype: "complex64", shape: [3] },
    o0: { data: "pairs", dtype: "complex64", shape: [] },
  };
  expect(await op({ call: "torch.sum_pairs", tensors })).toBe("passed");
});

test("programs: calls, in-place methods, backward and checks", async () => {
  const testCase = {
    id: "p",
    inputs: { x: { tensor: "i0", requires_grad: true } },
    steps: [
      { call: "torch.mul", args: [{ $var: "x" }, { $var: "x" }], out: "a" },
      { do: "no_grad", steps: [{ call: "torch.mul", args: [{ $var: "x" }, 1], out: "b" }] },
      { call: "torch.sum", args: [{ $var: "a" }], out: "s" },
      { do: "backward", of: "s" },
      { do: "get_grad", of: "x", out: "g" },
    ],
    expect: [
      { check: "value", of: "s", tensor: "o0" },
      { check: "grad", of: "x", tensor: "o1" },
      { check: "value", of: "g", tensor: "o1" },
      { check: "requires_grad", of: "b", value: false },
      { check: "is_leaf", of: "a", value: false },
      { check: "shares_memory", of: "a", with: "x", value: false },
    ],
    tensors: { i0: of("x", [6]), o0: of("total", []), o1: of("twice", [6]) },
  };
  expect(await runCase(runProgram, context, testCase)).toMatchObject({ outcome: "passed" });
  const wrong = { ...testCase, expect: [{ check: "is_leaf", of: "a", value: true }] };
  expect((await runCase(runProgram, context, wrong)).reason).toBe(
    "is_leaf of a must be true, got boolean false",
  );
});

test("errors: the library's own error passes, a result or another error does not", async () => {
  const run = (call: string, args: unknown[], type = "RuntimeError") =>
    runCase(runError, context, {
      id: "e",
      call,
      args,
      error: { type, message: "no", mentions: ["[3]", "6", "7"] },
      tensors: { i0: of("x", [6]), i1: of("row", [3]) },
    });
  const add = ["torch.add", [i0, { $tensor: "i1" }]] as const;
  expect(await run(add[0], [...add[1]])).toMatchObject({ outcome: "passed", notes: { mentions: [2, 3] } });
  expect((await run(add[0], [...add[1]], "ValueError")).outcome).toBe("passed");
  expect((await run(add[0], [...add[1]], "KeyError")).reason).toMatch("must throw what stands for KeyError");
  expect((await run("torch.add", [i0, i0])).reason).toMatch("must throw (no), gave float32[6]");
  expect((await run("torch.add", [i0, 3])).reason).toMatch("threw TypeError");
  expect((await run("torch.sub", [i0, 3])).outcome).toBe("missing");
});

test("countMentions: whole numbers and shapes only", () => {
  expect(countMentions(["2", "[2, 3]", "-1"], "Cannot add float32[2, 3] along -1: got 2")).toEqual([3, 3]);
  expect(countMentions(["2", "1"], "got 12, 2.5 and -1")).toEqual([0, 2]);
});
