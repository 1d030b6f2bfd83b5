import {
  type Aval,
  type Backend,
  type Bind,
  type Buffer,
  DeviceError,
  float32,
  float64,
  type Graph,
  GraphBuilder,
  type GraphValue,
  int32,
  isContiguous,
  type KernelTable,
  type Operand,
  parseProgram,
  type Shape,
  stringifyProgram,
  ValueError,
} from "@flambeau/core";
import { createReferenceBackend, type HostDispatch } from "@flambeau/reference";
import { Evaluator } from "@flambeau/testing";
import { afterEach, describe, expect, it } from "vitest";
import { acceptedBy } from "./accepts.ts";
import { loadProgram } from "./executable.ts";
import { lower } from "./lower.ts";

type Compute = <T extends Aval>(bind: Bind<T>, inputs: readonly T[]) => readonly T[];

const backend = createReferenceBackend();
const evaluator = new Evaluator(backend);
afterEach(() => {
  evaluator.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
});

function trace(types: readonly Aval[], compute: Compute): Graph {
  const builder = new GraphBuilder();
  return builder.finish(compute<GraphValue>(builder.bind, types.map((type) => builder.input(type))));
}

function random(shape: Shape, key: number, dtype = float32): Operand {
  return evaluator.bind("randomNormal", [], { shape, dtype, key: [key, 0], counter: 0 });
}

async function read(buffer: Buffer, bytes: number): Promise<number[]> {
  return Array.from(await backend.read(buffer, 0, bytes));
}

/** Runs `compute` as a program and one by one, and holds the results to be the same to the last bit. */
async function expectSame(compute: Compute, inputs: readonly Operand[], on = backend): Promise<void> {
  const program = parseProgram(stringifyProgram(lower(trace(inputs, compute), acceptedBy(on))));
  const executable = loadProgram(on, program);
  const buffers = program.outputs.map(({ slot }) => on.allocate(program.slots[slot]!.bytes));
  const direct = compute<Operand>(evaluator.bind, inputs);
  expect(direct.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    program.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  for (let round = 0; round < 2; round++) {
    executable.run(inputs.map(({ buffer }) => buffer), buffers);
    for (const [i, x] of direct.entries()) {
      const { buffer, byteOffset, byteLength } = await evaluator.get(x);
      const got = await read(buffers[i]!, byteLength);
      expect(got).toEqual(Array.from(new Uint8Array(buffer, byteOffset, byteLength)));
      expect(byteLength === 0 || got.some((byte) => byte !== 0)).toBe(true);
    }
  }
  buffers.forEach((buffer) => on.free(buffer));
  executable.dispose();
}

const perceptron: Compute = (bind, [x, w1, b1, w2, b2]) => {
  const hidden = bind("gelu", [bind("linear", [x!, w1!, b1!], null)], { approximate: "tanh" });
  return [bind("logSoftmax", [bind("linear", [hidden, w2!, b2!], null)], { dim: 1 })];
};

function perceptronInputs(): Operand[] {
  return [[5, 7], [6, 7], [6], [3, 6], [3]].map((shape, i) => random(shape, i));
}

const convolutional: Compute = (bind, [x, w1, w2, gamma, beta, w3, b3]) => {
  const geometry = { stride: [1, 1], dilation: [1, 1], groups: 1 };
  const first = bind("conv", [x!, w1!], { ...geometry, padding: [1, 1] });
  const [normal, mean] = bind("batchNorm", [first, gamma!, beta!], { eps: 1e-5 });
  const pool = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: true };
  const [pooled, places] = bind("maxPool", [bind("relu", [normal], null)], pool);
  const second = bind("conv", [pooled, w2!], { ...geometry, padding: [0, 0], groups: 2 });
  const averaged = bind("avgPool", [second], { ...pool, countIncludePad: true, divisor: null });
  const [n, ...sizes] = averaged.shape as [number, ...number[]];
  const flat = bind("view", [averaged], { shape: [n, sizes.reduce((a, b) => a * b, 1)] });
  return [bind("linear", [flat, w3!, b3!], null), mean, places];
};

function convolutionalInputs(): Operand[] {
  return [[2, 3, 7, 6], [4, 3, 3, 3], [6, 2, 2, 2], [4], [4], [5, 12], [5]].map((shape, i) =>
    random(shape, i)
  );
}

