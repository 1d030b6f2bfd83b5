/**
 * Products of matrices, and whatever is one: a template of tiles in workgroup memory and registers, which gets its
 * operands from functions, so that transposed, strided and gathered matrices need no copies.
 *
 * @module
 */

import { float32, int32, type KernelTable, type Operand } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf } from "../draft.ts";
import { computed, perWord, storageOf } from "../element.ts";
import { count, isInPlace, loopUniforms, melt, placesText, stepsIn } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { wgsl } from "../wgsl.ts";
import { sumOfParts } from "./reduce.ts";

/** A tile of the result: its rows and columns, how many of them an invocation makes, and the depth of a step. */
interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly each: number;
  readonly depth: number;
}

/** The tile for a product [m, k] · [k, n]; 256 invocations each. Large tiles only where there are enough of them. */
export function tileOf(m: number, n: number, batch: number): Tile {
  if (m <= 4) return { rows: 4, columns: 64, each: 1, depth: 32 };
  if (n <= 4) return { rows: 64, columns: 4, each: 1, depth: 32 };
  const tiles = (size: number): number => Math.ceil(m / size) * Math.ceil(n / size) * batch;
  if (m >= 64 && n >= 64 && tiles(64) >= 64) return { rows: 64, columns: 64, each: 4, depth: 16 };
  if (m >= 32 && n >= 32 && tiles(32) >= 16) return { rows: 32, columns: 32, each: 2, depth: 16 };
  return { rows: 16, columns: 16, each: 1, depth: 16 };
}

/** A product in the making. */
export interface Gemm {
  /** The primitive. */
  readonly op: string;
  /** What the text depends on beside the geometry of the tile. */
  readonly key: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Products of one size; the text gets the number as `batch`. */
  readonly batch: number;
  readonly type: "f32" | "i32";
  /** Which index of each operand walks along memory. */
  readonly along: { readonly a: "m" | "k"; readonly b: "k" | "n" };
  /** The result, in the order batch, row, column when the product is made in parts; null when it is in another order. */
  readonly output: Operand;
  /** False when the order of the result's elements is not batch, row, column: the product is then made in one go. */
  readonly mayPart: boolean;
  /** Binds operands and adds uniforms; `into` is what the text writes as `o`. */
  readonly bind: (draft: Draft, into: Operand) => void;
  /** Statements that make variables of `batch`, used by the functions below as parameters `pa`, `pb`, `po`. */
  readonly setup: string;
  /** Bodies of functions of (pa, m, k), (pb, k, n): a value within bounds. */
  readonly loadA: string;
  readonly loadB: string;
  /** Statements that put `v` at (po, m, n). */
  readonly store: string;
}

/** Steps of depth beyond which a product with few tiles is made in parts. */
const LONG = 512;

/** The dispatch of a product. */
export function gemm(limits: GpuLimits, product: Gemm): GpuDispatch | null {
  const { m, n, k, batch, output, type } = product;
  const tile = tileOf(m, n, batch);
  const tiles = Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * batch;
  const parts = product.mayPart && k >= 2 * LONG && tiles < 64
    ? Math.min(Math.ceil(k / LONG), Math.ceil(256 / tiles))
    : 1;
  if (parts === 1) return run(limits, product, tile, output, 1);
  const dtype = type === "f32" ? float32 : int32;
  const scratch = new Scratch(parts * batch * m * n * 4);
  const shape = [parts, ...output.shape];
  const strides = shape.map((_, d) => count(shape.slice(d + 1)));
  const partial: Operand = { buffer: scratch, dtype, shape, strides, offset: 0 };
  const first = run(limits, product, tile, partial, parts);
  const second = sumOfParts(limits, partial, output);
  return first === null || second === null ? null : new Sequence([first, second], [scratch]);
}

function run(limits: GpuLimits, product: Gemm, tile: Tile, into: Operand, parts: number): GpuDispatch | null {
  const { op, m, n, k, batch, type, along } = product;
  const down = Math.ceil(m / tile.rows);
  const across = Math.ceil(n / tile.columns);
  const piece = Math.ceil(k / parts / tile.depth) * tile.depth;
  const draft = new Draft(op, limits)
    .u32("m", m).u32("n", n).u32("k", k).u32("batches", batch).u32("down", down).u32("across", across)
    .u32("groups", down * across * batch * parts).u32("piece", piece);
  product.bind(draft, into);
  const key = `${product.key}|${tile.rows}x${tile.columns}x${tile.depth}|${along.a}${along.b}|${
    parts > 1 ? "part" : "all"
  }`;
  return draft.step(key, grid(down * across * batch * parts), () => text(product, tile, type, parts > 1));
}

