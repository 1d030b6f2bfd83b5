import { beforeAll, describe, expect, test } from "vitest";
import { bfloat16, float16, float32, float64, int32, ValueError } from "@flambeau/core";
import { scope, type Tensor, tensor } from "@flambeau/tensor";
import { ModuleDict, ModuleList, Sequential } from "./containers.ts";
import { type AnyModule, Module } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";
import { ParameterDict, ParameterList } from "./parameter_containers.ts";
import { backwardSum, flat, t, useReference } from "./test_support.ts";

beforeAll(useReference);

/** y = x · weight + bias, with a counter. */
class Scale extends Module {
  weight: Parameter;
  bias: Parameter | null;
  declare calls: Tensor;
  constructor(size: number, bias = true) {
    super();
    this.weight = new Parameter(t(Array.from({ length: size }, (_, i) => i + 1)));
    this.bias = bias ? new Parameter(t(new Array(size).fill(0.5))) : null;
    this.registerBuffer("calls", tensor(0, { dtype: int32 }));
  }
  override forward(x: Tensor): Tensor {
    const y = x.mul(this.weight);
    return this.bias === null ? y : y.add(this.bias);
  }
  override extraRepr(): string {
    return `size=${this.weight.shape[0]}`;
  }
}

class Net extends Module {
  first = new Scale(2);
  second = new Scale(2, false);
  gain = new Parameter(t([3]));
  plain = t([1]);
  inArray = [new Scale(2)];
  override forward(x: Tensor): Tensor {
    return this.second(this.first(x)).mul(this.gain);
  }
}

class Pair extends Module<[a: Tensor, b: Tensor], [Tensor, Tensor]> {
  override forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
    return [a.mul(b), a.add(b)];
  }
}

