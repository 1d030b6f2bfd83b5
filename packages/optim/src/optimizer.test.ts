/**
 * What all optimizers share: groups, arguments, closures, hooks, state dicts of PyTorch, gradients.
 *
 * @module
 */

import "@flambeau/autograd";
import { ArgumentTypeError, float32, GradError, ValueError } from "@flambeau/core";
import { isGradEnabled, scope, type Tensor } from "@flambeau/tensor";
import { describe, expect, test, vi } from "vitest";
import * as optim from "../mod.ts";
import { Adam, AdamW, Optimizer, type ParamGroup, SGD } from "../mod.ts";
import { backend, expectClose, leaf, t, values } from "./test_support.ts";

describe("groups", () => {
  test("options of a group win over those of the optimizer", () => {
    const [w, b] = [leaf([1, 2]), leaf([3])];
    const optimizer = new SGD([{ params: [w] }, { params: b, lr: 0.5 }], { lr: 0.1 });
    w.grad = t([1, 1]);
    b.grad = t([1]);
    optimizer.step();
    expectClose([...values(w), ...values(b)], [0.9, 1.9, 2.5]);
    expect(optimizer.paramGroups.map(({ lr }) => lr)).toEqual([0.1, 0.5]);
    optimizer.paramGroups[0]!.lr = 1;
    optimizer.step();
    expectClose(values(w), [-0.1, 0.9]);
  });

  test("options that are undefined are those of the optimizer, and a group is copied", () => {
    const given = { params: [leaf([1])], lr: undefined as unknown as number, mine: "kept" };
    const optimizer = new SGD([given], { lr: 0.1 });
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.1, momentum: 0, mine: "kept" });
    expect(given.lr).toBeUndefined();
  });

  test("parameters may come from a generator, and with names", () => {
    const [w, b] = [leaf([1]), leaf([2])];
    const plain = new SGD(function* () {
      yield w;
      yield b;
    }());
    expect(plain.paramGroups[0]!.params).toEqual([w, b]);
    const withNames = new SGD([["w", w], ["b", b]]);
    expect(withNames.paramGroups[0]).toMatchObject({ params: [w, b], paramNames: ["w", "b"] });
    expect(withNames.stateDict().param_groups[0]!["param_names"]).toEqual(["w", "b"]);
  });

  test("addParamGroup: adds parameters with the options of the optimizer", () => {
    const [w, b] = [leaf([1]), leaf([2])];
    const optimizer = new Adam([w], { lr: 0.1 });
    optimizer.addParamGroup({ params: [b], eps: 1 });
    expect(optimizer.paramGroups[1]).toMatchObject({ lr: 0.1, eps: 1, params: [b] });
    expect(() => optimizer.addParamGroup({ params: [w] })).toThrow(
      "some parameters appear in more than one parameter group",
    );
    expect(() => optimizer.addParamGroup({ params: [leaf([1])], lr: -1 })).toThrow(ValueError);
    expect(optimizer.paramGroups.length).toBe(2);
  });

  test("the same parameter twice in a group warns, and steps twice", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const w = leaf([1]);
    const optimizer = new SGD([w, w], { lr: 0.1 });
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    w.grad = t([1]);
    optimizer.step();
    expectClose(values(w), [0.8]);
  });
});

