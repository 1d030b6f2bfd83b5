import { describe, expect, test } from "vitest";
import { GradError, int32, ShapeError } from "@flambeau/core";
import { enableGrad, inferenceMode, noGrad, scope, setGradEnabled, type Tensor } from "@flambeau/tensor";
import { bind, fromData } from "@flambeau/tensor/internal";
import { collectGarbage } from "@flambeau/testing";
import { detectAnomaly } from "./anomaly.ts";
import { backward, grad } from "./engine.ts";
import { backend, leaf, t, values } from "./test_support.ts";

const total = (x: Tensor): Tensor => bind("sum", [x], { dims: x.shape.map((_, d) => d), keepdim: false });
const square = (x: Tensor): Tensor => x.mul(x);

describe("backward", () => {
  test("adds to the gradient of leaves", () => {
    const x = leaf([1, 2, 3]);
    total(square(x)).backward();
    expect(values(x.grad)).toEqual([2, 4, 6]);
    total(square(x)).backward();
    expect(values(x.grad)).toEqual([4, 8, 12]);
  });

  test("a tensor that is used twice gets both gradients", () => {
    const x = leaf([3]);
    total(x.mul(x).add(x)).backward();
    expect(values(x.grad)).toEqual([7]);
  });

  test("broadcast operands get summed gradients of their shape", () => {
    const x = leaf([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = leaf([10, 20, 30]);
    total(x.mul(y)).backward();
    expect(x.grad!.shape).toEqual([2, 3]);
    expect(values(x.grad)).toEqual([10, 20, 30, 10, 20, 30]);
    expect(values(y.grad)).toEqual([5, 7, 9]);
  });

  test("takes a gradient for tensors with several elements", () => {
    const x = leaf([1, 2]);
    square(x).backward(t([1, 10]));
    expect(values(x.grad)).toEqual([2, 40]);
  });

  test("refuses several elements without a gradient", () => {
    expect(() => square(leaf([1, 2])).backward()).toThrow(
      /grad can be implicitly created only for scalar outputs/,
    );
  });

  test("refuses a gradient of another shape", () => {
    expect(() => square(leaf([1, 2])).backward(t([1, 2, 3]))).toThrow(ShapeError);
    expect(() => square(leaf([1, 2])).backward(t([1, 2, 3]))).toThrow(/float64\[2\].*float64\[3\]/);
  });

  test("refuses a tensor without history", () => {
    expect(() => total(t([1])).backward()).toThrow(/does not require grad and does not have a gradFn/);
  });

  test("a second pass needs retainGraph", () => {
    const x = leaf([1, 2]);
    const y = total(square(x));
    y.backward();
    expect(() => y.backward()).toThrow(/second time/);
    const z = total(square(x));
    z.backward(null, { retainGraph: true });
    z.backward();
    expect(values(x.grad)).toEqual([6, 12]);
  });

  test("a second pass through nodes that saved nothing is fine", () => {
    const x = leaf([1, 2]);
    const y = total(x.add(1));
    y.backward();
    y.backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  test("inputs restricts where gradients go", () => {
    const x = leaf([1]);
    const y = leaf([2]);
    total(x.mul(y)).backward(null, { inputs: [x] });
    expect(values(x.grad)).toEqual([2]);
    expect(y.grad).toBeNull();
  });

  test("several roots run as one pass", () => {
    const x = leaf([1, 2]);
    const y = square(x);
    backward([total(y), y], [null, t([1, 1])]);
    expect(values(x.grad)).toEqual([4, 8]);
  });

  test("a graph of 20,000 steps does not overflow the stack", () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    total(y).backward();
    expect(values(x.grad)).toEqual([1]);
  });
});

describe("leaves", () => {
  test("an input that is named twice gets its gradient once", () => {
    const x = leaf([3]);
    total(square(x)).backward({ inputs: [x, x] });
    expect(values(x.grad)).toEqual([6]);
  });

  test("a leaf that is set not to require grad after its use gets none", () => {
    const x = leaf([3]);
    const y = leaf([4]);
    const z = total(x.mul(y));
    x.requiresGrad_(false);
    z.backward();
    expect(x.grad).toBe(null);
    expect(values(y.grad)).toEqual([3]);
  });

  test("tensors made by the user are leaves, results are not", () => {
    const x = leaf([1]);
    const y = x.add(1);
    expect([x.isLeaf, y.isLeaf, y.requiresGrad]).toEqual([true, false, true]);
    expect(String(y.gradFn)).toBe("<AddBackward0>");
    expect(x.gradFn).toBeNull();
    expect(y.gradFn!.nextFunctions[0]![0].name).toBe("AccumulateGrad");
  });

  test("requiresGrad of a result cannot be changed", () => {
    const y = leaf([1]).add(1);
    expect(() => y.requiresGrad = false).toThrow(/you can only change requiresGrad flags of leaf variables/);
  });

  test("integers cannot require grad", () => {
    const x = fromData(Int32Array.of(1), [1], int32);
    expect(() => x.requiresGrad = true).toThrow(/only tensors of floating point dtype/);
  });

  test("grad of another shape cannot be assigned", () => {
    const x = leaf([1, 2]);
    expect(() => x.grad = t([1])).toThrow(GradError);
    x.grad = t([5, 6]);
    total(x).backward();
    expect(values(x.grad)).toEqual([6, 7]);
  });
});

describe("modes", () => {
  test("noGrad, enableGrad and setGradEnabled", () => {
    const x = leaf([1]);
    expect(noGrad(() => x.add(1)).requiresGrad).toBe(false);
    expect(noGrad(() => enableGrad(() => x.add(1))).requiresGrad).toBe(true);
    const guard = setGradEnabled(false);
    expect(x.add(1).requiresGrad).toBe(false);
    guard.dispose();
    expect(x.add(1).requiresGrad).toBe(true);
  });

  test("noGrad ends after an error and after a promise", async () => {
    const x = leaf([1]);
    expect(() =>
      noGrad(() => {
        throw new Error("inside");
      })
    ).toThrow("inside");
    expect(x.add(1).requiresGrad).toBe(true);
    await noGrad(async () => {
      await Promise.resolve();
      expect(x.add(1).requiresGrad).toBe(false);
    });
    expect(x.add(1).requiresGrad).toBe(true);
  });

  test("inference tensors cannot join a graph", () => {
    const made = inferenceMode(() => t([1]).add(1));
    expect(() => leaf([1]).mul(made)).toThrow(/inference tensors cannot be saved for backward/);
    expect(() => made.requiresGrad = true).toThrow(/inference/);
    inferenceMode(() => t([1]).mul(0.123456)); // a number is no inference tensor
    expect(leaf([1]).mul(0.123456).requiresGrad).toBe(true);
  });
});

describe("in-place", () => {
  test("a leaf that requires grad cannot be written, but without recording", () => {
    const x = leaf([1]);
    expect(() => x.add_(1)).toThrow(
      /a leaf Variable that requires grad is being used in an in-place operation/,
    );
    expect(values(x)).toEqual([1]);
    noGrad(() => x.add_(1));
    expect(values(x)).toEqual([2]);
  });

  test("a saved value that was overwritten is an error at backward", () => {
    const x = leaf([1, 2]);
    const overwritten = () => {
      const y = bind("exp", [x], null);
      y.add_(1);
      return total(y);
    };
    expect(() => overwritten().backward()).toThrow(
      /modified by an inplace operation: float64\[2\], which is output 0 of ExpBackward0, is at version 1; expected version 0 instead; torch.autograd.detectAnomaly/,
    );
    expect(() => detectAnomaly(() => overwritten().backward())).toThrow(
      /expected version 0 instead. The error came from ExpBackward0, of this forward call/,
    );
  });

  test("a value that nothing saved may be overwritten", () => {
    const x = leaf([1, 2]);
    const y = x.add(1);
    y.mul_(3);
    total(y).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });

  test("an operand that the operation itself overwrites is remembered", () => {
    const x = leaf([2, 3]);
    const w = leaf([5, 7]);
    const y = x.add(0);
    y.mul_(w);
    total(y).backward();
    expect(values(x.grad)).toEqual([5, 7]);
    expect(values(w.grad)).toEqual([2, 3]);
  });

  test("writing a view changes the history of its base and of other views", () => {
    const x = leaf([1, 2, 3, 4]);
    const base = x.add(0);
    const view = bind("slice", [base], { starts: [1], stops: [3], steps: [1] });
    const other = bind("view", [base], { shape: [2, 2] });
    view.mul_(10);
    expect(String(base.gradFn)).toBe("<CopySlices>");
    expect(String(view.gradFn)).toBe("<AsStridedBackward0>");
    expect(values(other)).toEqual([1, 20, 30, 4]);
    total(other.mul(other)).backward();
    expect(values(x.grad)).toEqual([2, 400, 600, 8]);
  });

  test("writing a gradient-carrying value into a buffer makes the buffer require grad", () => {
    const x = leaf([1, 2]);
    const buffer = t([0, 0, 0]);
    bind("slice", [buffer], { starts: [1], stops: [3], steps: [1] }).copy_(x.mul(x));
    expect(buffer.requiresGrad).toBe(true);
    total(buffer.mul(2)).backward();
    expect(values(x.grad)).toEqual([4, 8]);
  });

  test("a view of a leaf that requires grad cannot be written", () => {
    const x = leaf([1, 2]);
    const view = bind("slice", [x], { starts: [0], stops: [1], steps: [1] });
    expect(() => view.add_(1)).toThrow(/a view of a leaf Variable that requires grad/);
  });

  test("a failed write leaves the value and its version alone", () => {
    const x = t([1, 2]);
    const version = x.version;
    expect(() => x.add_(t([1, 2, 3]))).toThrow(ShapeError);
    expect(values(x)).toEqual([1, 2]);
    expect(x.version).toBe(version);
  });
});

describe("in-place, on views", () => {
  test("a view of a base that was transposed in place may be written", () => {
    const x = leaf([1, 2, 3, 4, 5, 6], [3, 2]);
    const y = square(x).transpose_(0, 1); // [2, 3]
    const v = leaf([10, 20]);
    y.select(1, 1).copy_(v);
    y.mul(t([1, 2, 3, 4, 5, 6], [2, 3])).backward(t([1, 1, 1, 1, 1, 1], [2, 3]));
    expect(values(x.grad)).toEqual([2, 16, 0, 0, 30, 72]);
    expect(values(v.grad)).toEqual([2, 5]);
  });

  test("steps that write in place have PyTorch's names, and those of views are CopySlices", () => {
    const made = (write: (x: Tensor) => Tensor) => write(leaf([1, 2], [1, 2]).clone()).gradFn!.name;
    expect(made((x) => x.t_())).toBe("TBackward1");
    expect(made((x) => x.squeeze_())).toBe("SqueezeBackward2");
    expect(made((x) => x.squeeze_(0))).toBe("SqueezeBackward3");
    expect(made((x) => x.unsqueeze_(0))).toBe("UnsqueezeBackward1");
    expect(made((x) => x.clamp_(0))).toBe("ClampBackward1");
    expect(made((x) => x.scatterAdd_(1, t([0], [1, 1]).to(int32), t([1], [1, 1])))).toBe(
      "ScatterAddBackward0",
    );
    expect(made((x) => (x.select(0, 0).indexFill_(0, t([0]).to(int32), 1), x))).toBe("CopySlices");
  });

  test("indexFill_ gives its value the gradient of each part once", () => {
    const x = leaf([1, 2, 3, 4], [2, 2]);
    const v = leaf([5], []);
    const y = x.clone().indexFill_(0, t([1, 1]).to(int32), v);
    expect(values(y)).toEqual([1, 2, 5, 5]);
    expect(y.gradFn!.name).toBe("IndexFillBackward1");
    y.mul(t([1, 2, 3, 4], [2, 2])).backward(t([1, 1, 1, 1], [2, 2]));
    expect(values(x.grad)).toEqual([1, 2, 0, 0]);
    expect(values(v.grad)).toEqual([7]);
  });

  test("a second pass through a write needs retainGraph", () => {
    const x = leaf([1, 2]);
    const y = x.clone();
    y.select(0, 0).fill_(3);
    const z = total(y);
    z.backward();
    expect(() => z.backward()).toThrow(/second time/);
  });

  test("another geometry in place: views of leaves refuse it as leaves do", () => {
    const x = leaf([1, 2], [1, 2]);
    expect(() => x.t_()).toThrow(/a leaf Variable/);
    expect(() => x.t().t_()).toThrow(/a view of a leaf Variable/);
    expect(() => x.select(0, 0).unsqueeze_(0)).toThrow(GradError);
  });

  test("another geometry in place without recording keeps the gradient of a view", () => {
    const x = leaf([1, 2, 3, 4, 5, 6], [3, 2]);
    const y = x.transpose(0, 1);
    noGrad(() => y.unsqueeze_(2));
    total(y.mul(t([1, 2, 3, 4, 5, 6], [2, 3, 1]))).backward();
    expect(values(x.grad)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test("a view stays the view of a leaf after its leaf is set not to require grad", () => {
    const x = leaf([1, 2]);
    const y = x.select(0, 0);
    x.requiresGrad_(false);
    expect(() => y.mul_(2)).toThrow(/a view of a leaf Variable/);
  });
});

describe("grad", () => {
  test("does not touch .grad", () => {
    const x = leaf([3]);
    const [g] = grad(total(square(x)), x);
    expect(values(g!)).toEqual([6]);
    expect(x.grad).toBeNull();
  });

  test("reaches tensors that are no leaves", () => {
    const x = leaf([3]);
    const y = square(x);
    const [g] = grad(total(square(y)), y);
    expect(values(g!)).toEqual([18]);
  });

  test("an input made from another input counts as independent", () => {
    const x = leaf([3]);
    const y = x.mul(2);
    const z = total(x.mul(y));
    const [gx, gy] = grad(z, [x, y]);
    expect(values(gx!)).toEqual([12]);
    expect(values(gy!)).toEqual([3]);
  });

  test("unused inputs are an error unless allowed", () => {
    const x = leaf([1]);
    const y = leaf([1]);
    expect(() => grad(total(x.mul(2)), y)).toThrow(/not have been used in the graph/);
    expect(grad(total(x.mul(2)), y, { allowUnused: true })).toEqual([null]);
  });

  test("inputs that do not require grad are an error", () => {
    expect(() => grad(total(leaf([1])), t([1]))).toThrow(/does not require grad/);
  });

  test("createGraph gives higher derivatives", () => {
    const x = leaf([2]);
    const y = total(x.mul(x).mul(x));
    const [first] = grad(y, x, { createGraph: true });
    const [second] = grad(total(first!), x, { createGraph: true });
    const [third] = grad(total(second!), x);
    expect([values(first!), values(second!), values(third!)]).toEqual([[12], [12], [6]]);
  });
});

describe("hooks", () => {
  test("see and replace the gradient", () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const seen: number[][] = [];
    y.registerHook((g) => {
      seen.push(values(g));
      return g.mul(10);
    });
    const handle = x.registerHook((g) => void seen.push(values(g)));
    total(y).backward();
    expect(seen).toEqual([[1, 1], [30, 30]]);
    expect(values(x.grad)).toEqual([30, 30]);
    handle.remove();
    total(x.mul(1)).backward();
    expect(seen.length).toBe(2);
  });

  test("see the sum of all contributions once", () => {
    const x = leaf([1]);
    let calls = 0;
    x.registerHook(() => void calls++);
    total(x.add(x)).backward();
    expect(calls).toBe(1);
  });

  test("a gradient that a hook keeps stays alive", () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    let kept: Tensor | null = null;
    y.registerHook((g) => {
      kept = g;
    });
    total(y.mul(y)).backward();
    expect(values(kept)).toEqual([4, 8]);
  });

  test("retainGrad keeps the gradient of a result", () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.retainGrad();
    total(y.mul(y)).backward();
    expect(values(y.grad)).toEqual([4, 8]);
    expect(y.retainsGrad).toBe(true);
  });

  test("need a tensor that requires grad", () => {
    expect(() => t([1]).registerHook(() => {})).toThrow(GradError);
    expect(() => t([1]).retainGrad()).toThrow(GradError);
  });
});

describe("memory", () => {
  test("what a graph has saved goes when the graph is dropped, and gradients when the leaf is", async () => {
    const before = backend.memory().liveBytes;
    for (let i = 0; i < 10; i++) {
      const x = leaf(new Array(1000).fill(2));
      scope(() => total(square(square(x))));
      total(square(x)).backward();
      grad(total(square(square(x))), [x], { createGraph: true });
    }
    expect(backend.memory().liveBytes - before).toBeGreaterThan(120_000);
    if (await collectGarbage()) expect(backend.memory().liveBytes - before).toBeLessThan(1000);
  });

  test("a pass frees all gradients but those of leaves", () => {
    const x = leaf(Array.from({ length: 1000 }, (_, i) => i));
    const y = x.mul(2);
    const z = bind("exp", [y.mul(0.001)], null);
    const w = total(z.mul(z));
    const before = backend.memory().liveBytes;
    w.backward();
    expect(backend.memory().liveBytes - before).toBe(8000);
  });

  test("backward with inputs leaves their gradients only", () => {
    const x = leaf([1, 2, 3]);
    const w = leaf([4, 5, 6]);
    const z = total(square(x).mul(w));
    const before = backend.memory().liveBytes;
    z.backward(null, { inputs: [x] });
    expect(backend.memory().liveBytes - before).toBe(24);
    expect(values(x.grad)).toEqual([8, 20, 36]);
  });

  test("gradients belong to the scope around the pass", () => {
    const x = leaf([1, 2, 3]);
    const cube = (): Tensor => total(square(x).mul(x));
    const first = (createGraph: boolean): Tensor => grad(cube(), x, { createGraph })[0]!;
    scope(() => values(first(false))); // makes the constants that are shared from then on
    const before = backend.memory().liveBytes;
    expect(scope(() => values(first(false)))).toEqual([3, 12, 27]);
    expect(scope(() => values(grad(total(first(true)), x)[0]!))).toEqual([6, 12, 18]);
    expect(backend.memory().liveBytes).toBe(before);
    const kept = scope(() => first(false));
    expect(values(kept)).toEqual([3, 12, 27]);
    expect(backend.memory().liveBytes - before).toBe(24);
  });

  test("what a scope leaves to the graph goes when the pass has used it", () => {
    const x = leaf([1, 2, 3]);
    const before = backend.memory().liveBuffers;
    let inner: Tensor | null = null;
    const loss = scope(() => total(square(inner = square(x.add(x)))));
    expect(inner!.isDisposed).toBe(false); // the square of it saved it
    expect(backend.memory().liveBuffers).toBe(before + 3); // x + x, its square, the loss
    loss.backward();
    expect(inner!.isDisposed).toBe(true);
    expect(backend.memory().liveBuffers).toBe(before + 2); // the loss, the gradient
    expect(values(x.grad)).toEqual([64, 512, 1728]); // of (2x)⁴

    const kept = scope(() => [total(square(inner = x.add(x))), inner] as const);
    kept[0].backward();
    expect(values(kept[1])).toEqual([2, 4, 6]);
  });

  test("the peak of a pass through a chain does not grow with its length", () => {
    const peak = (steps: number): number => {
      const x = leaf(Array.from({ length: 1000 }, () => 1));
      let y: Tensor = x;
      for (let i = 0; i < steps; i++) y = y.mul(1.01);
      const end = total(y);
      backend.resetPeak();
      const before = backend.memory().liveBytes;
      end.backward();
      return backend.memory().peakBytes - before;
    };
    expect(peak(50)).toBe(peak(10));
  });
});

describe("gradients of pieces", () => {
  const piece = (x: Tensor, dim: number, start: number, stop: number): Tensor =>
    bind("slice", [x], {
      starts: x.shape.map((_, d) => d === dim ? start : 0),
      stops: x.shape.map((n, d) => d === dim ? stop : n),
      steps: x.shape.map(() => 1),
    });
  const weights = (x: Tensor): Tensor => t(Array.from({ length: x.numel() }, (_, i) => i + 1), x.shape);

  /** What arrives at `x` when each run of columns or rows is weighted by 1, 2, 3 …, next to other uses of `x`. */
  function check(
    runs: readonly (readonly [dim: number, start: number, stop: number])[],
    others: readonly ("before" | "after")[] = [],
  ): void {
    const x = leaf([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
    const y = x.mul(t([1]));
    const want = new Array(8).fill(0);
    const terms: Tensor[] = [];
    if (others.includes("before")) terms.push(total(y));
    for (const [dim, start, stop] of runs) {
      const p = piece(y, dim, start, stop);
      terms.push(total(p.mul(weights(p))));
      let next = 1;
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
          const at = dim === 0 ? i : j;
          if (at >= start && at < stop) want[4 * i + j] += next++;
        }
      }
    }
    if (others.includes("after")) terms.push(total(y));
    others.forEach(() => want.forEach((value, i) => want[i] = value + 1));
    const before = backend.memory().liveBuffers;
    terms.reduce((a, b) => a.add(b)).backward();
    expect(values(x.grad)).toEqual(want);
    expect(backend.memory().liveBuffers).toBeLessThanOrEqual(before + 1 + terms.length);
  }

  test("of a split fill the gradient", () => check([[1, 0, 1], [1, 1, 3], [1, 3, 4]]));
  test("in any order", () => check([[1, 3, 4], [1, 0, 1], [1, 1, 3]]));
  test("leave zeros beside them", () => check([[1, 1, 2]]));
  test("leave zeros between them", () => check([[0, 0, 1], [0, 1, 1]]));
  test("add where they overlap", () => check([[1, 0, 3], [1, 2, 4], [1, 2, 4]]));
  test("add along two dimensions", () => check([[1, 0, 2], [0, 1, 2]]));
  test("add to other gradients", () => {
    check([[1, 0, 1], [1, 2, 3]], ["before"]);
    check([[1, 0, 1], [1, 2, 3]], ["after"]);
    check([[1, 2, 3]], ["before", "after"]);
  });

  test("are seen by hooks, as a whole and one by one", () => {
    const x = leaf([1, 2, 3, 4]);
    const y = x.mul(t([1]));
    const seen: number[][] = [];
    const [a, b] = [piece(y, 0, 0, 2), piece(y, 0, 2, 3)];
    a.registerHook((g) => {
      seen.push(values(g));
      return g.mul(t([10]));
    });
    y.registerHook((g) => void seen.push(values(g)));
    total(a).add(total(b)).backward();
    expect(seen).toEqual([[1, 1], [10, 10, 1, 0]]);
    expect(values(x.grad)).toEqual([10, 10, 1, 0]);
  });

  test("reach leaves and captured inputs", () => {
    const x = leaf([1, 2, 3]);
    const y = square(x);
    const [g] = grad(total(square(piece(y, 0, 1, 3))), y, { retainGraph: true });
    expect(values(g!)).toEqual([0, 8, 18]);
    total(piece(x, 0, 0, 1)).backward();
    total(piece(x, 0, 0, 2)).backward();
    expect(values(x.grad)).toEqual([2, 1, 0]);
  });

  test("have gradients themselves", () => {
    const x = leaf([1, 2, 3]);
    const y = x.mul(t([1]));
    const [g] = grad(total(square(piece(y, 0, 0, 2)).mul(piece(y, 0, 1, 3))), x, { createGraph: true });
    expect(values(g!)).toEqual([4, 13, 4]); // of x0² x1 + x1² x2
    total(square(g!)).backward();
    expect(values(x.grad)).toEqual([84, 204, 104]);
  });

  test("do not write over gradients that others see", () => {
    const x = leaf([1, -2]);
    const given = t([5, 7]);
    const y = x.mul(t([1]));
    bind("relu", [y], null).backward(given);
    expect(values(given)).toEqual([5, 7]);
    expect(values(x.grad)).toEqual([5, 0]);
  });
});

describe("gradients by formulas of their own", () => {
  test("of products: the product of the others, where elements are 0 too", () => {
    const factors = [2, 0, 3, 0, 0, 4, 1, 2, 3];
    const want = [0, 6, 0, 0, 0, 0, 6, 3, 2];
    for (const createGraph of [false, true]) {
      const x = leaf(factors, [3, 3]);
      const products = bind("prod", [x], { dims: [1], keepdim: false });
      expect(values(grad(total(products), x, { createGraph })[0]!)).toEqual(want);
    }
  });

  test("of powers of numbers, and theirs", () => {
    const cases: readonly (readonly [number, readonly number[], readonly number[]])[] = [
      [3, [3, 48, 12], [6, 24, -12]],
      [4, [4, 256, -32], [12, 192, 48]],
      [-2, [-2, -0.03125, 0.25], [6, 0.0234375, 0.375]],
    ];
    for (const [exponent, first, second] of cases) {
      const x = leaf([1, 4, -2]);
      const [g] = grad(total(x.pow(exponent)), x, { createGraph: true });
      expect(values(g!)).toEqual(first);
      expect(values(grad(total(g!), x)[0]!)).toEqual(second);
    }
    const x = leaf([0, 4, 9]);
    expect(values(grad(total(x.pow(1.5)), x)[0]!)).toEqual([0, 3, 4.5]);
  });
});