function text(
  { setup, loadA, loadB, store, along }: Gemm,
  tile: Tile,
  type: "f32" | "i32",
  part: boolean,
): string {
  const { rows, columns, each, depth } = tile;
  const wide = columns / each;
  const high = rows / each;
  const threads = wide * high;
  const places = Array.from({ length: each }, (_, i) => i);
  const zero = `${type}(0)`;
  return wgsl`
    var<workgroup> tile_a: array<${type}, ${rows * depth}>;
    var<workgroup> tile_b: array<${type}, ${columns * depth}>;

    fn load_a(pa: u32, m: u32, k: u32) -> ${type} {
      ${loadA}
    }
    fn load_b(pb: u32, k: u32, n: u32) -> ${type} {
      ${loadB}
    }
    fn store_o(po: u32, m: u32, n: u32, v: ${type}) {
      ${part ? "put_o((po * P.m + m) * P.n + n, v);" : store}
    }

    ${
    mainOf(
      threads,
      wgsl`
        if (group >= P.groups) { return; }
        let tile_n = (group % P.across) * ${columns}u;
        let tile_m = (group / P.across % P.down) * ${rows}u;
        let number = group / P.across / P.down;
        let batch = number % P.batches;
        let part = number / P.batches;
        let k_start = part * P.piece;
        let k_end = min(P.k, k_start + P.piece);
        ${setup}
        let column = lane % ${wide}u;
        let row = lane / ${wide}u;
        ${places.map((i) => places.map((j) => `var c_${i}_${j} = ${zero};`))}
        for (var k0 = k_start; k0 < k_end; k0 += ${depth}u) {
          for (var e = lane; e < ${rows * depth}u; e += ${threads}u) {
            ${
        along.a === "k"
          ? wgsl`
              let ek = e % ${depth}u;
              let em = e / ${depth}u;`
          : wgsl`
              let em = e % ${rows}u;
              let ek = e / ${rows}u;`
      }
            var value = ${zero};
            if (tile_m + em < P.m && k0 + ek < k_end) { value = load_a(pa, tile_m + em, k0 + ek); }
            tile_a[ek * ${rows}u + em] = value;
          }
          for (var e = lane; e < ${columns * depth}u; e += ${threads}u) {
            ${
        along.b === "k"
          ? wgsl`
              let ek = e % ${depth}u;
              let en = e / ${depth}u;`
          : wgsl`
              let en = e % ${columns}u;
              let ek = e / ${columns}u;`
      }
            var value = ${zero};
            if (tile_n + en < P.n && k0 + ek < k_end) { value = load_b(pb, k0 + ek, tile_n + en); }
            tile_b[ek * ${columns}u + en] = value;
          }
          workgroupBarrier();
          for (var kk = 0u; kk < ${depth}u; kk++) {
            ${places.map((i) => `let a_${i} = tile_a[kk * ${rows}u + row + ${i * high}u];`)}
            ${places.map((j) => `let b_${j} = tile_b[kk * ${columns}u + column + ${j * wide}u];`)}
            ${places.map((i) => places.map((j) => `c_${i}_${j} += a_${i} * b_${j};`))}
          }
          workgroupBarrier();
        }
        ${part && "let target_o = number;"}
        ${
        places.map((i) =>
          places.map((j) =>
            wgsl`
              if (tile_m + row + ${i * high}u < P.m && tile_n + column + ${j * wide}u < P.n) {
                store_o(${part ? "target_o" : "po"}, tile_m + row + ${i * high}u, tile_n + column + ${
              j * wide
            }u, c_${i}_${j});
              }`
          )
        )
      }
      `,
    )
  }
  `;
}

