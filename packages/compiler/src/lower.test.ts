import {
  type Bind,
  float32,
  float64,
  formatProgram,
  type Graph,
  GraphBuilder,
  type GraphValue,
  parseProgram,
  type Program,
  type Shape,
  ShapeError,
  stringifyProgram,
} from "@flambeau/core";
import { describe, expect, it } from "vitest";
import { lower } from "./lower.ts";

/** The graph of `compute` on float32 inputs of these shapes, called a, b, …. */
function trace(
  shapes: readonly Shape[],
  compute: (bind: Bind<GraphValue>, ...inputs: GraphValue[]) => GraphValue[],
): Graph {
  const builder = new GraphBuilder();
  const inputs = shapes.map((shape, i) =>
    builder.input({ shape, dtype: float32 }, String.fromCharCode(97 + i))
  );
  return builder.finish(compute(builder.bind, ...inputs));
}

function names(program: Program): string[] {
  return program.steps.map(({ name }) => name);
}

describe("lower: golden", () => {
  it("a layer: views are geometries, the decomposition works in place", () => {
    const graph = trace([[2, 3], [4, 3], [4]], (bind, x, weight, bias) => {
      const y = bind("linear", [x, weight, bias], null);
      return [bind("softmax", [y], { dim: 1 })];
    });
    expect(formatProgram(lower(graph))).toBe(`program with an arena of 512 bytes
  %0: input "a", 24 bytes
  %1: input "b", 48 bytes
  %2: input "c", 16 bytes
  %3: arena at 0, 32 bytes
  %4: arena at 256, 8 bytes
  %5: arena at 256, 8 bytes
  %6: output, 32 bytes

  %3 float32[2, 4] = matmul(%0 float32[2, 3], %1 float32[3, 4] by [1, 3])
  %3 float32[2, 4] = add(%3 float32[2, 4], %2 float32[4])
  %4 float32[2, 1] = amax(%3 float32[2, 4], dims: [1], keepdim: true)
  %3 float32[2, 4] = sub(%3 float32[2, 4], %4 float32[2, 1])
  %3 float32[2, 4] = exp(%3 float32[2, 4])
  %5 float32[2, 1] = sum(%3 float32[2, 4], dims: [1], keepdim: true)
  %6 float32[2, 4] = div(%3 float32[2, 4], %5 float32[2, 1])
`);
  });

  it("the same with the backend's own kernels", () => {
    const graph = trace([[2, 3], [4, 3], [4]], (bind, x, weight, bias) => {
      const y = bind("linear", [x, weight, bias], null);
      return [bind("softmax", [y], { dim: 1 })];
    });
    expect(formatProgram(lower(graph, () => true))).toBe(`program with an arena of 256 bytes
  %0: input "a", 24 bytes
  %1: input "b", 48 bytes
  %2: input "c", 16 bytes
  %3: arena at 0, 32 bytes
  %4: output, 32 bytes

  %3 float32[2, 4] = linear(%0 float32[2, 3], %1 float32[4, 3], %2 float32[4])
  %4 float32[2, 4] = softmax(%3 float32[2, 4], dim: 1)
`);
  });

  it("a convolution: one padded copy, one copy of the windows, one product into the output", () => {
    const graph = trace([[1, 2, 4, 4], [3, 2, 3, 3]], (bind, x, weight) => {
      const attrs = { stride: [2, 2], padding: [1, 1], dilation: [1, 1], groups: 1 };
      return [bind("conv", [x, weight], attrs)];
    });
    expect(formatProgram(lower(graph))).toBe(`program with an arena of 768 bytes
  %0: input "a", 128 bytes
  %1: input "b", 216 bytes
  %2: arena at 512, 200 bytes
  %3: arena at 0, 288 bytes
  %4: output, 48 bytes

  %2 float32[1, 2, 5, 5] = pad(%0 float32[1, 2, 4, 4], low: [0, 0, 1, 1], high: [0, 0, 0, 0], value: 0)
  %3 float32[1, 2, 3, 3, 2, 2] = copy(%2 float32[1, 2, 3, 3, 2, 2] by [50, 25, 5, 1, 10, 2])
  %4 float32[1, 1, 3, 4] = matmul(%1 float32[1, 3, 18], %3 float32[1, 1, 18, 4])
`);
  });
});