describe("Module", () => {
  test("is called as a function and is an instance of its classes", () => {
    const net = new Net();
    expect(typeof net).toBe("function");
    expect(net).toBeInstanceOf(Net);
    expect(net).toBeInstanceOf(Module);
    expect(flat(net(t([1, 1])))).toEqual([4.5, 15]);
    expect(new Pair()(t([2]), t([3])).map(flat)).toEqual([[6], [5]]);
  });

  test("leaves name and length to its fields", () => {
    class Odd extends Module {
      override name = new Parameter(t([1]));
      override length = new Parameter(t([2]));
    }
    expect(new Odd().namedParameters().map(([name]) => name)).toEqual(["name", "length"]);
    expect(Object.keys(new Module())).toEqual([]);
  });

  test("forward: refuses when the class defines none", () => {
    class Empty extends Module {}
    expect(() => new Empty()(t([1]))).toThrow("Cannot call Empty: it must define forward()");
  });

  test("lists parameters, buffers and modules in PyTorch's order, not what is plain or in arrays", () => {
    const net = new Net();
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      "gain",
      "first.weight",
      "first.bias",
      "second.weight",
    ]);
    expect(net.namedParameters("net").map(([name]) => name)[1]).toBe("net.first.weight");
    expect(net.namedParameters({ recurse: false }).map(([name]) => name)).toEqual(["gain"]);
    expect(net.parameters(false)).toEqual([net.gain]);
    expect(net.namedBuffers().map(([name]) => name)).toEqual(["first.calls", "second.calls"]);
    expect(net.buffers()).toHaveLength(2);
    expect(net.namedChildren().map(([name]) => name)).toEqual(["first", "second"]);
    expect(net.namedModules().map(([name]) => name)).toEqual(["", "first", "second"]);
    expect(net.modules()).toEqual([net, net.first, net.second]);
    expect([...net.stateDict().keys()]).toEqual([
      "gain",
      "first.weight",
      "first.bias",
      "first.calls",
      "second.weight",
      "second.calls",
    ]);
  });

  test("sees fields that are reassigned and deleted", () => {
    const net = new Net();
    net.first = new Scale(2, false);
    net.second.bias = new Parameter(t([0, 0]));
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      "gain",
      "first.weight",
      "second.weight",
      "second.bias",
    ]);
    delete (net as Partial<Net>).second;
    expect(net.children()).toEqual([net.first]);
  });

  test("lists what is shared once, but loads and saves it under each name", () => {
    class Tied extends Module {
      a = new Scale(2);
      b = this.a;
      c = new Scale(2);
      constructor() {
        super();
        this.c.weight = this.a.weight;
      }
    }
    const net = new Tied();
    expect(net.children()).toHaveLength(2);
    expect(net.namedParameters().map(([name]) => name)).toEqual(["a.weight", "a.bias", "c.bias"]);
    expect(net.namedParameters({ removeDuplicate: false })).toHaveLength(4);
    expect([...net.stateDict().keys()].filter((name) => name.endsWith("weight"))).toEqual([
      "a.weight",
      "b.weight",
      "c.weight",
    ]);
  });

  test("holds modules that hold each other", () => {
    class Child extends Module {
      parent: AnyModule | null = null;
      weight = new Parameter(t([1]));
    }
    class Parent extends Module {
      child = new Child();
    }
    const net = new Parent();
    net.child.parent = net;
    expect(net.modules()).toHaveLength(2);
    expect([...net.stateDict().keys()]).toEqual(["child.weight"]);
    expect(net.eval().child.training).toBe(false);
    expect(String(net)).toBe("Parent(\n  (child): Child(\n    (parent): Parent(...)\n  )\n)");
    expect(net.loadStateDict(net.stateDict()).missingKeys).toEqual([]);
  });

  test("train and eval switch all modules below", () => {
    const net = new Net();
    expect(net.training).toBe(true);
    expect(net.eval()).toBe(net);
    expect(net.modules().map((m) => m.training)).toEqual([false, false, false]);
    net.train();
    expect(net.second.training).toBe(true);
    expect(() => net.train(1 as unknown as boolean)).toThrow(ValueError);
  });

  test("apply visits children first", () => {
    const net = new Net();
    const seen: AnyModule[] = [];
    expect(net.apply((module) => void seen.push(module))).toBe(net);
    expect(seen).toEqual([net.first, net.second, net]);
  });

  test("to converts what is of a float dtype and keeps the objects", () => {
    const net = new Net();
    const { weight } = net.first;
    backwardSum(net(t([1, 1])));
    expect(net.double()).toBe(net);
    expect(net.first.weight).toBe(weight);
    expect(weight.dtype).toBe(float64);
    expect(weight.grad!.dtype).toBe(float64);
    expect(net.first.calls.dtype).toBe(int32);
    expect(net.half().gain.dtype).toBe(float16);
    expect(net.bfloat16().gain.dtype).toBe(bfloat16);
    expect(net.to({ dtype: "float32", device: "reference" }).gain.dtype).toBe(float32);
    expect(flat(weight)).toEqual([1, 2]);
    expect(weight.requiresGrad).toBe(true);
    expect(() => net.to(int32)).toThrow("Cannot move Net to int32: the dtype must be of floats");
    expect(() => net.to("nowhere")).toThrow("nowhere");
  });

  test("requiresGrad_ and zeroGrad reach all parameters", () => {
    const net = new Net();
    backwardSum(net(t([1, 1])));
    expect(net.parameters().every((p) => p.grad !== null)).toBe(true);
    net.zeroGrad(false);
    expect(flat(net.first.weight.grad!)).toEqual([0, 0]);
    net.zeroGrad();
    expect(net.parameters().every((p) => p.grad === null)).toBe(true);
    net.requiresGrad_(false);
    expect(net(t([1, 1])).requiresGrad).toBe(false);
  });

  test("parameters and buffers outlive the scope they are made in", () => {
    const net = scope(() => {
      const made = new Net();
      return { call: (x: Tensor) => made(x), parameters: () => made.parameters() };
    });
    expect(net.parameters().some((p) => p.isDisposed)).toBe(false);
    expect(flat(net.call(t([1, 1])))).toEqual([4.5, 15]);
  });
});

