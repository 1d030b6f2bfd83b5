/**
 * Random programs of pointwise steps, views, steps in place, reductions and disposal, run alike on several devices.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";

/** A repeatable source of whole numbers. */
export class Dice {
  #state: number;

  /** @param seed Where the sequence starts. */
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1;
  }

  /** A whole number below `n`. */
  roll(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state >>> 8) / 2 ** 24 * n);
  }

  /** One of `list`. */
  pick<T>(list: readonly T[]): T {
    return list[this.roll(list.length)]!;
  }
}

type Step = (x: Tensor, dice: Dice, pool: readonly Tensor[]) => Tensor;

const FLOATS: Step[] = [
  (x) => x.exp(),
  (x) => x.neg(),
  (x) => x.relu(),
  (x) => x.tanh(),
  (x) => x.abs().sqrt(),
  (x) => x.sigmoid(),
  (x) => x.mul(1.5).add(0.25),
  (x) => x.clamp(-0.5, 0.75),
  (x) => torch.nn.functional.gelu(x),
  (x) => torch.nn.functional.silu(x),
  (x) => torch.nn.functional.gelu(x, { approximate: "tanh" }),
];

const ANY: Step[] = [
  (x) => x.mul(3),
  (x) => x.add(1),
  (x) => x.gt(0),
  (x) => x.ne(1),
  (x) => x.to("float32"),
  (x) => x.to("float16"),
  (x) => x.to("bfloat16"),
  (x) => x.to("int32"),
  (x) => x.to("int8"),
  (x) => x.to("uint8"),
  (x) => x.to("bool"),
  (x) => x.clone(),
  (x) => x.ndim > 1 ? x.transpose(0, -1) : x.unsqueeze(0),
  (x) => x.unsqueeze(-1),
  (x) => x.squeeze(),
  (x) => x.reshape([-1]),
  (x) => x.numel() % 2 === 0 ? x.reshape([2, -1]) : x,
  (x) => x.contiguous(),
  (x) => x.ndim > 0 && x.shape[0]! > 1 ? x.narrow(0, 1, x.shape[0]! - 1) : x,
  (x) => x.ndim > 0 ? x.select(0, 0) : x,
  (x) => x.expand([2, ...x.shape]),
  (x) => x.detach(),
];

const FOLDS: Step[] = [
  (x) => x.to("float32").sum(),
  (x) => x.to("float32").mean(),
  (x) => x.ndim > 0 ? x.to("float32").sum(0) : x,
  (x) => x.ndim > 0 ? x.to("float32").mul(0.5).sum(-1, true).add(1) : x,
  (x) => x.amax(),
  (x) => x.ndim > 0 ? x.amin(0) : x,
  (x) => x.to("bool").any(),
  (x) => x.ndim > 1 ? x.to("int32").sum([0, 1]) : x,
  (x) => x.ndim > 0 && x.dtype.kind === "float" ? x.softmax(-1) : x,
  (x) => x.ndim > 0 && x.dtype.kind === "float" ? x.sub(x.amax(-1, true)).exp() : x,
  (x) => x.to("float32").cumsum(0 - Number(x.ndim > 0)),
];

/** Products of small matrices, of what is near 0: sums of large numbers would end in NaN everywhere. */
const PRODUCTS: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x) => x.ndim > 1 ? tame(x).matmul(tame(x).mT) : x,
  (x, y) => x.ndim > 1 ? tame(x).mT.matmul(tame(x)).add(tame(y).amax()) : x,
  (x, y) => x.ndim > 1 && y.ndim === 2 && y.shape[0] === x.shape.at(-1) ? tame(x).matmul(tame(y)).exp() : x,
  (x) => x.ndim > 0 ? linear(tame(x), tame(x).reshape([-1, x.shape.at(-1)!])).neg() : x,
  (x, y) => {
    if (x.ndim === 0 || y.ndim === 0 || y.shape.at(-1) !== x.shape.at(-1)) return x;
    const w = tame(x).reshape([-1, x.shape.at(-1)!]);
    return linear(tame(y), w, w.sum(-1)).relu();
  },
];

