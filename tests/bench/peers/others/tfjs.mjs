// TensorFlow.js peer. --backend=wasm|cpu  (image data are NHWC, as the library wants it)
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fill, labels10, meanAbs, opts, runPeer, tokens, uniformInit } from "./harness.mjs";
import * as tf from "@tensorflow/tfjs"; // the union package: it registers the gradients
const backend = opts.backend ?? "wasm";
const require = createRequire(import.meta.url);
if (backend === "cpu") {
  await import("@tensorflow/tfjs-backend-cpu");
  await tf.setBackend("cpu");
} else {
  const dir = dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")) + "/dist/";
  const fetch0 = globalThis.fetch; // the loader fetches its .wasm: serve it from the package folder
  globalThis.fetch = (u, o) =>
    String(u).endsWith(".wasm")
      ? Promise.resolve(
        new Response(readFileSync(dir + String(u).split("/").pop()), {
          headers: { "content-type": "application/wasm" },
        }),
      )
      : fetch0(u, o);
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(dir);
  tf.env().set("WASM_HAS_SIMD_SUPPORT", true);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // see the README: its threads do not run outside a browser
  await tf.setBackend("wasm");
}
await tf.ready();
if (tf.getBackend() !== (backend === "cpu" ? "cpu" : "wasm")) throw new Error("the backend did not start");
const T = (shape, seed, scale = 1) => tf.tensor(fill(shape.reduce((a, b) => a * b, 1), seed, scale), shape);
const U = (shape, fan, seed) => tf.tensor(uniformInit(shape.reduce((a, b) => a * b, 1), fan, seed), shape);
const tr = (t) => tf.tidy(() => tf.transpose(t));

function simple(f, ...keep) { // f returns one tensor
  let y = null;
  return {
    run() {
      if (y) y.dispose();
      y = tf.tidy(f);
    },
    check: () => meanAbs(y.dataSync()),
    end() {
      y?.dispose();
      for (const k of keep) k.dispose();
    },
  };
}
const gelu = (x) =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(1, tf.tanh(tf.mul(0.7978845608028654, tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))))))),
  );
const layerNorm = (x, g, b) => {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), g), b);
};

function trainer(params, lossFn, opt, makeBatch) {
  const losses = [];
  const step = () => {
    const [x, y] = makeBatch();
    const cost = opt.minimize(() => lossFn(x, y), true, params);
    const l = cost.dataSync()[0];
    cost.dispose();
    x.dispose();
    y.dispose();
    if (losses.length < 3) losses.push(l);
  };
  return {
    run: step,
    check() {
      while (losses.length < 3) step();
      return losses[2];
    },
    end() {
      params.forEach((p) => p.dispose());
      opt.dispose();
    },
  };
}
// what a user would write with the layers, spelled with core ops
const xent = (logits, y, c) => tf.losses.softmaxCrossEntropy(tf.cast(tf.oneHot(y, c), "float32"), logits);
function mlpParams(d) {
  const p = [];
  for (let i = 0; i + 1 < d.length; i++) {
    const w = U([d[i + 1], d[i]], d[i], 100 + i);
    p.push(tf.variable(tr(w)), tf.variable(tf.zeros([d[i + 1]])));
    w.dispose();
  }
  return p;
}
const mlp = (p, x) => {
  for (let i = 0; i < p.length; i += 2) {
    x = tf.add(tf.matMul(x, p[i]), p[i + 1]);
    if (i + 2 < p.length) x = tf.relu(x);
  }
  return x;
};
function cnnParams() {
  const V = (t) => tf.variable(t);
  return tf.tidy(() => [
    V(tf.transpose(U([32, 1, 3, 3], 9, 100), [2, 3, 1, 0])),
    V(tf.zeros([32])),
    V(tf.transpose(U([64, 32, 3, 3], 288, 101), [2, 3, 1, 0])),
    V(tf.zeros([64])),
    V(tf.reshape(tf.transpose(tf.reshape(U([128, 9216], 9216, 102), [128, 64, 12, 12]), [2, 3, 1, 0]), [
      9216,
      128,
    ])),
    V(tf.zeros([128])),
    V(tf.transpose(U([10, 128], 128, 103))),
    V(tf.zeros([10])),
  ]);
}
function cnn(p, x) {
  x = tf.relu(tf.add(tf.conv2d(x, p[0], 1, "valid"), p[1]));
  x = tf.relu(tf.add(tf.conv2d(x, p[2], 1, "valid"), p[3]));
  x = tf.reshape(tf.maxPool(x, 2, 2, "valid"), [x.shape[0], 9216]);
  x = tf.relu(tf.add(tf.matMul(x, p[4]), p[5]));
  return tf.add(tf.matMul(x, p[6]), p[7]);
}
class AdamW { // tfjs has no AdamW: Adam and a decay applied first, as a user would
  constructor(lr, wd) {
    this.o = tf.train.adam(lr, 0.9, 0.999, 1e-8);
    this.f = 1 - lr * wd;
  }
  minimize(f, r, params) {
    tf.tidy(() => params.forEach((p) => p.assign(tf.mul(p, this.f))));
    return this.o.minimize(f, r, params);
  }
  dispose() {
    this.o.dispose();
  }
}