describe("arguments", () => {
  test("options go by position too, in PyTorch's order", () => {
    expect(new SGD([leaf([1])], 0.5, 0.9, { nesterov: true }).paramGroups[0]).toMatchObject({
      lr: 0.5,
      momentum: 0.9,
      nesterov: true,
    });
    expect(new Adam([leaf([1])], 0.5, [0.8, 0.9]).defaults).toMatchObject({ lr: 0.5, betas: [0.8, 0.9] });
  });

  const w = leaf([1, 2]);
  const refused: [name: string, make: () => unknown, message: string][] = [
    ["lr", () => new SGD([w], { lr: -1 }), "Cannot create SGD: lr must be a number of at least 0, got -1"],
    ["NaN", () => new SGD([w], { lr: NaN }), "lr must be a number of at least 0, got NaN"],
    ["momentum", () => new SGD([w], { momentum: -1 }), "momentum must be a number of at least 0, got -1"],
    [
      "nesterov",
      () => new SGD([w], { nesterov: true }),
      "nesterov must be with a momentum and without dampening",
    ],
    [
      "beta",
      () => new Adam([w], { betas: [1, 0.9] }),
      "Cannot create Adam: beta at index 0 must be at least 0 and below 1, got 1",
    ],
    ["beta 2", () => new AdamW([w], { betas: [0, -0.1] }), "Cannot create AdamW: beta at index 1 must be"],
    [
      "betas",
      () => new Adam([w], { betas: [0.9] as unknown as [number, number] }),
      "betas must be a pair of numbers, got [0.9]",
    ],
    ["eps", () => new Adam([w], { eps: -1 }), "eps must be a number of at least 0, got -1"],
    [
      "weight decay",
      () => new Adam([w], { weightDecay: -1 }),
      "weightDecay must be a number of at least 0, got -1",
    ],
    ["rho", () => new optim.Adadelta([w], { rho: 1.5 }), "rho must be at most 1, got 1.5"],
    ["lr decay", () => new optim.Adagrad([w], { lrDecay: -1 }), "lrDecay must be"],
    ["Adamax", () => new optim.Adamax([w], { betas: [2, 0.9] }), "beta at index 0"],
    ["NAdam", () => new optim.NAdam([w], { momentumDecay: -1 }), "momentumDecay must be"],
    ["RAdam", () => new optim.RAdam([w], { eps: -1 }), "eps must be"],
    ["alpha", () => new optim.RMSprop([w], { alpha: -1 }), "alpha must be"],
    [
      "etas",
      () => new optim.Rprop([w], { etas: [0.5, 0.9] }),
      "etas must be in (0, 1) and above 1, got [0.5, 0.9]",
    ],
    ["ASGD", () => new optim.ASGD([w], { weightDecay: -1 }), "weightDecay must be"],
    ["Lion", () => new optim.Lion([w], { betas: [0.9, 1] }), "beta at index 1"],
    ["of a group", () => new SGD([{ params: [w], lr: -2 }]), "lr must be a number of at least 0, got -2"],
    ["nothing", () => new SGD([]), "it got an empty parameter list"],
    [
      "a tensor",
      () => new SGD(w as unknown as Tensor[]),
      "params must be an iterable of Tensors or of groups, got float64[2]",
    ],
    [
      "a function",
      () => new SGD((() => 1) as unknown as Tensor[]),
      "got a function; for a module, pass its parameters()",
    ],
    ["a number", () => new SGD([1 as unknown as Tensor]), "Cannot optimize number 1: it must be a Tensor"],
    [
      "params of a group",
      () => new SGD([{ params: 1 as unknown as Tensor }]),
      "params must be a Tensor or an iterable of Tensors, got number 1",
    ],
    [
      "a non-leaf",
      () => new SGD([w.mul(2)]),
      "Cannot optimize float64[2]: can't optimize a non-leaf Tensor, got the result of MulBackward0",
    ],
    [
      "a parameter of another group",
      () => new SGD([{ params: [w] }, { params: [w] }]),
      "some parameters appear in more than one parameter group",
    ],
    [
      "an unknown option",
      () => new SGD([w], { learningRate: 1 } as object),
      'Cannot create SGD with option "learningRate": it must be one of lr, momentum, dampening, weightDecay, nesterov, maximize',
    ],
  ];
  test.each(refused)("%s is refused", (_name, make, message) => {
    expect(make).toThrow(message);
  });

  test("a tensor that keeps its gradient may be optimized, though it is no leaf", () => {
    const y = w.mul(2);
    y.retainGrad();
    expect(new SGD([y]).paramGroups[0]!.params).toEqual([y]);
  });
});