describe("loadProgram: a program gives what its primitives give one by one", () => {
  it("perceptron", () => expectSame(perceptron, perceptronInputs()));

  it("convolutional net", () => expectSame(convolutional, convolutionalInputs()));

  it("causal attention in float64", () => {
    const attend: Compute = (bind, [q, k, v]) => {
      const split = (x: typeof q) =>
        bind("permute", [bind("view", [x!], { shape: [4, 2, 3] })], { dims: [1, 0, 2] });
      const [y, sums] = bind("attention", [split(q), split(k), split(v)], { scale: 0.5, causal: true });
      const joined = bind("view", [bind("copy", [bind("permute", [y], { dims: [1, 0, 2] })], null)], {
        shape: [4, 6],
      });
      return [joined, sums];
    };
    return expectSame(attend, [1, 2, 3].map((key) => random([4, 6], key, float64)));
  });

  it("random numbers, integers and results without elements", () =>
    expectSame((bind, [x]) => {
      const attrs = { shape: [4], key: [1, 2], counter: 3, dtype: int32, low: -5, high: 5 } as const;
      const [sorted, places] = bind("sort", [bind("add", [x!, bind("randomInt", [], attrs)], null)], {
        dim: 0,
        descending: true,
      });
      const nothing = bind("slice", [sorted], { starts: [1], stops: [1], steps: [1] });
      return [places, nothing, bind("concat", [nothing, sorted], { dim: 0 })];
    }, [evaluator.put(new Int32Array([3, 1, 4, 1]), [4], int32)]));

  it("a backend whose kernels take nothing but contiguous operands", () =>
    expectSame(convolutional, convolutionalInputs(), picky(backend, new Set())));

  it("a backend with kernels for fused primitives", async () => {
    const seen = new Set<string>();
    await expectSame(perceptron, perceptronInputs(), picky(backend, seen));
    expect([...seen]).toEqual(["linear"]);
  });
});

/** `inner` with kernels that decline other than contiguous operands, and one for `linear`, noted in `seen`. */
function picky(inner: Backend<HostDispatch>, seen: Set<string>): Backend<HostDispatch> {
  type AnyKernel = (inputs: readonly Operand[], outputs: unknown, attrs: unknown) => HostDispatch | null;
  const kernels = Object.fromEntries(
    Object.entries(inner.kernels as unknown as Record<string, AnyKernel>).map(([name, kernel]) => {
      const wrapped: AnyKernel = (inputs, outputs, attrs) => {
        const strided = inputs.some((x) => !isContiguous(x.shape, x.strides));
        return strided && name !== "copy" && name !== "cast" ? null : kernel(inputs, outputs, attrs);
      };
      return [name, wrapped];
    }),
  ) as unknown as KernelTable<HostDispatch>;
  const linear: KernelTable<HostDispatch>["linear"] = ([x, weight, bias], y) => {
    if (x.shape.length !== 2) return null;
    seen.add("linear");
    const [n, k] = weight.shape as [number, number];
    const transposed = { ...weight, shape: [k, n], strides: [1, k] };
    const product = inner.kernels.matmul([x, transposed], y, null)!;
    const sum = inner.kernels.add([y, bias], y, null)!;
    return () => {
      inner.run(product);
      inner.run(sum);
    };
  };
  const members = [
    "allocate",
    "free",
    "write",
    "read",
    "readSync",
    "run",
    "sync",
    "memory",
    "resetPeak",
  ] as const;
  const bound = Object.fromEntries(
    members.map((member) => [member, (inner[member] as () => void).bind(inner)]),
  );
  const { name, canReadSync, dtypes } = inner;
  return { ...bound, name, canReadSync, dtypes, kernels: { ...kernels, linear } } as Backend<HostDispatch>;
}

