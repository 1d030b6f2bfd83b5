// jax-js peer. --threads=1|2 (2 = what it picks by itself: navigator.hardwareConcurrency workers), --backend=wasm|cpu
import { fill, labels10, meanAbs, opts, runPeer, tokens, uniformInit } from "./harness.mjs";
const threads = opts.threads ?? 2;
if (threads === 1) globalThis.Worker = undefined; // without Worker it runs on the calling thread
const jax = await import("@jax-js/jax");
const { numpy: np, nn, lax, jit, grad, random, valueAndGrad, blockUntilReady, tree } = jax;
await jax.init(opts.backend ?? "wasm");
jax.defaultDevice(opts.backend ?? "wasm");
const prod = (s) => s.reduce((a, b) => a * b, 1);
const T = (s, seed, scale) => np.array(fill(prod(s), seed, scale)).reshape(s);
const U = (s, fan, seed) => np.array(uniformInit(prod(s), fan, seed)).reshape(s);
const I = (a) => np.array(a, { dtype: np.int32 });
// every operation is wrapped in jit, as its documentation recommends; arrays given to a function are consumed, hence .ref
function simple(f, ...xs) {
  const g = jit(f);
  let y = null;
  return {
    async run() {
      y?.dispose();
      y = g(...xs.map((x) => x.ref));
      await y.blockUntilReady();
    },
    async check() {
      return meanAbs(await y.ref.data());
    },
    end() {
      y?.dispose();
      xs.forEach((x) => x.dispose());
      g.dispose?.();
    },
  };
}
const gelu = (x) => nn.gelu(x, { approximate: true });
const layerNorm = (x, g, b) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(g).add(b);
const relu = nn.relu;
const maxpool2 = (x) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
function xent(logits, y, c) {
  return np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(y, c))).mul(-1 / 1);
}

function trainer(params, lossFn, makeBatch, lr, wd) {
  let m = tree.map((x) => np.zerosLike(x), tree.ref(params)),
    v = tree.map((x) => np.zerosLike(x), tree.ref(params)),
    p = params,
    t = 0;
  const vg = valueAndGrad(lossFn);
  const step = jit((p, m, v, x, y, c1, c2) => {
    const [loss, g] = vg(tree.ref(p), x, y);
    m = tree.map((a, b) => a.mul(0.9).add(b.mul(0.1)), m, tree.ref(g));
    v = tree.map((a, b) => a.mul(0.999).add(b.ref.mul(b).mul(0.001)), v, g);
    const q = tree.map(
      (w, a, b) => w.mul(1 - lr * wd).sub(a.mul(c1.ref).mul(lr).div(np.sqrt(b.mul(c2.ref)).add(1e-8))),
      p,
      tree.ref(m),
      tree.ref(v),
    );
    c1.dispose();
    c2.dispose();
    return [loss, q, m, v];
  });
  const losses = [];
  async function run() {
    t++;
    const [x, y] = makeBatch();
    const [l, q, a, b] = step(p, m, v, x, y, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t));
    p = q;
    m = a;
    v = b;
    const loss = (await l.data())[0];
    await blockUntilReady(p);
    if (losses.length < 3) losses.push(loss);
  }
  return {
    run,
    async check() {
      while (losses.length < 3) await run();
      return losses[2];
    },
    end() {
      for (const z of [p, m, v]) tree.dispose(z);
    },
  };
}
const mlpParams = (d) => d.slice(1).map((o, i) => [U([o, d[i]], d[i], 100 + i), np.zeros([o])]);
const linear = (x, w) => np.matmul(x, np.transpose(w));
const mlp = (p, x) => {
  p.forEach(([w, b], i) => {
    x = linear(x, w).add(b);
    if (i < p.length - 1) x = relu(x);
  });
  return x;
};
const cnnParams = () => [
  [U([32, 1, 3, 3], 9, 100), np.zeros([32, 1, 1])],
  [U([64, 32, 3, 3], 288, 101), np.zeros([64, 1, 1])],
  [U([128, 9216], 9216, 102), np.zeros([128])],
  [U([10, 128], 128, 103), np.zeros([10])],
];
function cnn(p, x) {
  const B = x.shape[0];
  x = relu(lax.conv(x, p[0][0], [1, 1], "VALID").add(p[0][1]));
  x = relu(lax.conv(x, p[1][0], [1, 1], "VALID").add(p[1][1]));
  x = maxpool2(x).reshape([B, 9216]);
  x = relu(linear(x, p[2][0]).add(p[2][1]));
  return linear(x, p[3][0]).add(p[3][1]);
}
const meanXent = (logits, y, c) => {
  const n = logits.shape[0];
  return xent(logits, y, c).mul(1 / n);
};