describe("step", () => {
  test("parameters without a gradient are left out", () => {
    const [w, b] = [leaf([1]), leaf([2])];
    const optimizer = new Adam([w, b]);
    w.grad = t([1]);
    optimizer.step();
    expect(values(b)).toEqual([2]);
    expect([...optimizer.state.keys()]).toEqual([w]);
  });

  test("a closure runs with recording, before the update, and its loss is returned", () => {
    const w = leaf([3]);
    const optimizer = new SGD([w], { lr: 0.1 });
    const loss = optimizer.step(() => {
      optimizer.zeroGrad();
      expect(isGradEnabled()).toBe(true);
      const loss = w.mul(w);
      loss.backward(t([1]));
      return loss;
    });
    expect(values(loss)).toEqual([9]);
    expectClose(values(w), [2.4]);
    expect(optimizer.step()).toBeUndefined();
  });

  test("an asynchronous closure makes an asynchronous step", async () => {
    const w = leaf([3]);
    const optimizer = new SGD([w], { lr: 0.1 });
    const promise: Promise<number> = optimizer.step(async () => {
      await Promise.resolve();
      w.grad = t([1]);
      return 7;
    });
    expect(values(w)).toEqual([3]);
    expect(await promise).toBe(7);
    expectClose(values(w), [2.9]);
    expect(optimizer.stepsTaken).toBe(1);
    await expect(optimizer.step(() => Promise.reject(new Error("no data")))).rejects.toThrow("no data");
    expectClose(values(w), [2.9]);
    expect(isGradEnabled()).toBe(true);
  });

  test("a graph over a parameter from before the step is refused", () => {
    const makers = [
      (w: Tensor) => new SGD([w], { momentum: 0.9 }),
      (w: Tensor) => new SGD([w]),
      (w: Tensor) => new Adam([w]),
    ];
    for (const make of makers) {
      const w = leaf([3]);
      const y = w.mul(w);
      w.grad = t([1]);
      make(w).step();
      expect(() => y.backward(t([1]))).toThrow(GradError);
    }
  });

  test("state outlives the scope of the step", () => {
    const w = leaf([3, 4]);
    const optimizer = new Adam([w]);
    for (let step = 0; step < 3; step++) {
      scope(() => {
        w.grad = t([1, 2]);
        optimizer.step();
      });
      w.grad = null;
    }
    expectClose(values(optimizer.state.get(w)!.expAvg), [0.271, 0.542]);
  });

  test("views of other memory are updated in place", () => {
    const base = t([[1, 2], [3, 4]]);
    const column = base.select(1, 0).detach();
    column.requiresGrad = true;
    const optimizer = new Adam([column], { lr: 0.5 });
    column.grad = t([1, -1]);
    optimizer.step();
    expectClose(values(base), [0.5, 2, 3.5, 4], 1e-7);
  });

  test("parameters without elements are no trouble", () => {
    const none = leaf([]);
    const optimizer = new Adam([none]);
    none.grad = t([]);
    optimizer.step();
    expect(optimizer.state.get(none)!.step).toBe(1);
  });

  test("a gradient of another shape never gets to a step", () => {
    const w = leaf([1, 2]);
    expect(() => {
      w.grad = t([1]);
    }).toThrow(GradError);
  });
});

describe("hooks", () => {
  test("see each step in order, may change its arguments, and go", () => {
    const log: string[] = [];
    const w = leaf([1]);
    const optimizer = new SGD([w], { lr: 0.1 });
    const closure = (): number => {
      log.push("closure");
      return 1;
    };
    const pre = optimizer.registerStepPreHook((of, args) => {
      log.push(`pre ${of === optimizer} ${args.length}`);
      return [() => {
        log.push("other");
        return 2;
      }];
    });
    const post = optimizer.registerStepPostHook((_of, args) => void log.push(`post ${args.length}`));
    expect(optimizer.step(closure)).toBe(2);
    pre.remove();
    expect(optimizer.step(closure)).toBe(1);
    post[Symbol.dispose]();
    optimizer.step(closure);
    expect(log).toEqual(["pre true 1", "other", "post 1", "closure", "post 1", "closure"]);
  });

  test("come after an asynchronous step", async () => {
    const optimizer = new SGD([leaf([1])]);
    let steps = 0;
    optimizer.registerStepPostHook(() => void steps++);
    const promise = optimizer.step(() => Promise.resolve(1));
    expect(steps).toBe(0);
    await promise;
    expect(steps).toBe(1);
  });
});

