// A tiny ONNX writer: just enough protobuf to describe the models of workloads.json. No dependency.
import { fill, tokens, uniformInit } from "./harness.mjs";
const enc = new TextEncoder();
const cat = (parts) => {
  const n = parts.reduce((a, b) => a + b.length, 0), o = new Uint8Array(n);
  let p = 0;
  for (const x of parts) {
    o.set(x, p);
    p += x.length;
  }
  return o;
};
const varint = (v) => {
  const o = [];
  let x = BigInt.asUintN(64, BigInt(v));
  do {
    let b = Number(x & 127n);
    x >>= 7n;
    if (x) b |= 128;
    o.push(b);
  } while (x);
  return Uint8Array.from(o);
};
const key = (f, t) => varint((f << 3) | t);
const vi = (f, v) => cat([key(f, 0), varint(v)]);
const ld = (f, b) => cat([key(f, 2), varint(b.length), b]);
const str = (f, s) => ld(f, enc.encode(s));
const f32 = (f, v) => cat([key(f, 5), new Uint8Array(new Float32Array([v]).buffer)]);
const attr = ([name, v]) => { // AttributeProto: name=1 f=2 i=3 ints=8 type=20
  const p = [str(1, name)];
  if (typeof v === "string") p.push(str(4, v), vi(20, 3));
  else if (Array.isArray(v)) p.push(...v.map((x) => vi(8, x)), vi(20, 7));
  else if (Number.isInteger(v)) p.push(vi(3, v), vi(20, 2));
  else p.push(f32(2, v), vi(20, 1));
  return ld(5, cat(p));
};
const node = (op, ins, outs, attrs = {}) =>
  ld(
    1,
    cat([
      ...ins.map((s) => str(1, s)),
      ...outs.map((s) => str(2, s)),
      str(4, op),
      ...Object.entries(attrs).map(attr),
    ]),
  );