describe("registration", () => {
  test("registerBuffer, registerParameter and registerModule set fields of any name", () => {
    const net = new Module();
    expect(flat(net.registerBuffer("seen", t([1])))).toEqual([1]);
    net.registerBuffer("cache", t([2]), false);
    net.registerParameter("weight", new Parameter(t([3])));
    net.registerParameter("bias", null);
    net.registerModule("inner", new Scale(1));
    expect([...net.stateDict().keys()]).toEqual([
      "weight",
      "seen",
      "inner.weight",
      "inner.bias",
      "inner.calls",
    ]);
    expect(net.namedBuffers({ recurse: false }).map(([name]) => name)).toEqual(["seen", "cache"]);
  });

  test("names that are whole numbers keep the order of registration", () => {
    const net = new Module();
    for (const name of ["b", "10", "a", "2"]) net.registerModule(name, new Scale(1));
    expect(net.namedChildren().map(([name]) => name)).toEqual(["b", "10", "a", "2"]);
  });

  test("a Buffer is a buffer, a tensor that replaces a buffer too", () => {
    class Running extends Module {
      mean: Tensor = new Buffer(t([0]));
      cache: Tensor = new Buffer(t([0]), { persistent: false });
    }
    const net = new Running();
    net.registerBuffer("count", t([1]));
    (net as unknown as { count: Tensor }).count = t([2]);
    expect(net.namedBuffers().map(([name]) => name)).toEqual(["mean", "cache", "count"]);
    expect([...net.stateDict()].map(([name, x]) => [name, flat(x)])).toEqual([["mean", [0]], ["count", [2]]]);
  });

  test("refuses names and values that cannot be", () => {
    const net = new Net();
    expect(() => net.registerParameter("a.b", null)).toThrow(
      'Cannot register parameter "a.b": the name must not have a dot, got "a.b"',
    );
    expect(() => net.registerBuffer("", t([1]))).toThrow("must not be empty");
    expect(() => net.registerModule("forward", new Scale(1))).toThrow("the attribute must not exist already");
    expect(() => net.registerParameter("other", t([1]) as Parameter)).toThrow(
      "must be an nn.Parameter or null",
    );
    expect(() => net.registerModule("other", t([1]) as unknown as AnyModule)).toThrow(
      "must be an nn.Module or null",
    );
    expect(() => net.registerBuffer("gain", t([1]))).toThrow("the attribute must not exist already");
  });

  test("getSubmodule, getParameter and getBuffer follow dotted paths", () => {
    const net = new Net();
    expect(net.getSubmodule("")).toBe(net);
    expect(net.getSubmodule("first")).toBe(net.first);
    expect(net.getParameter("first.weight")).toBe(net.first.weight);
    expect(net.getBuffer("first.calls")).toBe(net.first.calls);
    expect(() => net.getSubmodule("first.third")).toThrow(
      'Cannot get submodule "first.third": Scale must have a module "third", got undefined',
    );
    expect(() => net.getParameter("first.calls")).toThrow('Scale must have a parameter "calls"');
  });
});