describe("lower", () => {
  it("asks about fused primitives with the geometries of their operands", () => {
    const asked: unknown[] = [];
    const graph = trace([[2, 3]], (bind, x) => {
      const turned = bind("permute", [x], { dims: [1, 0] });
      return [bind("silu", [turned], null)];
    });
    const program = lower(graph, (name, [x], [y], attrs) => {
      asked.push([name, x!.shape, x!.strides, y!.strides, attrs]);
      return true;
    });
    expect(asked).toEqual([["silu", [3, 2], [1, 3], [2, 1], null]]);
    expect(names(program)).toEqual(["silu"]);
  });

  it("copies where strides do not allow a view, and nowhere else", () => {
    const viewed = (...dims: number[]) =>
      lower(trace([[2, 3]], (bind, x) => {
        const turned = bind("permute", [x], { dims });
        return [bind("exp", [bind("view", [turned], { shape: [6] })], null)];
      }));
    expect(names(viewed(0, 1))).toEqual(["exp"]);
    expect(names(viewed(1, 0))).toEqual(["copy", "exp"]);
  });

  it("leaves out copies of what is contiguous, and counts asStrided from there", () => {
    const graph = trace([[4, 3]], (bind, x) => {
      const tail = bind("slice", [x], { starts: [2, 0], stops: [4, 3], steps: [1, 1] });
      const copy = bind("copy", [tail], null);
      const attrs = { shape: [2, 2], strides: [2, 1], offset: 1 };
      return [bind("exp", [bind("asStrided", [copy], attrs)], null)];
    });
    const program = lower(graph);
    expect(names(program)).toEqual(["exp"]);
    expect(program.steps[0]!.inputs[0]).toMatchObject({ slot: 0, shape: [2, 2], strides: [2, 1], offset: 7 });
  });

  it("asStrided must stay within the memory of its input", () => {
    const reach = (offset: number) =>
      lower(trace([[2, 3]], (bind, x) => [bind("asStrided", [x], { shape: [2], strides: [2], offset })]));
    expect(names(reach(3))).toEqual(["copy"]);
    expect(() => reach(4)).toThrow(
      new ShapeError(
        "Cannot view as strided float32[2, 3] with shape [2], strides [2] and offset 4: " +
          "it must end within 6 elements, got 7",
      ),
    );
  });

  it("makes equal constants once", () => {
    const graph = trace([[3]], (bind, x) => {
      const half = () => bind("full", [], { shape: [], value: 0.5, dtype: float32 });
      return [bind("add", [bind("mul", [x, half()], null), half()], null)];
    });
    expect(names(lower(graph))).toEqual(["full", "mul", "add"]);
    const wide = trace([], (bind) => [
      bind("full", [], { shape: [], value: 0.5, dtype: float32 }),
      bind("full", [], { shape: [], value: 0.5, dtype: float64 }),
    ]);
    expect(names(lower(wide))).toEqual(["full", "full"]);
  });

  it("drops what a decomposition makes and nobody reads", () => {
    const graph = trace([[2, 2, 4], [4], [4]], (bind, g, x, weight) => {
      const mean = bind("full", [], { shape: [2, 2, 1], value: 0, dtype: float32 });
      const row = bind("expand", [x], { shape: [2, 2, 4] });
      const [, gweight] = bind("layerNormBackward", [g, row, weight, mean, mean], null);
      return [gweight];
    });
    expect(names(lower(graph))).toEqual(["full", "sub", "mul", "mul", "sum"]);
  });

  it("outputs never alias inputs, one another or their bases", () => {
    const graph = trace([[2, 3]], (bind, x) => {
      const y = bind("exp", [x], null);
      const row = bind("slice", [y], { starts: [1, 0], stops: [2, 3], steps: [1, 1] });
      const flat = bind("view", [y], { shape: [6] });
      return [x, flat, y, row];
    });
    const program = lower(graph);
    expect(formatProgram(program)).toBe(`program with an arena of 0 bytes
  %0: input "a", 24 bytes
  %1: output, 24 bytes
  %2: output, 24 bytes
  %3: output, 24 bytes
  %4: output, 12 bytes

  %1 float32[2, 3] = exp(%0 float32[2, 3])
  %2 float32[2, 3] = copy(%0 float32[2, 3])
  %3 float32[2, 3] = copy(%1 float32[2, 3])
  %4 float32[1, 3] = copy(%1 float32[1, 3] from 3)
`);
    expect(program.outputs.map(({ slot, shape }) => [slot, shape])).toEqual([
      [2, [2, 3]],
      [1, [6]],
      [3, [2, 3]],
      [4, [1, 3]],
    ]);
  });

  it("writes in place only over what is read for the last time, in the same order", () => {
    const slots = (compute: (bind: Bind<GraphValue>, x: GraphValue) => GraphValue) => {
      const program = lower(trace([[2, 2]], (bind, x) => {
        const base = bind("exp", [x], null);
        return [bind("sum", [compute(bind, base)], { dims: [0], keepdim: false })];
      }));
      const [first, second] = program.steps;
      return first!.outputs[0]!.slot === second!.outputs[0]!.slot;
    };
    const turned = (bind: Bind<GraphValue>, y: GraphValue) => bind("permute", [y], { dims: [1, 0] });
    expect(slots((bind, y) => bind("neg", [y], null))).toBe(true);
    expect(slots((bind, y) => bind("mul", [y, y], null))).toBe(true);
    expect(slots((bind, y) => bind("mul", [y, turned(bind, y)], null))).toBe(false);
    expect(slots((bind, y) => bind("neg", [turned(bind, y)], null))).toBe(false);
    expect(slots((bind, y) => bind("cumsum", [y], { dim: 0 }))).toBe(false);
    expect(slots((bind, y) => bind("add", [bind("neg", [y], null), y], null))).toBe(false);
    expect(slots((bind, y) => bind("cast", [bind("isnan", [y], null)], { dtype: float32 }))).toBe(false);
  });

  it("makes no step for results without elements, and decomposes where only some have none", () => {
    const graph = trace([[0, 4], [4], [4]], (bind, x, weight, bias) => [
      ...bind("layerNorm", [x, weight, bias], { eps: 0 }),
      ...bind("layerNormBackward", [
        x,
        x,
        weight,
        ...["mean", "rstd"].map(() => bind("full", [], { shape: [0, 1], value: 1, dtype: float32 })) as [
          GraphValue,
          GraphValue,
        ],
      ], null),
    ]);
    const program = lower(graph, () => true);
    expect(names(program)).toEqual(["sum", "sum"]);
    expect(program.outputs.map(({ shape }) => shape)).toEqual([[0, 4], [0, 1], [0, 1], [0, 4], [4], [4]]);
  });

  it("the program survives storage", () => {
    const graph = trace([[1, 2, 5, 4], [4, 1, 2, 2]], (bind, x, weight) => {
      const geometry = { stride: [1, 1], padding: [0, 1], dilation: [2, 1] };
      const y = bind("conv", [x, weight], { ...geometry, groups: 2 });
      return [...bind("maxPool", [y], { ...geometry, dilation: [1, 1], kernelSize: [2, 2], ceilMode: true })];
    });
    const program = lower(graph);
    expect(parseProgram(stringifyProgram(program))).toEqual(program);
  });
});
