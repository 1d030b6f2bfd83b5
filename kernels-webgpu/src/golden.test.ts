import {
  bool,
  contiguousStrides,
  type ConvAttrs,
  type DType,
  float16,
  float32,
  int32,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { Sequence, Step } from "./dispatch.ts";
import { ownKernels } from "./kernels/table.ts";
import { Scratch } from "./memory.ts";
import { float, wgsl } from "./wgsl.ts";

// The text of a kernel needs no device. After a change that is meant: `deno task test -u golden`.

const limits = { maxBindingBytes: 2 ** 27 };
const kernels = ownKernels(limits);
const window: ConvAttrs = { stride: [2, 2], padding: [0, 0], dilation: [1, 1], groups: 1 };
const tensor = (
  shape: Shape,
  dtype: DType = float32,
  strides: Shape = contiguousStrides(shape),
): Operand => ({
  buffer: new Scratch(4096),
  shape,
  dtype,
  strides,
  offset: 0,
});

/** The step of a dispatch that has only one. */
function step(dispatch: unknown): Step {
  expect(dispatch).toBeInstanceOf(Step);
  return dispatch as Step;
}

const x = tensor([4, 8]);
const CASES: Readonly<Record<string, () => Step>> = {
  "add, flat": () => step(kernels.add([x, tensor([4, 8])], tensor([4, 8]), null)),
  "add, in place": () => step(kernels.add([x, tensor([4, 8])], x, null)),
  "mul, broadcast and strided": () =>
    step(kernels.mul([tensor([4, 8], float32, [1, 4]), tensor([8])], tensor([4, 8]), null)),
  "gt, whole words of bools": () => step(kernels.gt([x, tensor([8])], tensor([4, 8], bool), null)),
  "copy, bools to a strided place": () =>
    step(kernels.copy([tensor([4, 8], bool)], tensor([4, 8], bool, [1, 4]), null)),
  "sum, rows": () => step(kernels.sum([tensor([4, 100])], tensor([4]), { dims: [1], keepdim: false })),
  "sum, columns": () => step(kernels.sum([tensor([100, 64])], tensor([64]), { dims: [0], keepdim: false })),
  "matmul, small tiles": () =>
    step(kernels.matmul([tensor([20, 30]), tensor([30, 20])], tensor([20, 20]), null)),
  "matmul, large tiles": () =>
    step(kernels.matmul([tensor([4096, 4096]), tensor([4096, 4096])], tensor([4096, 4096]), null)),
  "matmul, short text": () =>
    step(
      ownKernels({ ...limits, brief: true }).matmul(
        [tensor([20, 30]), tensor([30, 20])],
        tensor([20, 20]),
        null,
      ),
    ),
  "matmul, one row": () => step(kernels.matmul([tensor([1, 60]), tensor([60, 64])], tensor([1, 64]), null)),
  "linear, rows of halves, by subgroups": () =>
    step(
      ownKernels({ ...limits, gemm: { table: null, forced: { parts: 1 }, subgroups: "directive" } }).linear!(
        [tensor([2, 256], float16), tensor([64, 256], float16), tensor([64], float16)],
        tensor([2, 64], float16),
        null,
      ),
    ),
  "conv": () =>
    step(kernels.conv!([tensor([2, 8, 9, 9]), tensor([32, 8, 3, 3])], tensor([2, 32, 4, 4]), window)),
  "conv, gradient for the input": () =>
    step(
      kernels.convInputGrad!([tensor([2, 32, 4, 4]), tensor([32, 20, 3, 3])], tensor([2, 20, 9, 9]), {
        ...window,
        inputSize: [9, 9],
      }),
    ),
  "conv, gradient for the weight": () =>
    step(
      kernels.convWeightGrad!([tensor([2, 32, 4, 4]), tensor([2, 8, 9, 9])], tensor([32, 8, 3, 3]), {
        ...window,
        kernelSize: [3, 3],
      }),
    ),
  "max pooling, gradient": () =>
    step(
      kernels.maxPoolBackward!([tensor([2, 3, 4, 4]), tensor([2, 3, 4, 4], int32)], tensor([2, 3, 9, 9]), {
        kernelSize: [3, 3],
        stride: [2, 2],
        padding: [0, 0],
        dilation: [1, 1],
        ceilMode: false,
        inputSize: [9, 9],
      }),
    ),
  "gather": () => step(kernels.gather([x, tensor([4, 8], int32)], tensor([4, 8]), { dim: 0 })),
};

for (const [name, make] of Object.entries(CASES)) {
  test(`golden: ${name}`, async () => {
    const { key, source } = make().parts;
    const file = name.replace(/\W+/g, "_");
    await expect(`// ${key}\n${source()}`).toMatchFileSnapshot(`./testdata/${file}.wgsl`);
  });
}

test("key: sizes do not change it, what changes the text does", () => {
  const keyOf = (shape: Shape, strides?: Shape, dtype?: DType): string => {
    const y = tensor(shape, dtype, strides);
    return step(kernels.add([y, tensor(shape, dtype)], tensor(shape, dtype), null)).parts.key;
  };
  expect(keyOf([4, 8])).toBe(keyOf([5, 3, 7]));
  expect(keyOf([4, 8], [1, 4])).toBe(keyOf([5, 3], [1, 5]));
  expect(keyOf([4, 8], [1, 4])).not.toBe(keyOf([4, 8]));
  expect(keyOf([4, 8], undefined, int32)).not.toBe(keyOf([4, 8]));
});

test("a long reduction runs in two stages, with memory of its own", () => {
  const dispatch = kernels.sum([tensor([1_000_000])], tensor([]), { dims: [0], keepdim: false });
  expect(dispatch).toBeInstanceOf(Sequence);
  expect((dispatch as Sequence).steps).toHaveLength(2);
});

test("operands beyond the binding limit run in pieces", () => {
  const small = ownKernels({ maxBindingBytes: 2 ** 20 });
  const [a, b] = [tensor([1024, 1024]), tensor([1024, 1024])];
  const dispatch = small.exp([a], b, null);
  expect(dispatch).toBeInstanceOf(Sequence);
  expect((dispatch as Sequence).steps.length).toBeGreaterThanOrEqual(4);
});

test("wgsl: parts keep the indentation of their place, empty ones leave no line", () => {
  expect(wgsl`
    a {
      ${["b", "c"]}
      ${false}
      ${"d\n  e"}
    }
  `).toBe("a {\n  b\n  c\n  d\n    e\n}");
  expect([float(1), float(0.1), float(1e-30), float(-2)]).toEqual([
    "1.0f",
    "0.10000000149011612f",
    "1.0000000031710769e-30f",
    "-2.0f",
  ]);
});