describe("stateDict and loadStateDict", () => {
  test("stateDict gives detached tensors over the same memory", () => {
    const net = new Net();
    const state = net.stateDict();
    expect(state.get("gain")!.requiresGrad).toBe(false);
    state.get("gain")!.fill_(7);
    expect(flat(net.gain)).toEqual([7]);
    expect(net.stateDict({ keepVars: true }).get("gain")).toBe(net.gain);
    expect([...net.stateDict({ prefix: "net." }).keys()][0]).toBe("net.gain");
  });

  test("loadStateDict copies values into the same parameters", () => {
    const [from, to] = [new Net(), new Net()];
    from.stateDict().get("first.weight")!.fill_(9);
    const { weight } = to.first;
    expect(to.loadStateDict(from.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(to.first.weight).toBe(weight);
    expect(flat(weight)).toEqual([9, 9]);
    from.gain.detach().fill_(0);
    expect(flat(to.gain)).toEqual([3]);
    to.loadStateDict(Object.fromEntries(from.stateDict()));
    expect(flat(to.gain)).toEqual([0]);
  });

  test("loadStateDict lists all that does not fit in PyTorch's words, and changes nothing", () => {
    const net = new Net();
    const state = net.stateDict();
    state.delete("gain");
    state.set("first.weight", t([1, 2, 3]));
    state.set("extra", t([1]));
    state.set("second.weight", t([5, 5]));
    expect(() => net.loadStateDict(state)).toThrow(
      "Error(s) in loading state_dict for Net:\n" +
        '\tMissing key(s) in state_dict: "gain". \n' +
        '\tUnexpected key(s) in state_dict: "extra". \n' +
        "\tsize mismatch for first.weight: copying a param with shape torch.Size([3]) from checkpoint, " +
        "the shape in current model is torch.Size([2]).",
    );
    expect(flat(net.second.weight)).toEqual([1, 2]);
    state.delete("first.weight");
    expect(net.loadStateDict(state, { strict: false })).toEqual({
      missingKeys: ["gain", "first.weight"],
      unexpectedKeys: ["extra"],
    });
    expect(flat(net.second.weight)).toEqual([5, 5]);
    expect(String(net.loadStateDict(state, false))).toBe(
      "_IncompatibleKeys(missing_keys=['gain', 'first.weight'], unexpected_keys=['extra'])",
    );
    expect(String(net.loadStateDict(net.stateDict()))).toBe("<All keys matched successfully>");
    expect(() => net.loadStateDict({ gain: 1 } as never, false)).toThrow("must be a Tensor");
  });

  test("loadStateDict with assign takes the tensors themselves", () => {
    const net = new Net();
    const state = net.stateDict();
    state.set("gain", tensor([4], { dtype: float64 }));
    net.loadStateDict(state, { assign: true });
    expect(net.gain).toBeInstanceOf(Parameter);
    expect(net.gain.dtype).toBe(float64);
    expect(net.gain.requiresGrad).toBe(true);
    expect(net.namedBuffers()).toHaveLength(2);
  });

  test("hooks before loading may rename", () => {
    const net = new Net();
    const handle = net.registerLoadStateDictPreHook((_, state, prefix) => {
      state.set(`${prefix}gain`, state.get(`${prefix}scale`)!);
      state.delete(`${prefix}scale`);
    });
    const state = net.stateDict();
    state.delete("gain");
    state.set("scale", t([8]));
    net.loadStateDict(state);
    expect(flat(net.gain)).toEqual([8]);
    handle.remove();
    expect(() => net.loadStateDict(state)).toThrow("Missing key(s)");
  });
});

describe("hooks", () => {
  test("forward hooks see and replace arguments and results, in order, until removed", () => {
    const net = new Scale(2);
    const seen: string[] = [];
    const pre = net.registerForwardPreHook((module, [x]) => {
      seen.push(`${module === net} ${x.shape}`);
      return x.add(1);
    });
    const post = net.registerForwardHook((_, [x], y) => {
      seen.push(`${flat(x)} ${flat(y)}`);
      return y.mul(10);
    });
    expect(flat(net(t([1, 1])))).toEqual([25, 45]);
    expect(seen).toEqual(["true 2", "2,2 2.5,4.5"]);
    post.remove();
    pre.remove();
    expect(flat(net(t([1, 1])))).toEqual([1.5, 2.5]);
    expect(() => net.registerForwardHook(3 as never)).toThrow("it must be a function");
  });

  test("full backward hooks see and replace gradients", () => {
    const net = new Scale(2);
    const seen: unknown[] = [];
    net.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(gradInput.map((g) => g && flat(g)), gradOutput.map((g) => g && flat(g)));
      return [gradInput[0]!.mul(100)];
    });
    const x = t([1, 1]).requiresGrad_();
    backwardSum(net(x).mul(3));
    expect(seen).toEqual([[[3, 6]], [[3, 3]]]);
    expect(flat(x.grad!)).toEqual([300, 600]);
    expect(flat(net.weight.grad!)).toEqual([3, 3]);
  });

  test("full backward hooks of modules with several arguments and results", () => {
    const net = new Pair();
    const seen: unknown[] = [];
    net.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(gradInput.map((g) => g && flat(g)), gradOutput.map((g) => g && flat(g)));
      return gradInput.map((g) => g && g.mul(2));
    });
    const [a, b] = [t([2]).requiresGrad_(), t([3]).requiresGrad_()];
    const [p, q] = net(a, b);
    backwardSum(p.mul(10).add(q));
    expect(seen).toEqual([[[31], [21]], [[10], [1]]]);
    expect([flat(a.grad!), flat(b.grad!)]).toEqual([[62], [42]]);
  });

  test("full backward hooks run without an input that requires grad", () => {
    const net = new Scale(2);
    const seen: unknown[] = [];
    net.registerFullBackwardHook((_, gradInput, gradOutput) => void seen.push(gradInput, gradOutput.length));
    backwardSum(net(t([1, 1])));
    expect(seen).toEqual([[null], 1]);
  });
});

