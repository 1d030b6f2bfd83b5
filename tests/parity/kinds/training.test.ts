import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CaseRunner, Context } from "../context.ts";
import { type Case, Fixture } from "../fixtures.ts";
import { Library } from "../library.ts";
import { runCase } from "../outcome.ts";
import { torch } from "../testdata/fake_training.ts";
import { writeFolder } from "../testdata/folder.ts";
import { runClip } from "./clip.ts";
import { runInit } from "./init.ts";
import { runModule } from "./modules.ts";
import { runOptim } from "./optim.ts";
import { runRandom } from "./random.ts";
import { runScheduler } from "./schedulers.ts";
import { runSerialization } from "./serialization.ts";

const folder = writeFolder({
  f: {
    kind: "optim",
    cases: [],
    tensors: {
      x: Float32Array.of(1, 2),
      w: Float32Array.of(3, 4),
      product: Float32Array.of(3, 8),
      ones: Float32Array.of(1, 1),
      zero: Float32Array.of(0),
      two: Float32Array.of(2),
      gradients: Float32Array.of(1, 2, 3, 4),
      trajectory: Float32Array.of(0.5, 1, -1, -1),
      descent: Float32Array.of(0, 0, 0, 0),
      clipped: Float32Array.of(1, 1.5),
      t: Float32Array.of(1.5),
    },
  },
});
writeFileSync(join(folder, "good.pt"), Uint8Array.of(7));
writeFileSync(join(folder, "bad.pt"), Uint8Array.of(0));
const close = { rtol: 1e-6, atol: 1e-6 };
const context: Context = {
  library: new Library(torch),
  fixture: new Fixture(folder, "f.json"),
  tolerance: { exact: { rtol: 0, atol: 0 }, accum: close, loose: close },
  factor: 1,
};
const of = (data: string, shape: number[], more: object = {}) => ({ data, dtype: "float32", shape, ...more });

async function run(runner: CaseRunner, testCase: Record<string, unknown>): Promise<string> {
  const { outcome, reason } = await runCase(runner, context, { id: "t", ...testCase } as Case);
  return reason === undefined ? outcome : `${outcome}: ${reason}`;
}

test("modules: state dict, output, gradients, and what the call changes", async () => {
  const scale = {
    module: "Scale",
    init_args: [2],
    training: true,
    state_dict: { weight: "p0", calls: "p1" },
    inputs: [{ $tensor: "i0" }],
    forward_calls: 2,
    expect: { $tensor: "o0" },
    param_grads: { weight: "g0" },
    grad: { i0: "g1" },
    state_after: { calls: "s0" },
    tensors: {
      i0: of("x", [2]),
      p0: of("w", [2]),
      p1: of("zero", []),
      o0: of("product", [2], { cotangent: "c0" }),
      c0: of("ones", [2]),
      g0: of("x", [2]),
      g1: of("w", [2]),
      s0: of("two", []),
    },
  };
  expect(await run(runModule, scale)).toBe("passed");
  expect(await run(runModule, { ...scale, param_grads: { weight: "g1" } })).toMatch(
    "failed: grad of weight[0]",
  );
  expect(await run(runModule, { ...scale, training: false })).toMatch(
    "failed: calls after the call[0]: must be 2, got 0",
  );
  expect(await run(runModule, { ...scale, state_dict: { calls: "p1", weight: "p0" } }))
    .toBe("failed: state dict: the names must be calls, weight, got weight, calls");
  expect(await run(runModule, { ...scale, module: "Shift" })).toBe("missing: torch.nn.Shift is not offered");
});

test("optim: values after every step, state and keys of groups", async () => {
  const sgd = {
    optimizer: "SGD",
    mode: "gradients",
    steps: 2,
    kwargs: { lr: { $float: 0.5 } },
    groups: [{ params: ["w"], kwargs: {} }],
    params: { w: "p0" },
    gradients: { w: "i0" },
    trajectory: { w: "o0" },
    state_after: { w: { step: { $float: 2 } } },
    group_keys: ["lr", "params"],
    tensors: {
      p0: of("x", [2]),
      i0: of("gradients", [2, 2]),
      o0: of("trajectory", [2, 2], { compare: "close", tol: "accum" }),
    },
  };
  expect(await run(runOptim, sgd)).toBe("passed");
  expect(await run(runOptim, { ...sgd, groups: [{ params: ["w"], kwargs: { lr: 0.1 } }] })).toMatch(
    "w after each step[0]",
  );
  expect(await run(runOptim, { ...sgd, state_after: { w: { step: { $float: 3 } } } })).toMatch(
    "state step of w: must be 3",
  );
  expect(await run(runOptim, { ...sgd, group_keys: ["lr", "momentum"] })).toMatch("must have momentum");
});

