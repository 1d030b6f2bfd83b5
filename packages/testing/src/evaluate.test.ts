import { float32, float64, int32, isContiguous, type Operand, ShapeError } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { describe, expect, it } from "vitest";
import { Evaluator } from "./evaluate.ts";

describe("Evaluator", () => {
  it("runs kernels, views and decompositions, and gives its memory back", async () => {
    const backend = createReferenceBackend();
    const evaluator = new Evaluator(backend);
    const { bind } = evaluator;
    const x = evaluator.put(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], float32);
    const turned = bind("permute", [x], { dims: [1, 0] });
    expect(turned).toMatchObject({ shape: [3, 2], strides: [1, 3], dtype: float32 });
    expect(turned.buffer).toBe(x.buffer);
    expect(await evaluator.get(turned)).toEqual(new Float32Array([1, 4, 2, 5, 3, 6]));
    expect(await evaluator.get(bind("sum", [turned], { dims: [1], keepdim: false }))).toEqual(
      new Float32Array([5, 7, 9]),
    );
    const zeros = bind("full", [], { shape: [2, 2], value: 0, dtype: float64 });
    expect(await evaluator.get(bind("softmax", [zeros], { dim: 0 }))).toEqual(new Float64Array(4).fill(0.5));
    const [, places] = bind("sort", [x], { dim: 1, descending: true });
    expect(places.dtype).toBe(int32);
    expect(await evaluator.get(places)).toEqual(new Int32Array([2, 1, 0, 2, 1, 0]));
    expect(await evaluator.get(evaluator.put(new Float32Array(0), [0, 2], float32))).toEqual(
      new Float32Array(0),
    );
    evaluator.dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it("throws what the shape rules throw, and on data of another size", () => {
    const evaluator = new Evaluator(createReferenceBackend());
    const x = evaluator.put(new Float32Array(2), [2], float32);
    expect(() => evaluator.bind("matmul", [x, x], null)).toThrow(ShapeError);
    expect(() => evaluator.put(new Float32Array(2), [3], float32)).toThrow(RangeError);
    expect(() => evaluator.bind("view", [x], { shape: [3] })).toThrow(ShapeError);
  });

  it("decomposeAll: leaves the kernels of fused primitives alone", async () => {
    const backend = createReferenceBackend();
    const asked: boolean[] = [];
    const silu = ([x]: readonly Operand[], y: Operand) => {
      const contiguous = isContiguous(x!.shape, x!.strides);
      asked.push(contiguous);
      return contiguous ? backend.kernels.neg([x!], y, null) : null;
    };
    const fused = Object.create(backend, {
      kernels: { value: { ...backend.kernels, silu } },
    }) as typeof backend;
    // The methods of the reference backend have private state: they must run on it.
    for (const method of ["allocate", "free", "write", "read", "run"] as const) {
      Object.defineProperty(fused, method, { value: (backend[method] as () => void).bind(backend) });
    }
    const run = async (decomposeAll: boolean) => {
      const evaluator = new Evaluator(fused, { decomposeAll });
      const x = evaluator.put(new Float32Array([0, 0, 40, 40]), [2, 2], float32);
      const turned = evaluator.bind("permute", [x], { dims: [1, 0] });
      return Array.from(await evaluator.get(evaluator.bind("silu", [turned], null)), Number);
    };
    expect(await run(true)).toEqual([0, 40, 0, 40]);
    expect(asked).toEqual([]);
    expect(await run(false)).toEqual([-0, -40, -0, -40]);
    expect(asked).toEqual([false, true]);
  });
});