describe("printing", () => {
  test("nests as PyTorch does", () => {
    expect(String(new Net())).toBe("Net(\n  (first): Scale(size=2)\n  (second): Scale(size=2)\n)");
    expect(String(new Module())).toBe("Module()");
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    expect((new Scale(2) as unknown as Record<symbol, () => string>)[inspect]!()).toBe("Scale(size=2)");
  });

  test("extraRepr of several lines stands above the children", () => {
    class Lines extends Module {
      inner = new Scale(1);
      override extraRepr(): string {
        return "a=1\nb=2";
      }
    }
    expect(String(new Lines())).toBe("Lines(\n  a=1\n  b=2\n  (inner): Scale(size=1)\n)");
  });

  test("a Parameter says so", () => {
    expect(String(new Parameter(t([1, 1])))).toBe(
      "Parameter containing:\ntensor([1., 1.], requires_grad=True)",
    );
  });

  test("ModuleList writes equal neighbours once", () => {
    const layers = new ModuleList([new Scale(1), new Scale(1), new Scale(2), new Scale(1)]);
    expect(String(layers)).toBe(
      "ModuleList(\n  (0-1): 2 x Scale(size=1)\n  (2): Scale(size=2)\n  (3): Scale(size=1)\n)",
    );
    expect(String(new ModuleList())).toBe("ModuleList()");
  });

  test("ParameterList and ParameterDict tell dtype and size", () => {
    expect(String(new ParameterList([t([[1, 2], [3, 4]])]))).toBe(
      "ParameterList(  (0): Parameter containing: [torch.float32 of size 2x2])",
    );
    expect(String(new ParameterDict({ a: t([1]), b: t([1, 2]) }))).toBe(
      "ParameterDict(\n    (a): Parameter containing: [torch.float32 of size 1]\n" +
        "    (b): Parameter containing: [torch.float32 of size 2]\n)",
    );
  });
});

describe("Sequential", () => {
  test("chains modules, by number or by name", () => {
    const net = new Sequential(new Scale(1), new Scale(1, false));
    expect(flat(net(t([2])))).toEqual([2.5]);
    expect(net.length).toBe(2);
    expect(net[0]).toBe(net.at(-2));
    expect([...net]).toHaveLength(2);
    expect(net.append(new Scale(1)).length).toBe(3);
    expect(String(net.slice(1))).toBe("Sequential(\n  (1): Scale(size=1)\n  (2): Scale(size=1)\n)");
    net.insert(0, new Pair()).pop();
    expect(net.namedChildren().map(([name, m]) => `${name} ${m.constructor.name}`)).toEqual([
      "0 Pair",
      "1 Scale",
      "2 Scale",
    ]);
    const named = new Sequential({ hidden: new Scale(1), out: new Scale(1) });
    expect([...named.stateDict().keys()][0]).toBe("hidden.weight");
    const mapped = new Sequential(new Map([["7", new Scale(1)], ["3", new Scale(1)]]));
    expect(mapped.namedChildren().map(([name]) => name)).toEqual(["7", "3"]);
    expect(flat(new Sequential()(t([4])))).toEqual([4]);
  });

  test("refuses what is no module", () => {
    expect(() => new Sequential([new Scale(1)] as never)).toThrow(
      "Cannot put an array into Sequential: it must be an nn.Module; pass the modules one by one",
    );
    expect(() => new Sequential(new Scale(1)).at(1)).toThrow("it must be in [-1, 1), got 1");
  });
});

