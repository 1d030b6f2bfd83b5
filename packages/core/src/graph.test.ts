import { describe, expect, it } from "vitest";
import { float32, int32, int64 } from "./dtype.ts";
import { ShapeError, ValueError } from "./errors.ts";
import { formatGraph, GraphBuilder, type GraphNode, type GraphValue, removeDeadNodes } from "./graph.ts";

function names(nodes: readonly GraphNode[]): string[] {
  return nodes.map((node) => node.name);
}

describe("GraphBuilder", () => {
  it("records nodes with the types of the shape rules", () => {
    const builder = new GraphBuilder();
    const x = builder.input({ shape: [2, 3], dtype: float32 });
    const [values, indices] = builder.bind("sort", [x], { dim: 1, descending: false });
    const total = builder.bind("sum", [values], { dims: [1], keepdim: false });
    const graph = builder.finish([total, indices]);
    expect(names(graph.nodes)).toEqual(["sort", "sum"]);
    expect(graph.nodes[0]!.outputs).toEqual([values, indices]);
    expect(indices).toMatchObject({ shape: [2, 3], dtype: int32 });
    expect(total).toMatchObject({ shape: [2], dtype: float32 });
    expect(graph.outputs).toEqual([total, indices]);
  });

  it("gives every result a value of its own, also where the rule answers its input", () => {
    const builder = new GraphBuilder();
    const x = builder.input({ shape: [2], dtype: float32 });
    const y = builder.bind("exp", [x], null);
    expect(y).not.toBe(x);
    expect(y).toEqual(x);
  });

  it("passes on what the shape rule throws, and adds nothing", () => {
    const builder = new GraphBuilder();
    const x = builder.input({ shape: [2], dtype: float32 });
    const y = builder.input({ shape: [3], dtype: float32 });
    expect(() => builder.bind("add", [x, y], null)).toThrow(ShapeError);
    expect(builder.finish([x]).nodes).toEqual([]);
  });

  it("refuses values of another graph", () => {
    const foreign = new GraphBuilder().input({ shape: [2], dtype: float32 });
    const builder = new GraphBuilder();
    expect(() => builder.bind("exp", [foreign], null)).toThrow(
      new ValueError("Cannot exp float32[2]: a value must come from the same graph, got one of another"),
    );
    expect(() => builder.finish([foreign])).toThrow(ValueError);
  });

  it("finish: later nodes do not change a finished graph", () => {
    const builder = new GraphBuilder();
    const x = builder.input({ shape: [2], dtype: float32 });
    const graph = builder.finish([x]);
    builder.bind("exp", [x], null);
    expect(graph.nodes).toEqual([]);
  });
});

describe("removeDeadNodes", () => {
  it("drops chains that nobody reads and keeps inputs and order", () => {
    const { bind, ...rest } = scaffold();
    const dead = bind("exp", [rest.x], null);
    bind("log", [dead], null);
    const kept = bind("neg", [rest.x], null);
    const [, indices] = bind("sort", [kept], { dim: 0, descending: true });
    const graph = removeDeadNodes(rest.builder.finish([indices]));
    expect(names(graph.nodes)).toEqual(["neg", "sort"]);
    expect(graph.inputs).toEqual([rest.x]);
  });

  it("drops everything when an input is returned", () => {
    const { bind, builder, x } = scaffold();
    bind("exp", [x], null);
    expect(removeDeadNodes(builder.finish([x])).nodes).toEqual([]);
  });

  function scaffold(): { builder: GraphBuilder; bind: GraphBuilder["bind"]; x: GraphValue } {
    const builder = new GraphBuilder();
    return { builder, bind: builder.bind, x: builder.input({ shape: [4], dtype: float32 }) };
  }
});

describe("formatGraph", () => {
  it("writes values, types and attributes", () => {
    const builder = new GraphBuilder();
    const x = builder.input({ shape: [2, 3], dtype: float32 }, 'the "x"');
    const i = builder.input({ shape: [], dtype: int64 });
    const padded = builder.bind("pad", [x], { low: [0, 0], high: [0, 1], value: -Infinity });
    const limited = builder.bind("clamp", [padded], { min: -0, max: null });
    const [values, indices] = builder.bind("topk", [limited], { dim: 1, k: 2, largest: true });
    const big = builder.bind("full", [], { shape: [], value: 9007199254740993n, dtype: int64 });
    const gelu = builder.bind("gelu", [values], { approximate: "tanh" });
    const exact = builder.bind("eq", [i, big], null);
    expect(formatGraph(builder.finish([gelu, indices, exact, x]))).toBe(
      `graph (%0: float32[2, 3] "the \\"x\\"", %1: int64[]) {
  %2: float32[2, 4] = pad(%0, low: [0, 0], high: [0, 1], value: -Infinity)
  %3: float32[2, 4] = clamp(%2, min: -0, max: null)
  %4: float32[2, 2], %5: int32[2, 2] = topk(%3, dim: 1, k: 2, largest: true)
  %6: int64[] = full(shape: [], value: 9007199254740993n, dtype: int64)
  %7: float32[2, 2] = gelu(%4, approximate: "tanh")
  %8: bool[] = eq(%1, %6)
  return %7, %5, %8, %0
}
`,
    );
  });
});
