/**
 * What is measured, and how much work it is.
 *
 * @module
 */

/** A workload: `kind` says what the numbers mean. Plain data, given to every library as JSON. */
export interface Workload {
  readonly id: string;
  readonly group: "memory" | "products" | "networks";
  readonly kind: string;
  /** Floating-point operations of one turn; 0 where only bytes count. */
  readonly flops: number;
  /** Bytes that one turn must read and write; 0 where only operations count. */
  readonly bytes: number;
  /** Bytes of the result of one turn, which is kept until the end of a batch. */
  readonly result: number;
  /** What one turn makes beside time: steps, or tokens. */
  readonly unit?: "steps" | "tokens";
  readonly [size: string]: unknown;
}

const MIB = 2 ** 20;

/**
 * All workloads.
 *
 * @param small Sizes for adapters that compute on the CPU.
 */
export function workloads(small: boolean): Workload[] {
  const list: Workload[] = [];
  const n = small ? MIB / 4 : 64 * MIB;
  const memory = (id: string, kind: string, words: number, result: number, sizes: object): void =>
    void list.push({ id, group: "memory", kind, flops: 0, bytes: 4 * words, result: 4 * result, ...sizes });
  memory("copy", "copy", 2 * n, n, { n });
  memory("add", "add", 3 * n, n, { n });
  memory("gelu", "gelu", 2 * n, n, { n });
  memory("sum", "sum", n, 1, { n });
  const [rows, columns] = small ? [256, 1024] : [16384, 4096];
  memory("sum of rows", "sumRows", rows * columns + rows, rows, { rows, columns });
  memory("sum of columns", "sumColumns", rows * columns + columns, columns, { rows, columns });
  memory("softmax", "softmax", 2 * rows * columns, rows * columns, { rows, columns });
  memory("layer norm", "layerNorm", 2 * rows * columns, rows * columns, { rows, columns });
  const wide = small ? 512 : 8192;
  for (const m of small ? [1, 8] : [1, 4, 16]) {
    const words = wide * wide + 2 * m * wide;
    memory(`${m} row${m > 1 ? "s" : ""} x·W`, "matmul", words, m * wide, {
      m,
      k: wide,
      n: wide,
      dtype: "float32",
    });
    memory(`${m} row${m > 1 ? "s" : ""} x·Wᵀ`, "linear", words, m * wide, {
      m,
      k: wide,
      n: wide,
      dtype: "float32",
    });
  }
  list.push({
    id: "1 row x·Wᵀ f16",
    group: "memory",
    kind: "linear",
    flops: 0,
    bytes: 2 * (wide * wide + 2 * wide),
    result: 2 * wide,
    m: 1,
    k: wide,
    n: wide,
    dtype: "float16",
  });

  const compute = (id: string, kind: string, flops: number, result: number, sizes: object): void =>
    void list.push({ id, group: "products", kind, flops, bytes: 0, result: 4 * result, ...sizes });
  for (const size of small ? [64, 256] : [256, 512, 1024, 2048, 4096]) {
    for (const dtype of ["float32", "float16"]) {
      const name = `matmul ${size}${dtype === "float16" ? " f16" : ""}`;
      compute(name, "matmul", 2 * size ** 3, size * size, { m: size, k: size, n: size, dtype });
    }
  }
  const size = small ? 200 : 4096;
  compute(`linear ${size}`, "linear", 2 * size ** 3, size * size, {
    m: size,
    k: size,
    n: size,
    dtype: "float32",
  });
  const odd = small ? 99 : 2047;
  compute(`matmul ${odd}`, "matmul", 2 * odd ** 3, odd * odd, { m: odd, k: odd, n: odd, dtype: "float32" });
  const long = small ? 4096 : 262144;
  compute(`matmul 64×${long}×64`, "matmul", 2 * 64 * 64 * long, 4096, {
    m: 64,
    k: long,
    n: 64,
    dtype: "float32",
  });
  const [b, m, k] = small ? [4, 64, 32] : [256, 512, 64];
  compute(`bmm ${b}×${m}×${k}×${m}`, "bmm", 2 * b * m * m * k, b * m * m, { b, m, k, n: m });
  const conv = (id: string, N: number, C: number, H: number, K: number, R: number, stride: number): void => {
    const P = Math.floor((H + 2 * (R >> 1) - R) / stride) + 1;
    const flops = 2 * N * K * P * P * C * R * R;
    const sizes = { N, C, H, K, R, stride, pad: R >> 1 };
    compute(id, "conv", flops, N * K * P * P, sizes);
    compute(`${id}, gradients`, "convGrad", 2 * flops, N * C * H * H + K * C * R * R, sizes);
  };
  if (small) conv("conv 3×3", 2, 8, 16, 16, 3, 1);
  else {
    conv("conv 3×3, 64 of 56²", 32, 64, 56, 64, 3, 1);
    conv("conv 3×3, 256 of 14²", 32, 256, 14, 256, 3, 1);
    conv("conv 1×1, 256 of 28²", 32, 256, 28, 512, 1, 1);
    conv("conv 7×7, stride 2", 32, 3, 224, 64, 7, 2);
  }
  const [batch, heads, t, d] = small ? [1, 2, 64, 32] : [8, 16, 1024, 64];
  compute(`attention ${t}`, "attention", 4 * batch * heads * t * t * d, batch * heads * t * d, {
    b: batch,
    h: heads,
    t,
    d,
  });

  const network = (id: string, kind: string, unit: "steps" | "tokens", sizes: object): void =>
    void list.push({ id, group: "networks", kind, flops: 0, bytes: 0, result: 4, unit, ...sizes });
  network("train CNN", "trainCnn", "steps", { batch: small ? 8 : 64, lr: 1e-3 });
  const gpt = small
    ? { layers: 1, d: 32, heads: 2, ctx: 16, vocab: 65, batch: 2 }
    : { layers: 4, d: 128, heads: 4, ctx: 64, vocab: 65, batch: 16 };
  network("train GPT", "trainGpt", "steps", { ...gpt, lr: 1e-3, wd: 0.01 });
  network("decode GPT", "decodeGpt", "tokens", { ...gpt, batch: 1 });
  return list;
}