const tensor = (name, dims, data) =>
  ld(
    5,
    cat([
      ...dims.map((d) => vi(1, d)),
      vi(2, data instanceof Float32Array ? 1 : 7),
      str(8, name),
      ld(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    ]),
  );
const value = (f, name, dims, type = 1) =>
  ld(f, cat([str(1, name), ld(2, ld(1, cat([vi(1, type), ld(2, cat(dims.map((d) => ld(1, vi(1, d)))))])))]));
function model(nodes, inits, ins, outs) {
  const g = cat([
    ...nodes,
    str(2, "g"),
    ...inits,
    ...ins.map((i) => value(11, ...i)),
    ...outs.map((o) => value(12, ...o)),
  ]);
  return cat([vi(1, 8), ld(7, g), ld(8, vi(2, 20))]); // ir_version 8, opset 20 (Gelu)
}
const P = (s) => s.reduce((a, b) => a * b, 1);
const F = (s, seed, scale) => fill(P(s), seed, scale);
const mlpNodes = (d) => {
  const n = [], t = [];
  let x = "x";
  for (let i = 0; i + 1 < d.length; i++) {
    t.push(
      tensor("w" + i, [d[i + 1], d[i]], uniformInit(d[i + 1] * d[i], d[i], 100 + i)),
      tensor("b" + i, [d[i + 1]], new Float32Array(d[i + 1])),
    );
    const last = i + 2 === d.length, o = last ? "y" : "h" + i;
    n.push(node("Gemm", [x, "w" + i, "b" + i], [o], { transB: 1 }));
    x = o;
    if (!last) {
      n.push(node("Relu", [o], ["r" + i]));
      x = "r" + i;
    }
  }
  return [n, t];
};
// -> { bytes, feeds: {name: [dims, data]} } ; weights are initializers (the runtime may pre-pack them), activations are inputs
export function build(w) {
  switch (w.kind) {
    case "matmul":
      return {
        bytes: model([node("MatMul", ["x", "b"], ["y"])], [], [["x", [w.m, w.k]], ["b", [w.k, w.n]]], [["y", [
          w.m,
          w.n,
        ]]]),
        feeds: { x: [[w.m, w.k], F([w.m, w.k], 1)], b: [[w.k, w.n], F([w.k, w.n], 2)] },
      };
    case "bmm":
      return {
        bytes: model([node("MatMul", ["x", "b"], ["y"])], [], [["x", [w.b, w.m, w.k]], ["b", [
          w.b,
          w.k,
          w.n,
        ]]], [["y", [w.b, w.m, w.n]]]),
        feeds: { x: [[w.b, w.m, w.k], F([w.b, w.m, w.k], 1)], b: [[w.b, w.k, w.n], F([w.b, w.k, w.n], 2)] },
      };
    case "linear":
      return {
        bytes: model(
          [node("Gemm", ["x", "w"], ["y"], { transB: 1 })],
          [tensor("w", [w.n, w.k], F([w.n, w.k], 2))],
          [["x", [w.m, w.k]]],
          [["y", [w.m, w.n]]],
        ),
        feeds: { x: [[w.m, w.k], F([w.m, w.k], 1)] },
      };
    case "conv2d": {
      const dilation = w.dilation ?? 1,
        oh = Math.floor((w.H + 2 * w.pad - dilation * (w.R - 1) - 1) / w.stride) + 1,
        ow = Math.floor((w.W + 2 * w.pad - dilation * (w.S - 1) - 1) / w.stride) + 1,
        fs = [w.K, w.C / w.groups, w.R, w.S],
        xs = [w.N, w.C, w.H, w.W];
      return {
        bytes: model(
          [node("Conv", ["x", "w"], ["y"], {
            strides: [w.stride, w.stride],
            dilations: [dilation, dilation],
            pads: [w.pad, w.pad, w.pad, w.pad],
            group: w.groups,
            kernel_shape: [w.R, w.S],
          })],
          [tensor("w", fs, F(fs, 2))],
          [["x", xs]],
          [["y", [w.N, w.K, oh, ow]]],
        ),
        feeds: { x: [xs, F(xs, 1)] },
      };
    }
    case "ew": {
      const s = [w.n],
        x = ["x", s],
        z = ["z", s],
        c = (v) => tensor("c", [1], new Float32Array([v])),
        two = { x: [s, F(s, 1)], z: [s, F(s, 2)] },
        one = { x: two.x };
      if (w.op === "add") {
        return { bytes: model([node("Add", ["x", "z"], ["y"])], [], [x, z], [["y", s]]), feeds: two };
      }
      if (w.op === "chain") {
        return {
          bytes: model(
            [node("Mul", ["x", "c"], ["a"]), node("Add", ["a", "z"], ["b"]), node("Relu", ["b"], ["y"])],
            [c(2)],
            [x, z],
            [["y", s]],
          ),
          feeds: two,
        };
      }
      if (w.op === "sum") {
        return {
          bytes: model([node("ReduceSum", ["x"], ["y"], { keepdims: 1 })], [], [x], [["y", [1]]]),
          feeds: one,
        };
      }
      return {
        bytes: model(
          [node({ relu: "Relu", exp: "Exp", tanh: "Tanh", sigmoid: "Sigmoid", gelu: "Gelu" }[w.op], ["x"], [
            "y",
          ], w.op === "gelu" ? { approximate: "tanh" } : {})],
          [],
          [x],
          [["y", s]],
        ),
        feeds: one,
      };
    }
    case "sumaxis": {
      const s = [w.rows, w.cols];
      return {
        bytes: model(
          [node("ReduceSum", ["x", "ax"], ["y"], { keepdims: 0 })],
          [tensor("ax", [1], new BigInt64Array([BigInt(w.axis)]))],
          [["x", s]],
          [["y", [w.axis ? w.rows : w.cols]]],
        ),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "softmax": {
      const s = [w.rows, w.cols];
      return {
        bytes: model([node("Softmax", ["x"], ["y"], { axis: 1 })], [], [["x", s]], [["y", s]]),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "layernorm": {
      const s = [w.rows, w.cols];
      return {
        bytes: model(
          [node("LayerNormalization", ["x", "g", "b"], ["y"], { axis: -1, epsilon: 1e-5 })],
          [tensor("g", [w.cols], F([w.cols], 2)), tensor("b", [w.cols], F([w.cols], 3))],
          [["x", s]],
          [["y", s]],
        ),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "transpose": {
      const s = [w.rows, w.cols];
      return {
        bytes: model([node("Transpose", ["x"], ["y"], { perm: [1, 0] })], [], [["x", s]], [["y", [
          w.cols,
          w.rows,
        ]]]),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "maxpool": {
      const s = [w.N, w.C, w.H, w.W];
      return {
        bytes: model([node("MaxPool", ["x"], ["y"], { kernel_shape: [2, 2], strides: [2, 2] })], [], [[
          "x",
          s,
        ]], [["y", [w.N, w.C, w.H / 2, w.W / 2]]]),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "embedding":
      return {
        bytes: model(
          [node("Gather", ["t", "i"], ["y"])],
          [tensor("t", [w.vocab, w.dim], F([w.vocab, w.dim], 1))],
          [["i", [w.rows], 7]],
          [["y", [w.rows, w.dim]]],
        ),
        feeds: { i: [[w.rows], "tokens"] },
      };
    case "argmax": {
      const s = [w.rows, w.cols];
      return {
        bytes: model([node("ArgMax", ["x"], ["y"], { axis: 1, keepdims: 0 })], [], [["x", s]], [["y", [
          w.rows,
        ], 7]]),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "logsoftmax": {
      const s = [w.rows, w.cols];
      return {
        bytes: model([node("LogSoftmax", ["x"], ["y"], { axis: 1 })], [], [["x", s]], [["y", s]]),
        feeds: { x: [s, F(s, 1)] },
      };
    }
    case "gather": {
      const s = [w.rows, w.cols];
      return {
        bytes: model([node("GatherElements", ["x", "i"], ["y"], { axis: 1 })], [], [["x", s], ["i", s, 7]], [[
          "y",
          s,
        ]]),
        feeds: { x: [s, F(s, 1)], i: [s, tokens(w.rows * w.cols, 2, w.cols)] },
      };
    }
    case "indexadd": {
      const s = [w.rows, w.cols], o = [w.into, w.cols];
      return {
        bytes: model(
          [node("ScatterND", ["z", "i", "x"], ["y"], { reduction: "add" })],
          [tensor("z", o, new Float32Array(P(o)))],
          [["x", s], ["i", [w.rows, 1], 7]],
          [["y", o]],
        ),
        feeds: { x: [s, F(s, 1)], i: [[w.rows, 1], tokens(w.rows, 2, w.into)] },
      };
    }
    case "op_add4": {
      const s = [4];
      return {
        bytes: model([node("Add", ["x", "z"], ["y"])], [], [["x", s], ["z", s]], [["y", s]]),
        feeds: { x: [s, F(s, 1)], z: [s, F(s, 2)] },
      };
    }
    case "infer_mlp": {
      const [n, t] = mlpNodes(w.dims);
      return {
        bytes: model(n, t, [["x", [1, w.dims[0]]]], [["y", [1, w.dims.at(-1)]]]),
        feeds: { x: [[1, w.dims[0]], fill(w.dims[0], 1)] },
      };
    }
    case "infer_cnn": {
      const z = (n) => new Float32Array(n), U = uniformInit;
      const t = [
        tensor("w0", [32, 1, 3, 3], U(288, 9, 100)),
        tensor("b0", [32], z(32)),
        tensor("w1", [64, 32, 3, 3], U(18432, 288, 101)),
        tensor("b1", [64], z(64)),
        tensor("w2", [128, 9216], U(128 * 9216, 9216, 102)),
        tensor("b2", [128], z(128)),
        tensor("w3", [10, 128], U(1280, 128, 103)),
        tensor("b3", [10], z(10)),
      ];
      const n = [
        node("Conv", ["x", "w0", "b0"], ["c0"], { kernel_shape: [3, 3] }),
        node("Relu", ["c0"], ["r0"]),
        node("Conv", ["r0", "w1", "b1"], ["c1"], { kernel_shape: [3, 3] }),
        node("Relu", ["c1"], ["r1"]),
        node("MaxPool", ["r1"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
        node("Flatten", ["p"], ["f"], { axis: 1 }),
        node("Gemm", ["f", "w2", "b2"], ["h"], { transB: 1 }),
        node("Relu", ["h"], ["hr"]),
        node("Gemm", ["hr", "w3", "b3"], ["y"], { transB: 1 }),
      ];
      return {
        bytes: model(n, t, [["x", [1, 1, 28, 28]]], [["y", [1, 10]]]),
        feeds: { x: [[1, 1, 28, 28], fill(784, 1)] },
      };
    }
  }
  return null;
}
