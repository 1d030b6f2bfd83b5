import { expect, test } from "vitest";
import { camelCase, camelKeys, invoke, memberName, Missing, resolve, spelled } from "./names.ts";

test.each([
  ["log_softmax", "logSoftmax"],
  ["add_", "add_"],
  ["clip_grad_norm_", "clipGradNorm_"],
  ["conv_transpose2d", "convTranspose2d"],
  ["atleast_1d", "atleast1d"],
  ["T_max", "TMax"],
  ["T_0", "T0"],
  ["UPLO", "UPLO"],
  ["nan_to_num", "nanToNum"],
])("camelCase: %s → %s", (name, want) => expect(camelCase(name)).toBe(want));

test.each([
  ["torch.log_softmax", "torch.logSoftmax"],
  ["torch.nn.functional.conv2d", "torch.nn.functional.conv2d"],
  ["torch.linalg.vector_norm", "torch.linalg.vectorNorm"],
  ["torch.optim.lr_scheduler.StepLR", "torch.optim.lrScheduler.StepLR"],
  ["torch.Tensor.index_add_", "Tensor.indexAdd_"],
  ["torch.Tensor.__getitem__", "Tensor.index"],
])("spelled: %s → %s", (call, want) => expect(spelled(call)).toBe(want));

test("memberName: syntax of Python has names of its own", () => {
  expect(["torch.Tensor.__setitem__", "torch.Tensor.tolist"].map(memberName)).toEqual([
    "setIndex",
    "toArray",
  ]);
});

test("camelKeys: names of options", () => {
  expect(camelKeys({ kernel_size: 2, dim: 1 }, (n) => n + 1)).toEqual({ kernelSize: 3, dim: 2 });
});

test("resolve: walks namespaces, and says what is missing", () => {
  const f = () => {};
  expect(resolve({ nn: { functional: { conv2d: f } } }, "torch.nn.functional.conv2d")).toBe(f);
  expect(() => resolve({ nn: {} }, "torch.nn.functional.conv2d")).toThrow(
    new Missing("torch.nn.functional.conv2d"),
  );
});

test("invoke: keeps `this`, and says what is missing", () => {
  class Box {
    value = 3;
    get(n: number): number {
      return this.value + n;
    }
  }
  expect(invoke(new Box(), "get", 1)).toBe(4);
  expect(() => invoke(new Box(), "set")).toThrow(new Missing("Box.set"));
});