describe("Executable", () => {
  const step: Compute = (bind, [param, grad]) => [bind("addScaled", [param!, grad!], { alpha: -0.5 })];
  const type: Aval = { shape: [3], dtype: float32 };

  function put(...values: number[]): Operand {
    return evaluator.put(new Float32Array(values), [values.length], float32);
  }

  it("follows its buffers", async () => {
    const executable = loadProgram(backend, lower(trace([type, type], step)));
    const [a, b, c, out, other] = [put(1, 2, 3), put(2, 2, 2), put(4, 4, 4), put(0, 0, 0), put(0, 0, 0)];
    executable.run([a.buffer, b.buffer], [out.buffer]);
    expect(await evaluator.get(out)).toEqual(new Float32Array([0, 1, 2]));
    executable.run([a.buffer, c.buffer], [other.buffer]);
    expect(await evaluator.get(other)).toEqual(new Float32Array([-1, 0, 1]));
    expect(await evaluator.get(out)).toEqual(new Float32Array([0, 1, 2]));
    backend.write(c.buffer, 0, new Uint8Array(12));
    executable.run([a.buffer, c.buffer], [other.buffer]);
    expect(await evaluator.get(other)).toEqual(new Float32Array([1, 2, 3]));
    executable.dispose();
  });

  it("updates an input in place where nobody reads it any more", async () => {
    const adam: Compute = (bind, [param, grad, m, v]) => {
      const attrs = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, step: 3 };
      return bind("adamStep", [param!, grad!, m!, v!], { ...attrs, decoupled: true, maximize: false });
    };
    const executable = loadProgram(backend, lower(trace([type, type, type, type], adam)));
    const make = () => [put(1, -2, 3), put(0.5, 0, -1), put(0.1, 0.2, 0.3), put(1, 2, 3)] as const;
    const [[param, grad, m, v], apart] = [make(), make()];
    const expected = adam<Operand>(evaluator.bind, apart);
    executable.run([param, grad, m, v].map((x) => x.buffer), [param, m, v].map((x) => x.buffer));
    for (const [i, x] of [param, m, v].entries()) {
      expect(await evaluator.get(x)).toEqual(await evaluator.get(expected[i]!));
    }
    executable.dispose();
  });

  it("refuses an output over an input that is still read", () => {
    const late: Compute = (bind, [x, y]) => {
      const sum = bind("add", [x!, y!], null);
      return [sum, bind("mul", [sum, x!], null), bind("cumsum", [y!], { dim: 0 })];
    };
    const executable = loadProgram(backend, lower(trace([type, type], late)));
    const [x, y, a, b, c] = [put(1, 2, 3), put(1, 2, 3), put(0, 0, 0), put(0, 0, 0), put(0, 0, 0)].map((x) =>
      x.buffer
    ) as [Buffer, Buffer, Buffer, Buffer, Buffer];
    expect(() => executable.run([x, y], [x, b, c])).toThrow(
      new ValueError(
        "Cannot run a program: output 0 must not be the buffer of input 0, " +
          "which step 1 (mul) reads after step 0 has begun to write it",
      ),
    );
    expect(() => executable.run([x, y], [a, b, y])).toThrow("which step 2 (cumsum) reads after step 2 has");
    expect(() => executable.run([x, y], [a, a, c])).toThrow(
      "Cannot run a program: output 1 must have a buffer of its own, got a shared one",
    );
    expect(() => executable.run([x, y], [a, x, c])).not.toThrow();
    executable.dispose();
  });

  it("refuses too few buffers and buffers that are too small", () => {
    const executable = loadProgram(backend, lower(trace([type, type], step)));
    const [x, small] = [put(1, 2, 3).buffer, put(1, 2).buffer];
    expect(() => executable.run([x], [x])).toThrow(
      new ValueError("Cannot run a program: it must get 2 input buffers, got 1"),
    );
    expect(() => executable.run([x, small], [x])).toThrow(
      new ValueError("Cannot run a program: input 1, float32[3], must have 12 bytes, got 8"),
    );
    executable.dispose();
  });

  it("names the step for which the backend has no kernel, and keeps no memory", () => {
    const inner: Compute = (
      bind,
      [x],
    ) => [bind("exp", [bind("softmax", [bind("exp", [x!], null)], { dim: 0 })], null)];
    const program = lower(trace([type], inner), () => true);
    expect(() => loadProgram(backend, program)).toThrow(
      new DeviceError(
        "Cannot softmax float32[3] on reference: it must have a kernel for this step, got none; " +
          "lower the graph for this backend",
      ),
    );
  });
});