describe("zeroGrad", () => {
  test("drops gradients, or fills them with zeros", () => {
    const [w, b] = [leaf([1, 2]), leaf([3])];
    const optimizer = new SGD([w, b]);
    const grad = t([NaN, 5]);
    w.grad = grad;
    optimizer.zeroGrad({ setToNone: false });
    expect(w.grad).toBe(grad);
    expect(values(grad)).toEqual([0, 0]);
    expect(b.grad).toBeNull();
    optimizer.zeroGrad();
    expect(w.grad).toBeNull();
    w.grad = grad;
    optimizer.zeroGrad(false);
    expect(w.grad).toBe(grad);
  });

  test("zeros of a gradient with a graph have none", () => {
    const w = leaf([2]);
    const optimizer = new SGD([w]);
    w.mul(w).mul(w).backward(t([1]), { createGraph: true });
    expect(w.grad!.gradFn).not.toBeNull();
    optimizer.zeroGrad(false);
    expect(w.grad!.gradFn).toBeNull();
    expect(values(w.grad)).toEqual([0]);
  });

  test("gives the memory of gradients back that nobody has seen", () => {
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const optimizer = new Adam([x, y]);
    const backward = () => x.mul(x).add(y).sum().backward();
    backward();
    const seen = y.grad!;
    const before = backend.memory().liveBytes;
    optimizer.step();
    const state = 4 * 16;
    expect(backend.memory().liveBytes - before).toBe(state);
    optimizer.zeroGrad();
    expect(backend.memory().liveBytes - before).toBe(state - 16);
    expect(values(seen)).toEqual([1, 1]);
    backward();
    x.grad = null;
    expect(x.grad).toBe(null);
    expect(values(y.grad)).toEqual([1, 1]);
  });
});

