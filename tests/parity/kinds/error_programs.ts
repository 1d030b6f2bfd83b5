/**
 * Kind `error-programs`: short programs that must throw, described by words in the fixtures and written here.
 *
 * @module
 */

import type { Context, Notes } from "../context.ts";
import type { Case } from "../fixtures.ts";
import { Missing } from "../names.ts";
import { type ExpectedError, expectThrow } from "./errors.ts";

// The library is looked up by name at run time; what is not there is reported, not a compile error.
// deno-lint-ignore no-explicit-any
type Torch = any;

/** Prepares what the program needs and gives the action that must throw. */
type Program = (torch: Torch) => () => unknown;

const leaf = (torch: Torch): Torch => torch.tensor([1.5, 2.5], { requiresGrad: true });

/** The programs by their stable name. */
export const programs: Readonly<Record<string, Program>> = {
  backward_twice: (torch) => {
    const x = leaf(torch);
    const y = x.mul(x).sum();
    y.backward();
    return () => y.backward();
  },
  nonscalar_backward: (torch) => {
    const y = leaf(torch).mul(2);
    return () => y.backward();
  },
  no_grad_backward: (torch) => {
    const y = torch.tensor([1.5, 2.5]).sum();
    return () => y.backward();
  },
  leaf_view_inplace: (torch) => {
    const view = leaf(torch).index("0:1");
    return () => view.mul_(2);
  },
  int_requires_grad: (torch) => {
    const x = torch.tensor([1, 2], { dtype: torch.int32 });
    return () => x.requiresGrad_();
  },
  int_tensor_requires_grad: (torch) => () => torch.tensor([1, 2], { dtype: torch.int32, requiresGrad: true }),
  modified_saved_exp: (torch) => {
    const y = leaf(torch).exp();
    y.add_(1);
    return () => y.sum().backward();
  },
  gradient_shape: (torch) => {
    const y = leaf(torch).mul(2);
    const gradient = torch.ones([3]);
    return () => y.backward(gradient);
  },
  grad_unused: (torch) => {
    const [x, w] = [leaf(torch), leaf(torch)];
    const y = x.sum();
    const { grad } = torch.autograd;
    return () => grad([y], [w]);
  },
  numpy_requires_grad: (torch) => {
    const x = leaf(torch);
    if (x.numpy === undefined) throw new Missing("Tensor.numpy");
    return () => x.numpy();
  },
  nonleaf_requires_grad_false: (torch) => {
    const y = leaf(torch).mul(2);
    return () => y.requiresGrad_(false);
  },
  deepcopy_nonleaf: (torch) => {
    const y = leaf(torch).mul(2);
    const { deepcopy } = torch;
    return () => deepcopy(y);
  },
  load_missing: (torch) => {
    const linear = new torch.nn.Linear(2, 3);
    const weight = torch.zeros([3, 2]);
    return () => linear.loadStateDict({ weight });
  },
  load_unexpected: (torch) => {
    const linear = new torch.nn.Linear(2, 3);
    const state = { weight: torch.zeros([3, 2]), bias: torch.zeros([3]), scale: torch.zeros([3]) };
    return () => linear.loadStateDict(state);
  },
  load_shape: (torch) => {
    const linear = new torch.nn.Linear(2, 3);
    const state = { weight: torch.zeros([3, 4]), bias: torch.zeros([3]) };
    return () => linear.loadStateDict(state);
  },
  optimizer_lr: (torch) => {
    const params = [leaf(torch)];
    const { SGD } = torch.optim;
    return () => new SGD(params, { lr: -1 });
  },
  optimizer_nonleaf: (torch) => {
    const params = [leaf(torch).mul(2)];
    const { SGD } = torch.optim;
    return () => new SGD(params, { lr: 0.1 });
  },
  optimizer_betas: (torch) => {
    const params = [leaf(torch)];
    const { Adam } = torch.optim;
    return () => new Adam(params, { betas: [1, 0.999] });
  },
  optimizer_duplicate: (torch) => {
    const p = leaf(torch);
    const { SGD } = torch.optim;
    return () => new SGD([{ params: [p] }, { params: [p] }], { lr: 0.1 });
  },
  param_shape_grad: (torch) => {
    const p = leaf(torch);
    const grad = torch.ones([3]);
    return () => {
      p.grad = grad;
    };
  },
  mha_heads: (torch) => {
    const { MultiheadAttention } = torch.nn;
    return () => new MultiheadAttention(10, 3);
  },
  conv_input: (torch) => {
    const conv = new torch.nn.Conv2d(3, 4, 3);
    const x = torch.zeros([1, 2, 8, 8]);
    return () => conv(x);
  },
  conv_groups: (torch) => {
    const { Conv2d } = torch.nn;
    return () => new Conv2d(3, 4, 3, { groups: 2 });
  },
  bn_input: (torch) => {
    const norm = new torch.nn.BatchNorm2d(3);
    const x = torch.zeros([2, 3]);
    return () => norm(x);
  },
  rnn_input: (torch) => {
    const lstm = new torch.nn.LSTM(3, 4);
    const x = torch.zeros([5, 2, 4]);
    return () => lstm(x);
  },
  rnn_hidden: (torch) => {
    const gru = new torch.nn.GRU(3, 4);
    const [x, hidden] = [torch.zeros([5, 2, 3]), torch.zeros([1, 3, 4])];
    return () => gru(x, hidden);
  },
  register_dup: (torch) => {
    const linear = new torch.nn.Linear(2, 3);
    const parameter = new torch.nn.Parameter(torch.zeros([2]));
    return () => linear.registerParameter("a.b", parameter);
  },
  embedding_pad: (torch) => {
    const { Embedding } = torch.nn;
    return () => new Embedding(4, 2, { paddingIdx: 4 });
  },
  sequential_index: (torch) => {
    const sequential = new torch.nn.Sequential(new torch.nn.ReLU());
    if (sequential.at === undefined) throw new Missing("Sequential.at");
    return () => sequential.at(1);
  },
  unflatten_size: (torch) => {
    const unflatten = new torch.nn.Unflatten(1, [2, 2]);
    const x = torch.zeros([3, 5]);
    return () => unflatten(x);
  },
};

/** A namespace that reports what it does not have, and so do the namespaces in it. */
function strict(namespace: object, path: string): Torch {
  return new Proxy(namespace, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (value === undefined && typeof key === "string") throw new Missing(`${path}.${key}`);
      // A module's namespace object is frozen: a proxy must give its values as they are, so it stands beside it.
      const isNamespace = typeof value === "object" && value !== null && NAMESPACES.has(String(key));
      return isNamespace ? strict({ ...value }, `${path}.${String(key)}`) : value;
    },
  });
}

const NAMESPACES: ReadonlySet<string> = new Set(["nn", "optim", "autograd"]);

/** Runs a case of kind `error-programs`. */
export async function runErrorProgram({ library }: Context, testCase: Case): Promise<Notes> {
  const { program: name, error } = testCase as Case & { program: string; error: ExpectedError };
  const program = programs[name];
  if (program === undefined) throw new Error(`The runner has no version of the program ${name}`);
  return await expectThrow(library, error, program(strict({ ...library.torch as object }, "torch")));
}