const { linear } = torch.nn.functional;
const tame = (x: Tensor): Tensor => x.to("float32").clamp(-2, 2);

const PAIRS: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.mul(y),
  (x, y) => x.to("float32").sub(y.to("float32")),
  (x, y) => torch.maximum(x, y),
  (x, y) => x.lt(y),
  (x, y) => torch.where(x.gt(y), x.to("float32"), y.to("float32")),
  (x, y) => x.to("float32").div(y.to("float32")),
];

/** Steps in place: the target may be a part of its storage. */
const IN_PLACE: ((x: Tensor, y: Tensor | null) => void)[] = [
  (x) => x.add_(1),
  (x) => x.mul_(2),
  (x) => x.zero_(),
  (x) => x.fill_(3),
  (x, y) => y === null ? undefined : x.copy_(y),
  (x, y) => y === null || y.dtype !== x.dtype ? undefined : x.add_(y),
  (x, y) =>
    y === null || x.dtype.kind !== "float" || y.dtype.kind !== "float" ? undefined : x.mul_(y.mul(0.5)),
  (x) => x.dtype.kind === "float" ? x.relu_() : undefined,
  (x) => x.ndim > 0 && x.shape[0]! > 1 ? x.narrow(0, 0, 1).add_(2) : undefined,
  (x) => x.ndim > 1 && x.shape[0] === x.shape[1] ? x.add_(x.transpose(0, 1)) : undefined,
  (x) => x.dtype.kind === "float" ? x.mul_(x.mul(2).add(x)) : undefined,
];

function broadcasts(x: Tensor, y: Tensor): boolean {
  const rank = Math.min(x.ndim, y.ndim);
  for (let d = 1; d <= rank; d++) {
    const [a, b] = [x.shape.at(-d)!, y.shape.at(-d)!];
    if (a !== b && a !== 1 && b !== 1) return false;
  }
  return x.numel() * y.numel() < 2000;
}

const isRepeated = (x: Tensor): boolean => x.shape.some((size, d) => size > 1 && x.strides[d] === 0);

/**
 * Runs a program of `length` steps on a device.
 *
 * @returns What each read gave, and all values at the end.
 */
export async function runProgram(seed: number, length: number, device: string): Promise<string[]> {
  const dice = new Dice(seed);
  const seen: string[] = [];
  const read = async (x: Tensor): Promise<void> => {
    seen.push(`${x.dtype.name}[${x.shape}] ${Array.from(await x.data() as Float32Array).join()}`);
  };
  const values = (n: number): number[] => Array.from({ length: n }, () => (dice.roll(4001) - 2000) / 500);
  let pool: Tensor[] = [[4, 4], [3, 4], [4], [2, 3, 4], []].map((shape) =>
    torch.tensor(values(shape.reduce((a, b) => a * b, 1)), { device }).reshape(shape)
  );
  for (let i = 0; i < length; i++) {
    const x = dice.pick(pool);
    const y = dice.pick(pool);
    const kind = dice.roll(22);
    let made: Tensor | null = null;
    if (kind < 5) made = dice.pick(x.dtype.kind === "float" ? FLOATS : ANY)(x, dice, pool);
    else if (kind < 9) made = dice.pick(ANY)(x, dice, pool);
    else if (kind < 11) made = dice.pick(FOLDS)(x, dice, pool);
    else if (kind < 15) {
      const op = dice.pick(PAIRS);
      if (broadcasts(x, y)) made = op(x, y);
    } else if (kind < 18) {
      const fits = y.ndim <= x.ndim && broadcasts(x, y) &&
        y.shape.every((size, d) => size === 1 || size === x.shape[x.ndim - y.ndim + d]);
      const op = dice.pick(IN_PLACE);
      if (!isRepeated(x) && x.dtype.kind !== "bool") op(x, fits ? y : null);
    } else if (kind === 18) await read(x);
    else if (kind > 19) made = dice.pick(PRODUCTS)(x, y);
    else if (pool.length > 4) {
      pool = pool.filter((other) => other.storage !== x.storage);
      x.dispose();
    }
    if (made !== null && made.numel() < 400 && made.ndim < 6) pool.push(made);
    if (pool.length > 14) pool.splice(dice.roll(5), 1);
    if (pool.length === 0) pool.push(torch.ones([4], { device }));
  }
  for (const x of pool) await read(x);
  for (const x of pool) x.dispose();
  return seen;
}