test("optim: a closure gives the loss of the formula", async () => {
  const closure = {
    optimizer: "SGD",
    mode: "closure",
    steps: 2,
    kwargs: { lr: 0.5 },
    groups: [{ params: ["w"], kwargs: {} }],
    params: { w: "p0" },
    formula: "loss = sum(w * w)",
    trajectory: { w: "o0" },
    losses: [{ $float: 5 }, { $float: 0 }],
    loss_tol: "loose",
    tensors: { p0: of("x", [2]), o0: of("descent", [2, 2]) },
  };
  expect(await run(runOptim, closure)).toBe("passed");
  expect(await run(runOptim, { ...closure, losses: [{ $float: 5 }, { $float: 1 }] })).toMatch(
    "loss of step 2: must be 1",
  );
});

test("schedulers: the rates of all groups after every step", async () => {
  const schedule = {
    scheduler: "StepLR",
    kwargs: { step_size: 2 },
    optimizer_kwargs: {},
    initial_lrs: [1, 0.5],
    steps: 2,
    lrs: [[1, 0.5], [1, 0.5], [0.1, 0.05]],
    rtol: 1e-9,
    atol: 1e-12,
  };
  expect(await run(runScheduler, schedule)).toBe("passed");
  expect(await run(runScheduler, { ...schedule, kwargs: { step_size: 1 } })).toMatch(
    "lr of step 1, group 0: must be 1",
  );
});

test("clip: the gradients afterwards and the norm", async () => {
  const clip = {
    call: "torch.nn.utils.clip_grad_value_",
    kwargs: { clip_value: { $float: 1.5 } },
    gradients: ["i0"],
    gradients_after: ["o0"],
    tensors: { i0: of("x", [2]), o0: of("clipped", [2]), o1: of("two", []) },
  };
  expect(await run(runClip, clip)).toBe("passed");
  expect(await run(runClip, { ...clip, kwargs: { clip_value: 1 } })).toMatch("failed: gradient 0[1]");
  expect(await run(runClip, { ...clip, total_norm: "o1" })).toMatch(
    "failed: total norm[0]: must be 2, got 1",
  );
});

test("random: properties, and the same numbers from the same seed", async () => {
  const checks = { shape: [500], min: 0, max: 1, mean: [0.5, 0.1], reproducible: true };
  expect(await run(runRandom, { call: "torch.rand", args: [{ $tuple: [500] }], checks })).toBe("passed");
  expect(
    await run(runRandom, { call: "torch.rand", args: [{ $tuple: [500] }], checks: { ...checks, max: 0.5 } }),
  )
    .toMatch("failed: max: must be at most 0.5");
  expect(await run(runRandom, { call: "torch.rand_forgetful", args: [{ $tuple: [500] }], checks })).toMatch(
    "reproducible",
  );
});

test("init: in place, by module, and as a number", async () => {
  const constant = {
    call: "torch.nn.init.constant_",
    shape: [2, 3],
    kwargs: { val: { $float: 0.5 } },
    checks: { equal: 0.5 },
  };
  expect(await run(runInit, constant)).toBe("passed");
  expect(await run(runInit, { ...constant, checks: { equal: 0.6 } })).toMatch("equal: must be 0.6, got 0.5");
  expect(await run(runInit, { ...constant, call: "torch.nn.init.ones_", kwargs: {} })).toMatch(
    "must return the tensor",
  );
  const module = {
    module: "Scale",
    args: [3],
    kwargs: { init: 2 },
    param: "weight",
    checks: { shape: [3], equal: 2 },
  };
  expect(await run(runInit, module)).toBe("passed");
  expect(await run(runInit, { ...module, param: "bias" })).toMatch("must be a tensor");
  const gain = { call: "torch.nn.init.calculate_gain", args: ["relu"], checks: { value: Math.SQRT2 } };
  expect(await run(runInit, gain)).toBe("passed");
  expect(await run(runInit, { ...gain, checks: { value: 1 } })).toMatch("value: must be 1");
});

test("serialization: loads and compares, or rejects with an error of the library", async () => {
  const value = { $map: [["n", 7], ["t", { $tensor: "t0" }], ["l", [1, "a", null]]] };
  const good = { file: "good.pt", format: "torch-zip", expect: "load", value, tensors: { t0: of("t", [1]) } };
  expect(await run(runSerialization, good)).toBe("passed");
  expect(await run(runSerialization, { ...good, value: { $map: [["n", 7]] } })).toMatch("keys n, t, l");
  expect(await run(runSerialization, { ...good, tensors: { t0: of("two", [1]) } })).toMatch(
    "value.t[0]: must be 2, got 1.5",
  );
  expect(await run(runSerialization, { ...good, expect: "reject", error: "bad" })).toMatch(
    "must be rejected (bad)",
  );
  const bad = { file: "bad.pt", format: "torch-zip", expect: "reject" };
  expect(await run(runSerialization, bad)).toBe("passed");
  expect(await run(runSerialization, { ...bad, expect: "load-or-reject" })).toBe("passed");
  expect(await run(runSerialization, { ...bad, expect: "load" })).toMatch("must load, threw TorchError");
  expect(await run(runSerialization, { ...bad, format: "onnx" })).toBe(
    "missing: torch.load of onnx is not offered",
  );
});
