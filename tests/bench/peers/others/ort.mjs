// ONNX Runtime peer (inference only). --runtime=web|node --threads=N
// One session per workload; a run includes what the API makes a user pay: copying inputs in and outputs out.
import { meanAbs, opts, runPeer, tokens } from "./harness.mjs";
import { build } from "./onnx_models.mjs";
const threads = opts.threads ?? 1;
const ort = opts.runtime === "node"
  ? (await import("onnxruntime-node")).default
  : await import("onnxruntime-web"); // the build with the "node" condition: the only one whose threads start outside a browser;
if (opts.runtime !== "node") {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
}
const so = opts.runtime === "node"
  ? { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 }
  : { executionProviders: ["wasm"], logSeverityLevel: 3 };
async function mk(w) {
  const m = build(w);
  const s = await ort.InferenceSession.create(m.bytes, so);
  const feeds = {};
  for (const [k, [dims, data]] of Object.entries(m.feeds)) {
    feeds[k] = data === "tokens"
      ? new ort.Tensor("int64", BigInt64Array.from(tokens(w.rows, 2, w.vocab), BigInt), dims)
      : data instanceof Int32Array
      ? new ort.Tensor("int64", BigInt64Array.from(data, BigInt), dims)
      : new ort.Tensor("float32", data, dims);
  }
  let y;
  const n = w.kind === "op_add4" ? w.loop / 100 : 1; // a session run per add: 100 of them per sample are enough
  return {
    perRun: n,
    async run() {
      for (let i = 0; i < n; i++) y = (await s.run(feeds)).y;
    },
    check: () => meanAbs(y.data),
    end: () => s.release(),
  };
}
const kinds = {};
for (
  const k of [
    "matmul",
    "bmm",
    "linear",
    "conv2d",
    "ew",
    "sumaxis",
    "softmax",
    "layernorm",
    "transpose",
    "maxpool",
    "embedding",
    "argmax",
    "logsoftmax",
    "gather",
    "indexadd",
    "op_add4",
    "infer_mlp",
    "infer_cnn",
  ]
) kinds[k] = mk;
await runPeer({ name: `ort-${opts.runtime ?? "web"}-${threads}`, kinds });
