/**
 * Flambeau as one of the peers: `--threads=N`.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import { Cnn, Gpt, Mlp } from "../models.ts";
// @ts-types="./others/harness.d.ts"
import { fill, labels10, meanAbs, opts, runPeer, tokens } from "./others/harness.mjs";

const F = torch.nn.functional;
if (opts.threads !== undefined) torch.setNumThreads(opts.threads);

// deno-lint-ignore no-explicit-any
type Workload = any;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const T = (shape: readonly number[], seed: number, scale = 1): torch.Tensor =>
  torch.tensor(fill(count(shape), seed, scale)).view(shape);

/** One operation whose last result stays until the next. */
function simple(compute: () => torch.Tensor) {
  let y: torch.Tensor | null = null;
  return {
    run() {
      y?.dispose();
      y = torch.noGrad(compute);
    },
    check: () => meanAbs(y!.dataSync()),
    end: () => y?.dispose(),
  };
}

/** Forward and backward; the check looks at the gradient of the first of `leaves`. */
function gradients(leaves: readonly torch.Tensor[], loss: () => torch.Tensor) {
  for (const leaf of leaves) leaf.requiresGrad = true;
  return {
    run() {
      for (const leaf of leaves) {
        leaf.grad?.dispose();
        leaf.grad = null;
      }
      const value = loss();
      value.backward();
      value.dispose();
    },
    check: () => meanAbs(leaves[0]!.grad!.dataSync()),
  };
}

function trainer(
  net: torch.nn.Module,
  optimizer: torch.optim.Optimizer,
  classes: number,
  batch: () => [torch.Tensor, torch.Tensor],
) {
  const losses: number[] = [];
  const step = async () => {
    const [x, y] = batch();
    const loss = torch.scope(() => F.crossEntropy(net(x).view(-1, classes), y));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    const value = await loss.item() as number;
    for (const tensor of [x, y, loss]) tensor.dispose();
    if (losses.length < 3) losses.push(value);
  };
  return {
    run: step,
    async check() {
      while (losses.length < 3) await step();
      return losses[2];
    },
  };
}

function inference(net: torch.nn.Module, shape: readonly number[]) {
  const x = fill(784, 1);
  let out: ArrayLike<number | bigint | boolean> = [];
  net.eval();
  return {
    run() {
      out = torch.noGrad(() => torch.scope(() => net(torch.tensor(x).view(shape)).dataSync()));
    },
    check: () => meanAbs(out),
  };
}