const SMOOTH: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => x.sigmoid(),
  (x) => x.mul(0.7).sin(),
  (x) => x.square().add(1).sqrt(),
  (x) => x.square().add(1).log(),
  (x) => x.relu(),
  (x) => x.mul(x).mul(0.1),
  (x, y) => x.add(y),
  (x, y) => x.mul(y).tanh(),
  (x, y) => x.sub(y).mul(0.5),
  (x, y) => x.div(y.square().add(1)),
  (x, y) => torch.where(x.gt(y), x, y),
  (x, y) => torch.maximum(x, y),
  (x) => x.sub(x.mean(-1, true)),
  (x) => x.softmax(-1),
  (x) => x.transpose(-1, -2).matmul(x).sum(0).add(x).tanh(),
  (x, y) => x.matmul(y.mT).mul(0.3).relu().matmul(x).add(y).tanh(),
  (x, y) => torch.nn.functional.linear(x, y.mT.matmul(x), y.select(0, 1)).mul(0.2).sigmoid(),
  (x, y) => torch.nn.functional.gelu(torch.nn.functional.linear(x, x.mT.matmul(y))).add(x).tanh(),
  (x, y) => {
    const w = y.detach().clone();
    const z = w.matmul(x.detach().mT);
    w.mul_(0.5);
    return z.tanh().matmul(y).mul(0.3).add_(w).mul_(x);
  },
  (x) => x.narrow(-1, 0, 2).sum().mul(0.1).add(x).tanh(),
  (x) => x.clone().mul_(0.5).add_(1),
  (x) => {
    const y = x.mul(0.5);
    y.narrow(0, 0, 1).add_(1);
    return y.tanh();
  },
  (x) => x.detach().mul(0.1).add(x),
];

/**
 * Gradients and parameters of a random network of smooth steps over a few updates.
 *
 * @param scoped Frees all that a step leaves behind at its end.
 */
export async function trainRandomly(
  seed: number,
  length: number,
  device: string,
  scoped: boolean,
): Promise<string[]> {
  const make = (dice: Dice, ...shape: number[]): Tensor =>
    torch.tensor(
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (dice.roll(2001) - 1000) / 700),
      { device },
    ).reshape(shape).clone();
  const start = new Dice(seed);
  const leaves = [make(start, 4), make(start, 3, 4), make(start, 1, 4), make(start)];
  const inputs = [make(start, 3, 4), make(start, 3, 1)];
  for (const leaf of leaves) leaf.requiresGrad = true;
  const seen: string[] = [];
  const step = (dice: Dice): Tensor => {
    const pool = [...leaves, ...inputs].map((x) => x.add(0).expand([3, 4]).mul(1));
    for (let i = 0; i < length; i++) pool.push(dice.pick(SMOOTH)(dice.pick(pool), dice.pick(pool)));
    return [...pool.slice(-4), ...leaves].reduce((sum, x) => sum.add(x)).square().mean();
  };
  const update = (): void => {
    torch.noGrad(() => {
      for (const leaf of leaves) {
        if (leaf.grad !== null) leaf.sub_(leaf.grad.mul(0.05));
        leaf.grad = null;
      }
    });
  };
  for (let k = 0; k < 3; k++) {
    const all = (): Tensor => {
      const loss = step(new Dice(seed + 1));
      loss.backward();
      update();
      return loss.detach();
    };
    const loss = scoped ? torch.scope(all) : all();
    if (k !== 1) seen.push(String(await loss.item()));
    for (const leaf of leaves) seen.push(Array.from(await leaf.data() as Float32Array).join());
    loss.dispose();
  }
  for (const x of [...leaves, ...inputs]) x.dispose();
  return seen;
}