const kinds = {
  matmul: (w) => simple((a, b) => np.matmul(a, b), T([w.m, w.k], 1), T([w.k, w.n], 2)),
  bmm: (w) => simple((a, b) => np.matmul(a, b), T([w.b, w.m, w.k], 1), T([w.b, w.k, w.n], 2)),
  linear: (w) => simple(linear, T([w.m, w.k], 1), T([w.n, w.k], 2)),
  conv2d: (w) =>
    simple(
      (x, f) =>
        lax.convGeneralDilated(x, f, [w.stride, w.stride], [[w.pad, w.pad], [w.pad, w.pad]], {
          featureGroupCount: w.groups,
          rhsDilation: [w.dilation ?? 1, w.dilation ?? 1],
        }),
      T([w.N, w.C, w.H, w.W], 1),
      T([w.K, w.C / w.groups, w.R, w.S], 2),
    ),
  ew: (w) => {
    const x = T([w.n], 1);
    if (w.op === "add") return simple((a, b) => a.add(b), x, T([w.n], 2));
    if (w.op === "chain") return simple((a, b) => relu(a.mul(2).add(b)), x, T([w.n], 2));
    return simple(
      {
        relu: (a) => relu(a),
        exp: (a) => np.exp(a),
        tanh: (a) => np.tanh(a),
        sigmoid: (a) => nn.sigmoid(a),
        gelu,
        sum: (a) => np.sum(a),
      }[w.op],
      x,
    );
  },
  sumaxis: (w) => simple((a) => np.sum(a, w.axis), T([w.rows, w.cols], 1)),
  softmax: (w) => simple((a) => nn.softmax(a, -1), T([w.rows, w.cols], 1)),
  layernorm: (w) => simple(layerNorm, T([w.rows, w.cols], 1), T([w.cols], 2), T([w.cols], 3)),
  transpose: (w) => simple((a) => np.transpose(a), T([w.rows, w.cols], 1)),
  maxpool: (w) => simple(maxpool2, T([w.N, w.C, w.H, w.W], 1)),
  embedding: (w) => simple((t, i) => np.take(t, i, 0), T([w.vocab, w.dim], 1), I(tokens(w.rows, 2, w.vocab))),
  argmax: (w) => simple((a) => np.argmax(a, 1), T([w.rows, w.cols], 1)),
  logsoftmax: (w) => simple((a) => nn.logSoftmax(a, -1), T([w.rows, w.cols], 1)),
  xent_grad: (w) => {
    const y = I(tokens(w.rows, 2, w.cols));
    return simple((a, b) => grad((z) => meanXent(z, b, w.cols))(a), T([w.rows, w.cols], 1, 4), y);
  },
  batchnorm: (w) =>
    simple(
      (x, g, b) => nn.standardize(x, [0, 2, 3], { epsilon: 1e-5 }).mul(g).add(b),
      T([w.N, w.C, w.H, w.W], 1),
      T([w.C, 1, 1], 2),
      T([w.C, 1, 1], 3),
    ),
  groupnorm: (w) =>
    simple(
      (x, g, b) =>
        nn.standardize(x.reshape([w.N, w.groups, -1]), -1, { epsilon: 1e-5 }).reshape([w.N, w.C, w.H, w.W]).mul(g)
          .add(b),
      T([w.N, w.C, w.H, w.W], 1),
      T([w.C, 1, 1], 2),
      T([w.C, 1, 1], 3),
    ),
  dropout: (w) => {
    let seed = 0;
    const x = np.ones([w.n]), f = jit((a, key) => np.where(random.bernoulli(key, 0.5, [w.n]), a.mul(2), 0));
    let y = null;
    return {
      async run() {
        y?.dispose();
        y = f(x.ref, random.key(seed++));
        await y.blockUntilReady();
      },
      check: async () => Math.round(10 * meanAbs(await y.ref.data())) / 10,
      end: () => y?.dispose(),
    };
  },
  adam: (w) => {
    const shape = [w.rows, w.cols], g = T(shape, 2);
    let p = T(shape, 1), m = np.zeros(shape), v = np.zeros(shape), t = 0;
    const f = jit((p, m, v, g, c1, c2) => {
      m = m.mul(0.9).add(g.ref.mul(0.1));
      v = v.mul(0.999).add(g.ref.mul(g).mul(0.001));
      return [p.sub(m.ref.mul(c1).mul(w.lr).div(np.sqrt(v.ref.mul(c2)).add(1e-8))), m, v];
    });
    return {
      async run() {
        t++;
        [p, m, v] = f(p, m, v, g.ref, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t));
        await blockUntilReady([p, m, v]);
      },
      check: async () => meanAbs(await p.ref.data()),
    };
  },
  attention: (w) => {
    const s = [w.b, w.h, w.t, w.d];
    const loss = ([q, k, v]) => {
      const a = nn.softmax(np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(w.d ** -0.5), -1);
      return np.sum(np.square(np.matmul(a, v)));
    };
    const f = jit((q, k, v) => grad(loss)([q, k, v]));
    const x = [1, 2, 3].map((i) => T(s, i));
    let y = null;
    return {
      async run() {
        if (y !== null) tree.dispose(y);
        y = f(...x.map((a) => a.ref));
        await blockUntilReady(y);
      },
      check: async () => meanAbs(await y[0].ref.data()),
    };
  },
  train_mlp: (w) => {
    const x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      mlpParams(w.dims),
      (p, a, b) => meanXent(mlp(p, a), b, 10),
      () => [np.array(x).reshape([w.batch, 784]), I(y)],
      w.lr,
      0,
    );
  },
  train_cnn: (w) => {
    const x = fill(w.batch * 784, 1), y = labels10(w.batch);
    return trainer(
      cnnParams(),
      (p, a, b) => meanXent(cnn(p, a), b, 10),
      () => [np.array(x).reshape([w.batch, 1, 28, 28]), I(y)],
      w.lr,
      0,
    );
  },
  train_gpt: (w) => {
    const { d, heads: h, ctx: L, batch: B, vocab: V } = w, hd = d / h;
    const P = {
      tok: T([V, d], 1, 0.08),
      pos: T([L, d], 2, 0.08),
      head: U([V, d], d, 3),
      g: np.ones([d]),
      b: np.zeros([d]),
      bl: [],
    };
    for (let i = 0; i < w.layers; i++) {
      P.bl.push({
        g1: np.ones([d]),
        b1: np.zeros([d]),
        g2: np.ones([d]),
        b2: np.zeros([d]),
        q: U([3 * d, d], d, 10 + i * 4),
        o: U([d, d], d, 11 + i * 4),
        u: U([4 * d, d], d, 12 + i * 4),
        w: U([d, 4 * d], 4 * d, 13 + i * 4),
      });
    }
    const maskData = new Float32Array(L * L);
    for (let i = 0; i < L; i++) for (let j = i + 1; j < L; j++) maskData[i * L + j] = -1e9;
    const mask = np.array(maskData).reshape([L, L]);
    const f = (p, ids, y) => {
      let x = np.matmul(nn.oneHot(ids, V), p.tok).reshape([B, L, d]).add(p.pos); // the gradient of take fails under jit ("scatter input is not imm")
      for (const b of p.bl) {
        const qkv = linear(layerNorm(x.ref, b.g1, b.b1).reshape([B * L, d]), b.q).reshape([B, L, 3, h, hd]);
        const [q, k, v] = np.split(qkv, 3, 2).map((t) =>
          np.transpose(t.reshape([B, L, h, hd]), [0, 2, 1, 3])
        );
        const a = nn.softmax(np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(hd ** -0.5).add(mask.ref), -1);
        const at = np.transpose(np.matmul(a, v), [0, 2, 1, 3]).reshape([B * L, d]);
        x = x.add(linear(at, b.o).reshape([B, L, d]));
        x = x.ref.add(
          linear(gelu(linear(layerNorm(x, b.g2, b.b2).reshape([B * L, d]), b.u)), b.w).reshape([B, L, d]),
        );
      }
      return meanXent(linear(layerNorm(x, p.g, p.b).reshape([B * L, d]), p.head), y, V);
    };
    const x = tokens(B * L, 5, V), y = tokens(B * L, 6, V);
    return trainer(P, f, () => [I(x), I(y)], w.lr, w.wd);
  },
  infer_mlp: (w) => {
    const p = mlpParams(w.dims), x = fill(784, 1), g = jit(mlp);
    let out;
    return {
      async run() {
        out = await g(tree.ref(p), np.array(x).reshape([1, 784])).data();
      },
      check: () => meanAbs(out),
      end: () => tree.dispose(p),
    };
  },
  infer_cnn: () => {
    const p = cnnParams(), x = fill(784, 1), g = jit(cnn);
    let out;
    return {
      async run() {
        out = await g(tree.ref(p), np.array(x).reshape([1, 1, 28, 28])).data();
      },
      check: () => meanAbs(out),
      end: () => tree.dispose(p),
    };
  },
  op_add4: (w) => { // eager, result of each add realised (operations are lazy): 1000 per sample
    const a = T([4], 1), b = T([4], 2), n = w.loop / 10;
    let y = null;
    return {
      perRun: n,
      async run() {
        for (let i = 0; i < n; i++) {
          y?.dispose();
          y = a.ref.add(b.ref);
          await y.blockUntilReady();
        }
      },
      async check() {
        return meanAbs(await y.ref.data());
      },
    };
  },
  op_scalar_chain: (w) => { // eager multiply-add chain in pieces of 20, realised piece by piece
    const one = np.array(0.999), two = np.array(0.001), n = w.loop / 10;
    let r;
    return {
      perRun: n,
      async run() {
        let x = np.array(1);
        for (let i = 0; i < n / 2; i++) {
          x = x.mul(one.ref).add(two.ref);
          if (i % 10 === 9) await x.blockUntilReady();
        }
        r = (await x.data())[0];
      },
      check: () => r,
    };
  },
};
const skip = opts.backend === "cpu"
  ? Object.fromEntries(
    [
      "mm_512",
      "mm_1024",
      "mm_2048",
      "lin_512",
      "lin_1024",
      "train_cnn",
      "train_gpt",
      "conv_64x56_3x3",
      "conv_256x14_3x3",
    ].map((k) => [k, "skipped: interpreter, for debugging only"]),
  )
  : {};
await runPeer({ name: `jax-${opts.backend ?? "wasm"}-${threads}`, kinds, skip });