function matmul(limits: GpuLimits, x: Operand, y: Operand, o: Operand): GpuDispatch | null {
  if (isInPlace([o], [x, y])) return null;
  const [m, k] = x.shape.slice(-2) as [number, number];
  const n = y.shape.at(-1)!;
  const batch = o.shape.slice(0, -2);
  const steps = [x, y, o].map(({ shape, strides }) =>
    stepsIn({ shape: shape.slice(0, -2), strides: strides.slice(0, -2) }, batch)
  );
  const [xm, xk] = x.strides.slice(-2) as [number, number];
  const [yk, yn] = y.strides.slice(-2) as [number, number];
  // A batch of rows over one right matrix is one larger product.
  const rows = [...batch, m];
  const joined = steps[1]!.every((step, d) => step === 0 || batch[d] === 1)
    ? melt(rows, [[...steps[0]!, xm], [...steps[2]!, o.strides.at(-2)!]])
    : null;
  const one = joined !== null && joined.sizes.length <= 1;
  const loops = one ? { sizes: [], steps: [[], [], []] } : melt(batch, steps);
  const am = one ? joined.steps[0]![0] ?? 0 : xm;
  const om = one ? joined.steps[1]![0] ?? 0 : o.strides.at(-2)!;
  const type = computed(x.dtype);
  return gemm(limits, {
    op: "matmul",
    key: `b${loops.sizes.length}`,
    m: one ? count(rows) : m,
    n,
    k,
    batch: count(loops.sizes),
    type,
    along: { a: xk === 1 || xm !== 1 ? "k" : "m", b: yn === 1 || yk !== 1 ? "n" : "k" },
    output: o,
    mayPart: true,
    bind: (draft, into) => {
      draft.bind("x", x, { as: "read" }).bind("y", y, { as: "read" }).bind("o", into, { as: written(into) });
      draft.u32("xm", am).u32("xk", xk).u32("yk", yk).u32("yn", yn).u32("om", om).u32(
        "on",
        o.strides.at(-1)!,
      );
      loopUniforms(draft, "", ["a", "b", "o"], loops);
    },
    setup: placesText(loops.sizes.length, "", ["a", "b", "o"], "batch", (name) => `p${name}`),
    loadA: "return get_x(pa + m * P.xm + k * P.xk);",
    loadB: "return get_y(pb + k * P.yk + n * P.yn);",
    store: "put_o(po + m * P.om + n * P.on, v);",
  });
}

/** How a result is written: packed ones a part of a word at a time. */
export function written(o: Operand): "atomic" | "write" {
  return perWord(storageOf(o.dtype, false)) > 1 ? "atomic" : "write";
}

function linear(
  limits: GpuLimits,
  x: Operand,
  weight: Operand,
  bias: Operand,
  o: Operand,
): GpuDispatch | null {
  if (isInPlace([o], [x, weight, bias])) return null;
  const k = x.shape.at(-1)!;
  const n = weight.shape[0]!;
  const loops = melt(x.shape.slice(0, -1), [x.strides.slice(0, -1), o.strides.slice(0, -1)]);
  if (loops.sizes.length > 1) return null;
  const m = loops.sizes[0] ?? 1;
  const [wn, wk] = weight.strides as [number, number];
  return gemm(limits, {
    op: "linear",
    key: "",
    m,
    n,
    k,
    batch: 1,
    type: computed(x.dtype),
    along: { a: x.strides.at(-1) === 1 || k === 1 ? "k" : "m", b: wk === 1 ? "k" : "n" },
    output: o,
    mayPart: false, // the bias is added once
    bind: (draft, into) => {
      draft.bind("x", x, { as: "read" }).bind("w", weight, { as: "read" }).bind("b", bias, { as: "read" })
        .bind("o", into, { as: written(into) });
      draft.u32("xm", loops.steps[0]![0] ?? 0).u32("xk", x.strides.at(-1)!).u32("wn", wn).u32("wk", wk)
        .u32("bn", bias.strides[0]!).u32("om", loops.steps[1]![0] ?? 0).u32("on", o.strides.at(-1)!);
    },
    setup: wgsl`
      let pa = 0u;
      let pb = 0u;
      let po = 0u;`,
    loadA: "return get_x(m * P.xm + k * P.xk);",
    loadB: "return get_w(n * P.wn + k * P.wk);",
    store: "put_o(m * P.om + n * P.on, v + get_b(n * P.bn));",
  });
}

/** The products of matrices. */
export function gemmKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, "matmul" | "linear"> {
  return {
    matmul: ([x, y], o) => matmul(limits, x, y, o),
    linear: ([x, weight, bias], o) => linear(limits, x, weight, bias, o),
  };
}