describe("state dicts", () => {
  /** What `torch.optim.Adam(...).state_dict()` holds after two steps, as a file gives it: maps, tensors for steps. */
  const fromPyTorch = (): Map<string, unknown> =>
    new Map<string, unknown>([
      [
        "state",
        new Map([[
          0,
          new Map<string, unknown>([
            ["step", t(2, float32)],
            ["exp_avg", t([0.19, -0.38], float32)],
            ["exp_avg_sq", t([0.001999, 0.007996], float32)],
          ]),
        ]]),
      ],
      [
        "param_groups",
        [
          new Map<string, unknown>([
            ["lr", 0.5],
            ["betas", [0.9, 0.999]],
            ["eps", 1e-8],
            ["weight_decay", 0.25],
            ["amsgrad", false],
            ["maximize", false],
            ["foreach", null],
            ["capturable", false],
            ["differentiable", false],
            ["fused", null],
            ["initial_lr", 0.5],
            ["params", [0, 1]],
          ]),
        ],
      ],
    ]);

  test("a state dict of PyTorch loads: options, state, and what is not known here stays", () => {
    const [w, b] = [leaf([1, 2]), leaf([3])];
    const optimizer = new Adam([w, b]);
    optimizer.loadStateDict(fromPyTorch());
    const [group] = optimizer.paramGroups;
    expect(group).toMatchObject({ lr: 0.5, weightDecay: 0.25, fused: null, initialLr: 0.5, params: [w, b] });
    const state = optimizer.state.get(w)!;
    expect(state.step).toBe(2);
    expect(state.expAvg.dtype).toBe(w.dtype);
    expectClose(values(state.expAvg), [0.19, -0.38], 1e-6);
    const { state: packed, param_groups } = optimizer.stateDict();
    expect([...packed.keys()]).toEqual([0]);
    expect(Object.keys(packed.get(0)!)).toEqual(["step", "exp_avg", "exp_avg_sq"]);
    expect(param_groups).toEqual([{
      lr: 0.5,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weight_decay: 0.25,
      amsgrad: false,
      maximize: false,
      decoupled_weight_decay: false,
      foreach: null,
      capturable: false,
      differentiable: false,
      fused: null,
      initial_lr: 0.5,
      params: [0, 1],
    }]);
  });

  test("plain objects in this library's spelling load too, and tensors are copied", () => {
    const [w, other] = [leaf([1, 2]), leaf([1, 2])];
    const first = new Adam([w], { lr: 0.1 });
    w.grad = t([1, -1]);
    first.step();
    const [entry] = first.state.values();
    const second = new Adam([other]);
    second.loadStateDict({
      state: { 0: { ...entry } },
      paramGroups: [{ lr: 0.1, weightDecay: 0.5, params: [0] }],
    });
    expect(second.paramGroups[0]).toMatchObject({ weightDecay: 0.5, eps: 1e-8 });
    const copy = second.state.get(other)!;
    expect(copy.expAvg).not.toBe(entry!.expAvg);
    expect(values(copy.expAvg)).toEqual(values(entry!.expAvg));
    first.step();
    expect(values(copy.expAvg)).not.toEqual(values(entry!.expAvg));
  });

  test("AdamW stays decoupled with files that do not say so", () => {
    const optimizer = new AdamW([leaf([1, 2]), leaf([3])]);
    optimizer.loadStateDict(fromPyTorch());
    expect(optimizer.paramGroups[0]!.decoupledWeightDecay).toBe(true);
  });

  test("numbers of parameters count through the groups", () => {
    const [w, b, c] = [leaf([1]), leaf([2]), leaf([3])];
    const optimizer = new SGD([{ params: [w, b] }, { params: [c] }], { momentum: 0.9 });
    c.grad = t([1]);
    optimizer.step();
    const { state, param_groups } = optimizer.stateDict();
    expect(param_groups.map(({ params }) => params)).toEqual([[0, 1], [2]]);
    expect([...state.keys()]).toEqual([2]);
  });

  test("what does not fit is refused, and nothing is changed", () => {
    const w = leaf([1, 2]);
    const optimizer = new Adam([w]);
    const wrong: [unknown, string][] = [
      [{ state: {} }, "it must have state and param_groups, got state"],
      [1, "it must have state and param_groups, got number"],
      [{ state: {}, param_groups: [] }, "it must have 1 parameter groups, got 0"],
      [{ state: {}, param_groups: [{ params: [0, 1] }] }, "group 0 must have 1 parameters, got 2"],
      [{ state: {}, param_groups: [{ lr: 1 }] }, "group 0 must have 1 parameters, got none"],
    ];
    for (const [dict, message] of wrong) {
      expect(() => optimizer.loadStateDict(dict as optim.OptimizerStateDictLike)).toThrow(message);
    }
    expect(() => optimizer.loadStateDict(wrong[0]![0] as optim.OptimizerStateDictLike)).toThrow(
      ArgumentTypeError,
    );
    expect(optimizer.paramGroups[0]!.lr).toBe(1e-3);
  });
});

describe("classes of the user's", () => {
  class SignSGD extends Optimizer {
    constructor(params: Iterable<Tensor>, { lr = 0.01 } = {}) {
      super(params, { lr });
    }
    protected override updateParameter(param: Tensor, grad: Tensor, { lr }: ParamGroup): void {
      param.add_(grad.sign(), { alpha: -lr });
    }
  }

  test("define updateParameter", () => {
    const w = leaf([1, 2]);
    const optimizer = new SignSGD([w], { lr: 0.5 });
    w.grad = t([3, -4]);
    optimizer.step();
    expect(values(w)).toEqual([0.5, 2.5]);
  });

  test("need to", () => {
    const w = leaf([1]);
    const optimizer = new Optimizer([w], { lr: 1 });
    w.grad = t([1]);
    expect(() => optimizer.step()).toThrow(
      "Cannot step Optimizer: it must define updateParameter() or step()",
    );
  });
});

test("String(optimizer) is PyTorch's", () => {
  const optimizer = new Adam([{ params: [leaf([1])] }, { params: [leaf([2])], lr: 2, eps: 0.00001 }]);
  expect(String(optimizer)).toBe(`Adam (
Parameter Group 0
    amsgrad: False
    betas: (0.9, 0.999)
    decoupled_weight_decay: False
    eps: 1e-08
    lr: 0.001
    maximize: False
    weight_decay: 0

Parameter Group 1
    amsgrad: False
    betas: (0.9, 0.999)
    decoupled_weight_decay: False
    eps: 1e-05
    lr: 2
    maximize: False
    weight_decay: 0
)`);
});
