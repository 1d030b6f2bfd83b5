/**
 * The part of the toy library that trains: a module, an optimizer, a scheduler, clipping, initialisation, random numbers
 * and a loader.
 *
 * @module
 */

import { fromTypedArray, mul, type Tensor, TorchError } from "./fake_torch.ts";
import * as base from "./fake_torch.ts";

const tensor = (data: readonly number[], shape: readonly number[] = [data.length]): Tensor =>
  fromTypedArray(data, shape, { dtype: base.float32 });

/** A callable module `y = x * weight` that counts its calls. */
interface Scale {
  (x: Tensor): Tensor;
  train(): void;
  eval(): void;
  stateDict(): Record<string, Tensor>;
  loadStateDict(state: Record<string, Tensor>): void;
  namedParameters(): Iterable<[string, Tensor]>;
}

function makeScale(size: number, { init = 1 }: { init?: number } = {}): Scale {
  const weight = tensor(new Array<number>(size).fill(init)).requiresGrad_();
  const calls = tensor([0], []);
  let training = true;
  const forward = (x: Tensor): Tensor => {
    if (training) calls.storage.data[0]!++;
    return mul(x, weight);
  };
  return Object.assign(forward, {
    train: () => void (training = true),
    eval: () => void (training = false),
    stateDict: () => ({ weight, calls }),
    loadStateDict: (state: Record<string, Tensor>) => {
      weight.storage.data = state["weight"]!.values();
      calls.storage.data = state["calls"]!.values();
    },
    namedParameters: () => [["weight", weight]] as [string, Tensor][],
  });
}

interface Group {
  params: Tensor[];
  lr: number;
}

class SGD {
  readonly paramGroups: Group[];
  #steps = 0;

  constructor(params: Tensor[] | Group[], { lr }: { lr: number }) {
    const groups = (params[0] instanceof base.Tensor ? [{ params }] : params) as (Partial<Group> & { params: Tensor[] })[];
    this.paramGroups = groups.map((group) => ({ lr, ...group }));
  }
  step(closure?: () => Tensor): Tensor | undefined {
    const loss = closure?.();
    this.#steps++;
    for (const { params, lr } of this.paramGroups) {
      for (const p of params) {
        if (p.grad === null) continue;
        const grad = p.grad.values();
        p.storage.data = p.values().map((x, i) => x - lr * grad[i]!);
      }
    }
    return loss;
  }
  zeroGrad(): void {
    for (const { params } of this.paramGroups) for (const p of params) p.grad = null;
  }
  stateDict(): unknown {
    return { state: new Map([[0, { step: this.#steps }]]), param_groups: [{ lr: 0.1, params: [0] }] };
  }
}

class StepLR {
  #epoch = 0;
  constructor(readonly optimizer: SGD, readonly options: { stepSize: number; gamma?: number }) {}
  step(): void {
    const { stepSize, gamma = 0.1 } = this.options;
    if (++this.#epoch % stepSize === 0) this.optimizer.paramGroups.forEach((group) => group.lr *= gamma);
  }
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }
}

let seed = 0;

/** The whole toy library. */
export const torch: Record<string, unknown> = {
  ...base,
  zeros: (shape: readonly number[]) => tensor(new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0), shape),
  manualSeed: (value: number) => void (seed = value),
  rand: (shape: readonly number[]) => tensor(Array.from({ length: shape[0]! }, () => (seed = (seed * 16807) % 2147483647) / 2147483647)),
  randForgetful: (shape: readonly number[]) => tensor(Array.from({ length: shape[0]! }, () => Math.random())),
  nn: {
    Scale: class {
      constructor(size: number, options?: { init?: number }) {
        return makeScale(size, options);
      }
    },
    init: {
      constant_: (x: Tensor, { val }: { val: number }) => x.fill_(val),
      ones_: (x: Tensor) => x.fill_(1).clone(), // wrong on purpose: it must return its argument
      calculateGain: () => Math.SQRT2,
    },
    utils: {
      clipGradValue_: (params: readonly Tensor[], { clipValue }: { clipValue: number }) => {
        for (const p of params) p.grad!.storage.data = p.grad!.values().map((x) => Math.min(x, clipValue));
        return tensor([1], []);
      },
    },
  },
  optim: { SGD, lrScheduler: { StepLR } },
  load: (bytes: Uint8Array) => {
    if (bytes[0] === 0) throw new TorchError("Cannot load: byte 0 must not be 0");
    return new Map<string, unknown>([["n", bytes[0]], ["t", tensor([1.5])], ["l", [1, "a", null]]]);
  },
};