const kinds = {
  matmul: (w: Workload) => {
    const a = T([w.m, w.k], 1), b = T([w.k, w.n], 2);
    return simple(() => a.matmul(b));
  },
  bmm: (w: Workload) => {
    const a = T([w.b, w.m, w.k], 1), b = T([w.b, w.k, w.n], 2);
    return simple(() => torch.bmm(a, b));
  },
  linear: (w: Workload) => {
    const a = T([w.m, w.k], 1), b = T([w.n, w.k], 2);
    return simple(() => F.linear(a, b));
  },
  conv2d: (w: Workload) => {
    const x = T([w.N, w.C, w.H, w.W], 1), f = T([w.K, w.C / w.groups, w.R, w.S], 2);
    const { stride, pad: padding, dilation = 1, groups } = w;
    return simple(() => F.conv2d(x, f, null, { stride, padding, dilation, groups }));
  },
  ew: (w: Workload) => {
    const x = T([w.n], 1), y = T([w.n], 2);
    return simple(
      {
        add: () => x.add(y),
        relu: () => x.relu(),
        exp: () => x.exp(),
        tanh: () => x.tanh(),
        sigmoid: () => x.sigmoid(),
        gelu: () => F.gelu(x, { approximate: "tanh" }),
        chain: () => torch.scope(() => x.mul(2).add(y).relu()),
        sum: () => x.sum(),
      }[w.op as "add"]!,
    );
  },
  sumaxis: (w: Workload) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => x.sum(w.axis));
  },
  softmax: (w: Workload) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => x.softmax(1));
  },
  layernorm: (w: Workload) => {
    const x = T([w.rows, w.cols], 1), g = T([w.cols], 2), b = T([w.cols], 3);
    return simple(() => F.layerNorm(x, [w.cols], g, b));
  },
  transpose: (w: Workload) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => x.t().contiguous());
  },
  maxpool: (w: Workload) => {
    const x = T([w.N, w.C, w.H, w.W], 1);
    return simple(() => F.maxPool2d(x, 2) as torch.Tensor);
  },
  embedding: (w: Workload) => {
    const t = T([w.vocab, w.dim], 1), i = torch.tensor(tokens(w.rows, 2, w.vocab));
    return simple(() => F.embedding(i, t));
  },
  argmax: (w: Workload) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => x.argmax(1));
  },
  logsoftmax: (w: Workload) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => x.logSoftmax(1));
  },
  xent_grad: (w: Workload) => {
    const x = T([w.rows, w.cols], 1, 4), y = torch.tensor(tokens(w.rows, 2, w.cols));
    return gradients([x], () => F.crossEntropy(x, y));
  },
  batchnorm: (w: Workload) => {
    const x = T([w.N, w.C, w.H, w.W], 1), g = T([w.C], 2), b = T([w.C], 3);
    return simple(() => F.batchNorm(x, null, null, g, b, true));
  },
  groupnorm: (w: Workload) => {
    const x = T([w.N, w.C, w.H, w.W], 1), g = T([w.C], 2), b = T([w.C], 3);
    return simple(() => F.groupNorm(x, w.groups, g, b));
  },
  dropout: (w: Workload) => {
    const x = torch.ones([w.n]);
    // What is dropped is random: the mean agrees to one digit.
    const row = simple(() => F.dropout(x, 0.5));
    return { ...row, check: () => Math.round(10 * row.check()) / 10 };
  },
  gather: (w: Workload) => {
    const x = T([w.rows, w.cols], 1),
      i = torch.tensor(tokens(w.rows * w.cols, 2, w.cols)).view(w.rows, w.cols);
    return simple(() => x.gather(1, i));
  },
  indexadd: (w: Workload) => {
    const x = torch.zeros([w.into, w.cols]), y = T([w.rows, w.cols], 1);
    const i = torch.tensor(tokens(w.rows, 2, w.into));
    return simple(() => x.indexAdd(0, i, y));
  },
  adam: (w: Workload) => {
    const p = T([w.rows, w.cols], 1);
    p.requiresGrad = true;
    p.grad = T([w.rows, w.cols], 2);
    const optimizer = new torch.optim.Adam([p], { lr: w.lr });
    return { run: () => void optimizer.step(), check: () => meanAbs(p.detach().dataSync()) };
  },
  train_mlp: (w: Workload) => {
    const net = new Mlp(w.dims, T), x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      net,
      new torch.optim.Adam(net.parameters(), { lr: w.lr }),
      10,
      () => [torch.tensor(x).view(-1, 784), torch.tensor(y)],
    );
  },
  train_cnn: (w: Workload) => {
    const net = new Cnn(T), x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      net,
      new torch.optim.Adam(net.parameters(), { lr: w.lr }),
      10,
      () => [torch.tensor(x).view(-1, 1, 28, 28), torch.tensor(y)],
    );
  },
  train_gpt: (w: Workload) => {
    const net = new Gpt(w, T), n = w.batch * w.ctx;
    const x = tokens(n, 5, w.vocab), y = tokens(n, 6, w.vocab);
    return trainer(
      net,
      new torch.optim.AdamW(net.parameters(), { lr: w.lr, weightDecay: w.wd }),
      w.vocab,
      () => [torch.tensor(x).view(w.batch, w.ctx), torch.tensor(y)],
    );
  },
  conv_grad: (w: Workload) => {
    const x = T([w.N, w.C, w.H, w.W], 1), f = T([w.K, w.C, w.R, w.S], 2);
    return gradients(
      [f, x],
      () => F.conv2d(x, f, null, { stride: w.stride, padding: w.pad }).sum(),
    );
  },
  attention: (w: Workload) => {
    const [q, k, v] = [1, 2, 3].map((i) => T([w.b, w.h, w.t, w.d], i)) as [
      torch.Tensor,
      torch.Tensor,
      torch.Tensor,
    ];
    return gradients([q, k, v], () => F.scaledDotProductAttention(q, k, v).square().sum());
  },
  lstm: (w: Workload) => {
    const net = new torch.nn.LSTM(w.d, w.d, { numLayers: w.layers });
    const x = T([w.t, w.b, w.d], 1);
    const list = [...net.parameters()];
    torch.noGrad(() => {
      list.forEach((p, i) => void p.copy_(T(p.shape, 50 + i, 2 / Math.sqrt(w.d))));
    });
    return gradients([x, ...list], () => net(x)[0].sum());
  },
  infer_mlp: (w: Workload) => inference(new Mlp(w.dims, T), [1, 784]),
  infer_cnn: () => inference(new Cnn(T), [1, 1, 28, 28]),
  op_add4: (w: Workload) => {
    const a = T([4], 1), b = T([4], 2);
    return {
      perRun: w.loop,
      run() {
        for (let i = 0; i < w.loop; i++) a.add(b).dispose();
      },
      check: () => meanAbs(a.add(b).dataSync()),
    };
  },
  op_scalar_chain: (w: Workload) => {
    const one = torch.tensor(0.999), two = torch.tensor(0.001);
    let r: number | bigint | boolean = 0;
    return {
      perRun: w.loop,
      run() {
        let x = torch.tensor(1);
        for (let i = 0; i < w.loop / 2; i++) {
          const m = x.mul(one), n = m.add(two);
          x.dispose();
          m.dispose();
          x = n;
        }
        r = x.itemSync();
        x.dispose();
      },
      check: () => Number(r),
    };
  },
};

/** Threads start after some work, those of other libraries when they load: neither is part of a sample. */
async function startThreads(): Promise<void> {
  const x = torch.ones([512, 512]);
  for (const end = performance.now() + 500; performance.now() < end;) {
    x.matmul(x).dispose();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  x.dispose();
}

if ((opts.threads ?? 1) > 1) await startThreads();
await runPeer({ name: `flambeau-${opts.threads ?? "auto"}`, kinds });
