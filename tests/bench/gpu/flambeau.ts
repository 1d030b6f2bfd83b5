/**
 * Flambeau as one of the libraries: `--device=webgpu`, or `--device=cpu` for numbers to compare with.
 *
 * @module
 */

import process from "node:process";
import * as torch from "@flambeau/torch";
import { Cnn, Gpt } from "../models.ts";
// @ts-types="../peers/others/harness.d.ts"
import { fill, labels10, meanAbs, tokens } from "../peers/others/harness.mjs";
import { type Case, serve } from "./harness.ts";
import type { Workload } from "./workloads.ts";

const F = torch.nn.functional;
const device = process.argv.includes("--device=cpu") ? "cpu" : "webgpu";
const isGpu = device === "webgpu";
if (isGpu && !await torch.enableWebGpu()) {
  console.error("this runtime has no WebGPU adapter");
  process.exit(3);
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const T = (shape: readonly number[], seed: number, scale = 1): torch.Tensor =>
  torch.tensor(fill(count(shape), seed, scale)).view(shape);
const here = (x: torch.Tensor): torch.Tensor => isGpu ? x.to(device) : x;
const made = (shape: readonly number[], seed: number, dtype: unknown = "float32"): torch.Tensor =>
  here(T(shape, seed).to(dtype === "float16" ? torch.float16 : torch.float32));
const sync = async (): Promise<void> => {
  if (isGpu) await torch.webgpu.synchronize();
};
const values = async (x: torch.Tensor): Promise<ArrayLike<number>> =>
  await x.to(torch.float32).data() as ArrayLike<number>;

/** A value with its memory: pointwise results may wait until somebody asks for them. */
function computed(y: torch.Tensor): torch.Tensor {
  void y.storage.buffer;
  return y;
}

/** Some operation, whose results stay until the end of a batch. */
function simple(operands: readonly torch.Tensor[], compute: () => torch.Tensor): Case {
  const held: torch.Tensor[] = [];
  return {
    run: () => void held.push(computed(torch.noGrad(compute))),
    sync,
    async check() {
      const y = torch.noGrad(compute);
      const value = meanAbs(await values(y));
      y.dispose();
      return value;
    },
    drop: () => held.splice(0).forEach((y) => y.dispose()),
    end: () => operands.forEach((x) => x.dispose()),
  };
}

/** Training: three steps give the number; a batch reads the loss of its last step. */
function trainer(
  net: torch.nn.Module,
  optimizerOf: (net: torch.nn.Module) => torch.optim.Optimizer,
  classes: number,
  batch: () => [torch.Tensor, torch.Tensor],
): Case {
  net.to(device);
  const optimizer = optimizerOf(net);
  let last: torch.Tensor | null = null;
  const run = (): void => {
    const [x, y] = batch().map(here) as [torch.Tensor, torch.Tensor];
    const loss = F.crossEntropy(net(x).view(-1, classes), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    last?.dispose();
    last = loss.detach();
  };
  return {
    run,
    async sync() {
      await last?.item();
      await sync();
    },
    async check() {
      for (let i = 0; i < 3; i++) run();
      return Number(await last!.item());
    },
  };
}

/** Greedy decoding: the whole window for every token, which is read before the next one. */
function decoder(w: Workload): Case {
  const { ctx, vocab } = w as unknown as { ctx: number; vocab: number };
  const net = new Gpt(w as never, T).to(device) as Gpt;
  net.eval();
  const ids = tokens(ctx, 5, vocab);
  let at = 0;
  const run = async (): Promise<void> => {
    const next = torch.noGrad(() =>
      torch.scope(() => {
        const logits = net(here(torch.tensor(ids).view(1, ctx)));
        return logits.select(1, at).argmax(-1);
      })
    );
    const token = Number(await next.item());
    next.dispose();
    at = (at + 1) % ctx;
    ids[at] = token;
  };
  return {
    run,
    sync,
    async check() {
      const logits = torch.noGrad(() => torch.scope(() => net(here(torch.tensor(ids).view(1, ctx)))));
      return meanAbs(await values(logits));
    },
  };
}

// deno-lint-ignore no-explicit-any
const kinds: Record<string, (w: any) => Case> = {
  copy: (w) => {
    const x = made([w.n], 1);
    return simple([x], () => x.clone());
  },
  add: (w) => {
    const [x, y] = [made([w.n], 1), made([w.n], 2)];
    return simple([x, y], () => x.add(y));
  },
  gelu: (w) => {
    const x = made([w.n], 1);
    return simple([x], () => F.gelu(x, { approximate: "tanh" }));
  },
  sum: (w) => {
    const x = made([w.n], 1);
    return simple([x], () => x.square().sum());
  },
  sumRows: (w) => {
    const x = made([w.rows, w.columns], 1);
    return simple([x], () => x.sum(1));
  },
  sumColumns: (w) => {
    const x = made([w.rows, w.columns], 1);
    return simple([x], () => x.sum(0));
  },
  softmax: (w) => {
    const x = made([w.rows, w.columns], 1);
    return simple([x], () => x.softmax(1));
  },
  layerNorm: (w) => {
    const [x, g, b] = [made([w.rows, w.columns], 1), made([w.columns], 2), made([w.columns], 3)];
    return simple([x, g, b], () => F.layerNorm(x, [w.columns], g, b));
  },
  matmul: (w) => {
    const [x, y] = [made([w.m, w.k], 1, w.dtype), made([w.k, w.n], 2, w.dtype)];
    return simple([x, y], () => x.matmul(y));
  },
  linear: (w) => {
    const [x, y] = [made([w.m, w.k], 1, w.dtype), made([w.n, w.k], 2, w.dtype)];
    return simple([x, y], () => F.linear(x, y));
  },
  bmm: (w) => {
    const [x, y] = [made([w.b, w.m, w.k], 1), made([w.b, w.k, w.n], 2)];
    return simple([x, y], () => torch.bmm(x, y));
  },
  conv: (w) => {
    const [x, f] = [made([w.N, w.C, w.H, w.H], 1), made([w.K, w.C, w.R, w.R], 2)];
    return simple([x, f], () => F.conv2d(x, f, null, { stride: w.stride, padding: w.pad }));
  },
  convGrad: (w) => {
    const [x, f] = [made([w.N, w.C, w.H, w.H], 1), made([w.K, w.C, w.R, w.R], 2)];
    x.requiresGrad = f.requiresGrad = true;
    const y = F.conv2d(x, f, null, { stride: w.stride, padding: w.pad });
    const g = made(y.shape, 3);
    let held: torch.Tensor[] = [];
    const run = (): void => {
      for (const t of torch.autograd.grad(y, [x, f], { gradOutputs: g, retainGraph: true })) {
        held.push(computed(t!));
      }
    };
    const drop = (): void => {
      held.forEach((t) => t.dispose());
      held = [];
    };
    return {
      run,
      sync,
      async check() {
        run();
        return meanAbs(await values(held[0]!)) + meanAbs(await values(held[1]!));
      },
      drop,
      end: () => [x, f, y, g].forEach((t) => t.dispose()),
    };
  },
  attention: (w) => {
    const [q, k, v] = [1, 2, 3].map((i) => made([w.b, w.h, w.t, w.d], i)) as [
      torch.Tensor,
      torch.Tensor,
      torch.Tensor,
    ];
    return simple([q, k, v], () => F.scaledDotProductAttention(q, k, v));
  },
  trainCnn: (w) => {
    const [x, y] = [fill(w.batch * 784, 1), labels10(w.batch)];
    return trainer(
      new Cnn(T),
      (net) => new torch.optim.Adam(net.parameters(), { lr: w.lr }),
      10,
      () => [torch.tensor(x).view(-1, 1, 28, 28), torch.tensor(y)],
    );
  },
  trainGpt: (w) => {
    const n = w.batch * w.ctx;
    const [x, y] = [tokens(n, 5, w.vocab), tokens(n, 6, w.vocab)];
    return trainer(
      new Gpt(w, T),
      (net) => new torch.optim.AdamW(net.parameters(), { lr: w.lr, weightDecay: w.wd }),
      w.vocab,
      () => [torch.tensor(x).view(w.batch, w.ctx), torch.tensor(y)],
    );
  },
  decodeGpt: decoder,
};

const facts = isGpu ? torch.backendOf("webgpu") as unknown as { facts: Record<string, unknown> } : null;
await serve(() => ({ ...facts?.facts }), (workload) => kinds[workload.kind]?.(workload) ?? null);