const kinds = {
  matmul: (w) => {
    const a = T([w.m, w.k], 1), b = T([w.k, w.n], 2);
    return simple(() => tf.matMul(a, b), a, b);
  },
  bmm: (w) => {
    const a = T([w.b, w.m, w.k], 1), b = T([w.b, w.k, w.n], 2);
    return simple(() => tf.matMul(a, b), a, b);
  },
  linear: (w) => {
    const a = T([w.m, w.k], 1), b = T([w.n, w.k], 2);
    return simple(() => tf.matMul(a, b, false, true), a, b);
  },
  conv2d: (w) => {
    const x = tf.tidy(() => tf.transpose(T([w.N, w.C, w.H, w.W], 1), [0, 2, 3, 1]));
    if (w.groups === w.C && w.C > 1) {
      const f = tf.tidy(() => tf.transpose(T([w.K, 1, w.R, w.S], 2), [2, 3, 0, 1]));
      return simple(() => tf.depthwiseConv2d(x, f, w.stride, w.pad, "NHWC", w.dilation ?? 1), x, f);
    }
    const f = tf.tidy(() => tf.transpose(T([w.K, w.C, w.R, w.S], 2), [2, 3, 1, 0]));
    return simple(() => tf.conv2d(x, f, w.stride, w.pad, "NHWC", w.dilation ?? 1), x, f);
  },
  ew: (w) => {
    const x = T([w.n], 1), y = T([w.n], 2);
    const f = {
      add: () => tf.add(x, y),
      relu: () => tf.relu(x),
      exp: () => tf.exp(x),
      tanh: () => tf.tanh(x),
      sigmoid: () => tf.sigmoid(x),
      gelu: () => gelu(x),
      chain: () => tf.relu(tf.add(tf.mul(x, 2), y)),
      sum: () => tf.sum(x),
    }[w.op];
    return simple(f, x, y);
  },
  sumaxis: (w) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => tf.sum(x, w.axis), x);
  },
  softmax: (w) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => tf.softmax(x), x);
  },
  layernorm: (w) => {
    const x = T([w.rows, w.cols], 1), g = T([w.cols], 2), b = T([w.cols], 3);
    return simple(() => layerNorm(x, g, b), x, g, b);
  },
  transpose: (w) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => tf.transpose(x), x);
  },
  maxpool: (w) => {
    const x = tf.tidy(() => tf.transpose(T([w.N, w.C, w.H, w.W], 1), [0, 2, 3, 1]));
    return simple(() => tf.maxPool(x, 2, 2, "valid"), x);
  },
  embedding: (w) => {
    const t = T([w.vocab, w.dim], 1), i = tf.tensor1d(tokens(w.rows, 2, w.vocab), "int32");
    return simple(() => tf.gather(t, i), t, i);
  },
  argmax: (w) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => tf.argMax(x, 1), x);
  },
  logsoftmax: (w) => {
    const x = T([w.rows, w.cols], 1);
    return simple(() => tf.logSoftmax(x), x);
  },
  xent_grad: (w) => {
    const x = T([w.rows, w.cols], 1, 4), y = tf.tensor1d(tokens(w.rows, 2, w.cols), "int32");
    const g = tf.grad((a) => xent(a, y, w.cols));
    return simple(() => g(x), x, y);
  },
  batchnorm: (w) => {
    const x = tf.tidy(() => tf.transpose(T([w.N, w.C, w.H, w.W], 1), [0, 2, 3, 1]));
    const g = T([w.C], 2), b = T([w.C], 3);
    const f = () => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, b, g, 1e-5);
    };
    return simple(f, x, g, b);
  },
  dropout: (w) => {
    const row = simple(() => tf.dropout(tf.ones([w.n]), 0.5));
    return { ...row, check: () => Math.round(10 * row.check()) / 10 };
  },
  gather: (w) => {
    const x = T([w.rows, w.cols], 1), i = tf.tensor2d(tokens(w.rows * w.cols, 2, w.cols), [w.rows, w.cols], "int32");
    return simple(() => tf.gather(x, i, 1, 1), x, i);
  },
  indexadd: (w) => {
    const y = T([w.rows, w.cols], 1), i = tf.tensor1d(tokens(w.rows, 2, w.into), "int32");
    return simple(() => tf.unsortedSegmentSum(y, i, w.into), y, i);
  },
  adam: (w) => {
    const p = tf.variable(T([w.rows, w.cols], 1), true, "p"), g = T([w.rows, w.cols], 2);
    const o = tf.train.adam(w.lr, 0.9, 0.999, 1e-8);
    return {
      run: () => o.applyGradients({ p: g }),
      check: () => meanAbs(p.dataSync()),
      end() {
        o.dispose();
        p.dispose();
        g.dispose();
      },
    };
  },
  train_mlp: (w) => {
    const p = mlpParams(w.dims), x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      p,
      (a, b) => xent(mlp(p, a), b, 10),
      tf.train.adam(w.lr, 0.9, 0.999, 1e-8),
      () => [tf.tensor2d(x, [w.batch, 784]), tf.tensor1d(y, "int32")],
    );
  },
  train_cnn: (w) => {
    const p = cnnParams(), x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      p,
      (a, b) => xent(cnn(p, a), b, 10),
      tf.train.adam(w.lr, 0.9, 0.999, 1e-8),
      () => [tf.tensor4d(x, [w.batch, 28, 28, 1]), tf.tensor1d(y, "int32")],
    );
  },
  train_gpt: (w) => {
    const { d, heads: h, ctx: L, batch: B, vocab: Vn } = w, hd = d / h;
    const V = (t) => {
      const v = tf.variable(t);
      t.dispose();
      return v;
    };
    const lin = (o, i, s) => {
      const t = U([o, i], i, s), u = tr(t);
      t.dispose();
      return V(u);
    };
    const P = {
      tok: V(T([Vn, d], 1, 0.08)),
      pos: V(T([L, d], 2, 0.08)),
      head: lin(Vn, d, 3),
      g: V(tf.ones([d])),
      b: V(tf.zeros([d])),
      bl: [],
    };
    for (let i = 0; i < w.layers; i++) {
      P.bl.push({
        g1: V(tf.ones([d])),
        b1: V(tf.zeros([d])),
        g2: V(tf.ones([d])),
        b2: V(tf.zeros([d])),
        qkv: lin(3 * d, d, 10 + i * 4),
        proj: lin(d, d, 11 + i * 4),
        up: lin(4 * d, d, 12 + i * 4),
        down: lin(d, 4 * d, 13 + i * 4),
      });
    }
    const all = [P.tok, P.pos, P.head, P.g, P.b, ...P.bl.flatMap((b) => Object.values(b))];
    const mask = tf.tidy(() => tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([L, L]), -1, 0)), -1e9));
    const mm = (x, W) => tf.reshape(tf.matMul(tf.reshape(x, [B * L, -1]), W), [B, L, -1]);
    const f = (ids, y) => {
      // gather's gradient (unsortedSegmentSum) is not in every backend: a one-hot matmul is what works everywhere
      let x = tf.add(tf.reshape(tf.matMul(tf.cast(tf.oneHot(ids, Vn), "float32"), P.tok), [B, L, d]), P.pos);
      for (const b of P.bl) {
        const [q, k, v] = tf.split(mm(layerNorm(x, b.g1, b.b1), b.qkv), 3, 2).map((t) =>
          tf.transpose(tf.reshape(t, [B, L, h, hd]), [0, 2, 1, 3])
        );
        const a = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), hd ** -0.5), mask));
        x = tf.add(x, mm(tf.reshape(tf.transpose(tf.matMul(a, v), [0, 2, 1, 3]), [B, L, d]), b.proj));
        x = tf.add(x, mm(gelu(mm(layerNorm(x, b.g2, b.b2), b.up)), b.down));
      }
      return xent(tf.reshape(mm(layerNorm(x, P.g, P.b), P.head), [B * L, Vn]), y, Vn);
    };
    const x = tokens(B * L, 5, Vn), y = tokens(B * L, 6, Vn);
    return trainer(all, f, new AdamW(w.lr, w.wd), () => [tf.tensor1d(x, "int32"), tf.tensor1d(y, "int32")]);
  },
  attention: (w) => {
    const [q, k, v] = [1, 2, 3].map((i) => T([w.b, w.h, w.t, w.d], i));
    const f = (q, k, v) =>
      tf.sum(tf.square(tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), w.d ** -0.5)), v)));
    let g = [];
    return {
      run() {
        g.forEach((x) => x.dispose());
        g = tf.tidy(() => tf.grads(f)([q, k, v]));
      },
      check: () => meanAbs(g[0].dataSync()),
      end() {
        [q, k, v, ...g].forEach((x) => x.dispose());
      },
    };
  },
  infer_mlp: (w) => {
    const p = mlpParams(w.dims), x = fill(784, 1);
    let out;
    return {
      run() {
        out = tf.tidy(() => mlp(p, tf.tensor2d(x, [1, 784])).dataSync());
      },
      check: () => meanAbs(out),
      end: () => p.forEach((t) => t.dispose()),
    };
  },
  infer_cnn: () => {
    const p = cnnParams(), x = fill(784, 1);
    let out;
    return {
      run() {
        out = tf.tidy(() => cnn(p, tf.tensor4d(x, [1, 28, 28, 1])).dataSync());
      },
      check: () => meanAbs(out),
      end: () => p.forEach((t) => t.dispose()),
    };
  },
  op_add4: (w) => {
    const a = T([4], 1), b = T([4], 2);
    return {
      perRun: w.loop,
      run() {
        for (let i = 0; i < w.loop; i++) tf.add(a, b).dispose();
      },
      check: () => meanAbs(tf.add(a, b).dataSync()),
    };
  },
  op_scalar_chain: (w) => {
    const one = tf.scalar(0.999), two = tf.scalar(0.001);
    let r;
    return {
      perRun: w.loop,
      run() {
        let x = tf.scalar(1);
        for (let i = 0; i < w.loop / 2; i++) {
          const m = tf.mul(x, one), n = tf.add(m, two);
          x.dispose();
          m.dispose();
          x = n;
        }
        r = x.dataSync()[0];
        x.dispose();
      },
      check: () => r,
    };
  },
};
const skip = backend === "cpu"
  ? {
    mm_2048: "skipped: plain JavaScript, far too slow",
    train_cnn: "skipped: three steps did not finish within three minutes",
  }
  : {};
await runPeer({ name: "tfjs-" + backend, kinds, skip });
