/**
 * jax-js on WebGPU as one of the libraries: single operations under `jit`. Its training steps are those of
 * `tests/bench/peers/others/jax.mjs`, which the runner starts by itself.
 *
 * @module
 */

// @ts-types="../peers/others/harness.d.ts"
import { fill, meanAbs } from "../peers/others/harness.mjs";
import { type Case, serve } from "./harness.ts";

// The package is installed beside its other measurements, by hand; it is looked for at run time only.
const place: string = new URL("../peers/others/node_modules/@jax-js/jax/dist/index.js", import.meta.url).href;
// deno-lint-ignore no-explicit-any
const jax: any = await import(place);
const { numpy: np, nn, lax, jit, grad } = jax;
await jax.init("webgpu");
jax.defaultDevice("webgpu");

// deno-lint-ignore no-explicit-any
type Arrays = any;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const T = (shape: readonly number[], seed: number, dtype: unknown = "float32"): Arrays => {
  const made = np.array(fill(count(shape), seed, 1)).reshape(shape);
  return dtype === "float16" ? made.astype(np.float16) : made;
};

/** A function under `jit`, whose results stay until the end of a batch. Functions consume what they are given. */
function simple(operands: readonly Arrays[], f: (...xs: Arrays[]) => Arrays): Case {
  const compiled = jit(f);
  let held: Arrays[] = [];
  const list = (y: Arrays): Arrays[] => Array.isArray(y) ? y : [y];
  const call = (): Arrays[] => list(compiled(...operands.map((x) => x.ref)));
  return {
    run: () => void held.push(...call()),
    sync: () => jax.blockUntilReady(held).then(() => {}),
    async check() {
      let sum = 0;
      for (const y of call()) sum += meanAbs(await y.astype(np.float32).data());
      return sum;
    },
    drop() {
      held.forEach((y) => y.dispose());
      held = [];
    },
    end: () => operands.forEach((x) => x.dispose()),
  };
}

const conv = (w: Arrays) => (x: Arrays, f: Arrays): Arrays =>
  lax.convGeneralDilated(x, f, [w.stride, w.stride], [[w.pad, w.pad], [w.pad, w.pad]]);

// deno-lint-ignore no-explicit-any
const kinds: Record<string, (w: any) => Case> = {
  // Other ways to copy are recognized as nothing to do.
  copy: (w) => simple([T([w.n], 1)], (x) => np.negative(x)),
  add: (w) => simple([T([w.n], 1), T([w.n], 2)], (x, y) => x.add(y)),
  gelu: (w) => simple([T([w.n], 1)], (x) => nn.gelu(x, { approximate: true })),
  sum: (w) => simple([T([w.n], 1)], (x) => np.sum(np.square(x))),
  sumRows: (w) => simple([T([w.rows, w.columns], 1)], (x) => np.sum(x, 1)),
  sumColumns: (w) => simple([T([w.rows, w.columns], 1)], (x) => np.sum(x, 0)),
  softmax: (w) => simple([T([w.rows, w.columns], 1)], (x) => nn.softmax(x, -1)),
  layerNorm: (w) =>
    simple(
      [T([w.rows, w.columns], 1), T([w.columns], 2), T([w.columns], 3)],
      (x, g, b) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(g).add(b),
    ),
  matmul: (w) => simple([T([w.m, w.k], 1, w.dtype), T([w.k, w.n], 2, w.dtype)], (x, y) => np.matmul(x, y)),
  linear: (w) =>
    simple(
      [T([w.m, w.k], 1, w.dtype), T([w.n, w.k], 2, w.dtype)],
      (x, y) => np.matmul(x, np.transpose(y)),
    ),
  bmm: (w) => simple([T([w.b, w.m, w.k], 1), T([w.b, w.k, w.n], 2)], (x, y) => np.matmul(x, y)),
  conv: (w) => simple([T([w.N, w.C, w.H, w.H], 1), T([w.K, w.C, w.R, w.R], 2)], conv(w)),
  convGrad: (w) => {
    const P = Math.floor((w.H + 2 * w.pad - w.R) / w.stride) + 1;
    const g = T([w.N, w.K, P, P], 3);
    return simple(
      [T([w.N, w.C, w.H, w.H], 1), T([w.K, w.C, w.R, w.R], 2), g],
      grad((x: Arrays, f: Arrays, g: Arrays) => np.sum(conv(w)(x, f).mul(g)), { argnums: [0, 1] }),
    );
  },
  attention: (w) =>
    simple(
      [1, 2, 3].map((i) => T([w.b, w.h, w.t, w.d], i)),
      (q, k, v) => {
        const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(w.d ** -0.5);
        return np.matmul(nn.softmax(scores, -1), v);
      },
    ),
};

await serve(() => ({ library: "jax-js" }), (workload) => kinds[workload.kind]?.(workload) ?? null);