describe("ModuleList and ModuleDict", () => {
  test("ModuleList registers its modules", () => {
    const layers = new ModuleList([new Scale(1)]);
    layers.append(new Scale(2)).extend([new Scale(3)]).insert(1, new Scale(4));
    expect([...layers.stateDict().keys()].filter((name) => name.endsWith("weight"))).toEqual([
      "0.weight",
      "1.weight",
      "2.weight",
      "3.weight",
    ]);
    expect([...layers].map((layer) => layer.weight.shape[0])).toEqual([1, 4, 2, 3]);
    expect(layers.pop().weight.shape).toEqual([3]);
    expect(layers.slice(1).length).toBe(2);
    layers[0] = new Scale(9);
    expect(layers.at(0).weight.shape).toEqual([9]);
    expect(() => new ModuleList(new Scale(1) as never)).toThrow("Cannot extend ModuleList");
  });

  test("ModuleDict keeps the order of insertion", () => {
    const parts = new ModuleDict(new Map([["b", new Scale(1)], ["1", new Scale(2)]]));
    parts.set("a", new Scale(3));
    expect(parts.keys()).toEqual(["b", "1", "a"]);
    expect(parts.values().map((m) => m.weight.shape[0])).toEqual([1, 2, 3]);
    expect(parts.get("a").weight.shape).toEqual([3]);
    expect(parts.has("c")).toBe(false);
    expect(parts.pop("1").weight.shape).toEqual([2]);
    expect(parts.size).toBe(2);
    expect(parts.delete("b")).toBe(true);
    parts.clear();
    expect(parts.entries()).toEqual([]);
    expect(() => parts.get("c")).toThrow('Cannot get module "c" of ModuleDict: it must be one of none');
  });

  test("ModuleDict: get knows the class of what it was made with", () => {
    const parts = new ModuleDict({ scale: new Scale(2), layers: new ModuleList([new Scale(3)]) });
    // That these lines have types is the test; a name that is not written there may be any of them.
    const { weight } = parts.get("scale");
    const [layer] = parts.get("layers");
    const some: Scale | ModuleList<Scale> = parts.get("scale" as string);
    const any: ModuleDict = parts;
    expect([weight.shape, layer!.weight.shape, some === parts.get("scale"), any.size]).toEqual([
      [2],
      [3],
      true,
      2,
    ]);
    const later = new ModuleDict<Scale>().set("x", new Scale(4));
    expect(later.get("x").weight.shape).toEqual([4]);
  });

  test("ParameterList and ParameterDict register their parameters", () => {
    const list = new ParameterList([t([1]), new Parameter(t([2]), false)]);
    expect(list.append(t([3])).length).toBe(3);
    expect(list[0]!.requiresGrad).toBe(true);
    expect([...list].map(flat)).toEqual([[1], [2], [3]]);
    expect(list.at(-1)).toBe(list[2]);
    const dict = new ParameterDict({ a: t([1]) });
    dict.set("b", t([2]));
    expect([...dict.stateDict().keys()]).toEqual(["a", "b"]);
    expect(flat(dict.get("b"))).toEqual([2]);
    expect(dict.pop("a").requiresGrad).toBe(true);
    expect(dict.keys()).toEqual(["b"]);
  });
});

describe("Parameter", () => {
  test("shares memory, requires grad and has no history", () => {
    const x = t([1, 2]).requiresGrad_();
    const parameter = new Parameter(x.mul(2));
    expect(parameter.isLeaf).toBe(true);
    expect(parameter.requiresGrad).toBe(true);
    expect(parameter).toBeInstanceOf(Parameter);
    expect(new Parameter(t([1]), { requiresGrad: false }).requiresGrad).toBe(false);
    expect(() => new Parameter(tensor([1], { dtype: int32 }))).toThrow("floating point");
    expect(() => new Parameter([1] as never)).toThrow("must be a Tensor");
    backwardSum(parameter.mul(3));
    expect(flat(parameter.grad!)).toEqual([3, 3]);
  });
});
