/**
 * Attention and its gradients without the matrix of scores: a workgroup keeps a block of rows and walks the columns a tile
 * at a time. Scores, weights and their slopes live in workgroup memory and registers only.
 *
 * The forward pass rescales what it has whenever a tile brings a larger score. The backward pass computes the weights again
 * from the logarithm of the row sums: once along the rows for q, once along the columns for k and v, so nothing is added
 * across workgroups and the result does not depend on their order.
 *
 * @see Milakov and Gimelshein 2018, Online normalizer calculation for softmax, https://arxiv.org/abs/1805.02867
 * @see Dao 2023, FlashAttention-2, https://arxiv.org/abs/2307.08691
 *
 * @module
 */

import { float32, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { elementwise } from "../elementwise.ts";
import { count, isInPlace, loopUniforms, melt, placesText, stepsIn } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";

type AttentionName = "attention" | "attentionBackward";

/** The largest head: an invocation keeps this many elements of each of its rows, divided by the width of its block. */
const LARGEST = 128;

/** How a workgroup shares a tile of scores, of which an invocation makes `eachDown` by `eachAcross`. */
interface Block {
  readonly rows: number;
  readonly columns: number;
  /** Elements of the inner dimension that go through workgroup memory at a time; null where operands are read directly. */
  readonly depth: number | null;
  /** Invocations side by side, down and across. */
  readonly down: number;
  readonly across: number;
  readonly eachDown: number;
  readonly eachAcross: number;
  /** Columns and rows of a result that lie side by side in the workgroup. */
  readonly wide: number;
  readonly tall: number;
}

const TILE: Block = {
  rows: 32,
  columns: 64,
  depth: 16,
  down: 16,
  across: 16,
  eachDown: 2,
  eachAcross: 4,
  wide: 32,
  tall: 8,
};

/** For few rows, as in generating text. */
const FLAT: Block = { ...TILE, rows: 8, down: 8, across: 32, eachDown: 1, eachAcross: 2 };

/** For short texts: little workgroup memory, which software adapters fill with zeros element by element, and few reads. */
const BRIEF: Block = {
  rows: 8,
  columns: 32,
  depth: null,
  down: 4,
  across: 8,
  eachDown: 2,
  eachAcross: 4,
  wide: 16,
  tall: 2,
};

function blockFor({ brief }: GpuLimits, rows: number): Block {
  return brief === true ? BRIEF : rows <= 8 ? FLAT : TILE;
}

/** Invocations of a workgroup. */
const threadsOf = ({ down, across }: Block): number => down * across;

/** Rows of workgroup memory are one element longer than what they hold, so that columns lie in different banks. */
const strideOf = ({ columns }: Block): number => columns + 1;

/** Names a block in keys. */
const nameOf = ({ rows, columns }: Block): string => `${rows}x${columns}`;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Groups of columns side by side that hold a row of `size`. */
const groupsOf = ({ wide }: Block, size: number): number => Math.ceil(size / wide);

/** A matrix of each head: its name in the text, and the uniforms with its number of rows and columns. */
interface Part {
  readonly name: string;
  readonly rows: string;
  readonly columns: string;
  /** Where it begins. Default: `p_<name>`. */
  readonly start?: string;
}

const Q: Part = { name: "q", rows: "P.l", columns: "P.e" };
const K: Part = { name: "k", rows: "P.s", columns: "P.e" };
const V: Part = { name: "v", rows: "P.s", columns: "P.f" };
const G: Part = { name: "g", rows: "P.l", columns: "P.f" };

function at(
  { name, start = `p_${name}` }: Pick<Part, "name" | "start">,
  row: string,
  column: string,
): string {
  return `${start} + (${row}) * P.${name}_row + (${column}) * P.${name}_column`;
}

function memory(block: Block): string {
  const { rows, depth } = block;
  return wgsl`
    ${
    depth !== null && wgsl`
    var<workgroup> tile_a: array<f32, ${depth * (rows + 1)}>;
    var<workgroup> tile_b: array<f32, ${depth * strideOf(block)}>;`
  }
    var<workgroup> tile_p: array<f32, ${rows * strideOf(block)}>;
  `;
}

/** `let tx, ty`: the place of an invocation in a tile of scores; `let rx, ry`: that in a block of results. */
function places({ across, wide }: Block): string {
  return wgsl`
    let tx = lane % ${across}u;
    let ty = lane / ${across}u;
    let rx = lane % ${wide}u;
    let ry = lane / ${wide}u;
  `;
}

/** `var <to>_i_j`: the product of rows from `row0` of `a` with rows from `col0` of `b`. */
function product(block: Block, to: string, a: Part, b: Part): string {
  const { rows, columns, depth, down, across, eachDown, eachAcross } = block;
  const [threads, stride] = [threadsOf(block), strideOf(block)];
  const pairs = upTo(eachDown).flatMap((i) => upTo(eachAcross).map((j) => [i, j] as const));
  if (depth === null) {
    // What is beyond the rows gives scores that nobody looks at.
    return wgsl`
      ${pairs.map(([i, j]) => `var ${to}_${i}_${j} = 0.0;`)}
      for (var e = 0u; e < ${a.columns}; e++) {
        ${upTo(eachDown).map((i) => `let a_${i} = get_${a.name}(${at(a, `row0 + ty + ${i * down}u`, "e")});`)}
        ${
      upTo(eachAcross).map((j) => `let b_${j} = get_${b.name}(${at(b, `col0 + tx + ${j * across}u`, "e")});`)
    }
        ${pairs.map(([i, j]) => `${to}_${i}_${j} += a_${i} * b_${j};`)}
      }
      var ${to}_all = array<f32, ${pairs.length}>(${pairs.map(([i, j]) => `${to}_${i}_${j}`).join(", ")});
    `;
  }
  return wgsl`
    ${pairs.map(([i, j]) => `var ${to}_${i}_${j} = 0.0;`)}
    for (var e0 = 0u; e0 < ${a.columns}; e0 += ${depth}u) {
      for (var t = lane; t < ${rows * depth}u; t += ${threads}u) {
        let e = t % ${depth}u;
        let r = t / ${depth}u;
        var value = 0.0;
        if (row0 + r < ${a.rows} && e0 + e < ${a.columns}) { value = get_${a.name}(${
    at(a, "row0 + r", "e0 + e")
  }); }
        tile_a[e * ${rows + 1}u + r] = value;
      }
      for (var t = lane; t < ${columns * depth}u; t += ${threads}u) {
        let e = t % ${depth}u;
        let c = t / ${depth}u;
        var value = 0.0;
        if (col0 + c < ${b.rows} && e0 + e < ${b.columns}) { value = get_${b.name}(${
    at(b, "col0 + c", "e0 + e")
  }); }
        tile_b[e * ${stride}u + c] = value;
      }
      workgroupBarrier();
      for (var e = 0u; e < ${depth}u; e++) {
        ${upTo(eachDown).map((i) => `let a_${i} = tile_a[e * ${rows + 1}u + ty + ${i * down}u];`)}
        ${upTo(eachAcross).map((j) => `let b_${j} = tile_b[e * ${stride}u + tx + ${j * across}u];`)}
        ${pairs.map(([i, j]) => `${to}_${i}_${j} += a_${i} * b_${j};`)}
      }
      workgroupBarrier();
    }
  `;
}

/**
 * `body` for each score of an invocation: `row` and `col` are its places, `here` that in `tile_p`; `of("c")` is the result of
 * the product `c`.
 */
function eachScore(block: Block, body: (of: (product: string) => string) => string): string {
  const { depth, down, across, eachDown, eachAcross } = block;
  if (depth === null) {
    return wgsl`
      for (var n = 0u; n < ${eachDown * eachAcross}u; n++) {
        let y = ty + n / ${eachAcross}u * ${down}u;
        let x = tx + n % ${eachAcross}u * ${across}u;
        let row = row0 + y;
        let col = col0 + x;
        let here = y * ${strideOf(block)}u + x;
        ${body((product) => `${product}_all[n]`)}
      }`;
  }
  return wgsl`${
    upTo(eachDown).map((i) =>
      upTo(eachAcross).map((j) =>
        wgsl`
          {
            let row = row0 + ty + ${i * down}u;
            let col = col0 + tx + ${j * across}u;
            let here = (ty + ${i * down}u) * ${strideOf(block)}u + tx + ${j * across}u;
            ${body((product) => `${product}_${i}_${j}`)}
          }`
      )
    )
  }`;
}

/** Elements of a block of results that an invocation has: `[i, w]` is row ry + `tall` · i, column rx + `wide` · w. */
function cells(block: Block, size: number): (readonly [i: number, w: number])[] {
  return upTo(block.rows / block.tall).flatMap((i) =>
    upTo(groupsOf(block, size)).map((w) => [i, w] as const)
  );
}

function zeros(block: Block, to: string, size: number): string {
  return wgsl`${cells(block, size).map(([i, w]) => `var ${to}_${i}_${w} = 0.0;`)}`;
}

/** Adds `tile_p` times the rows from `col0` of `x`, which has `size` columns, to `<to>_i_w`. */
function accumulate(block: Block, to: string, x: Part, size: number): string {
  const { rows, columns, depth, wide, tall } = block;
  const sums = cells(block, size).map(([i, w]) => `${to}_${i}_${w} += a_${i} * b_${w};`);
  if (depth === null) {
    return wgsl`
      workgroupBarrier();
      for (var c = 0u; c < min(${columns}u, ${x.rows} - col0); c++) {
        ${upTo(rows / tall).map((i) => `let a_${i} = tile_p[(ry + ${tall * i}u) * ${strideOf(block)}u + c];`)}
        ${
      upTo(groupsOf(block, size)).map((w) =>
        `let b_${w} = get_${x.name}(${at(x, "col0 + c", `rx + ${wide * w}u`)});`
      )
    }
        ${sums}
      }
      workgroupBarrier();
    `;
  }
  const width = wide * groupsOf(block, size);
  const step = 2 ** Math.floor(Math.log2(depth * columns / width)); // rows of x that fit in tile_b
  return wgsl`
    for (var c0 = 0u; c0 < ${columns}u; c0 += ${step}u) {
      for (var t = lane; t < ${step * width}u; t += ${threadsOf(block)}u) {
        let f = t % ${width}u;
        let c = t / ${width}u;
        var value = 0.0;
        if (col0 + c0 + c < ${x.rows} && f < ${x.columns}) { value = get_${x.name}(${
    at(x, "col0 + c0 + c", "f")
  }); }
        tile_b[t] = value;
      }
      workgroupBarrier();
      for (var c = 0u; c < ${step}u; c++) {
        ${
    upTo(rows / tall).map((i) => `let a_${i} = tile_p[(ry + ${tall * i}u) * ${strideOf(block)}u + c0 + c];`)
  }
        ${upTo(groupsOf(block, size)).map((w) => `let b_${w} = tile_b[c * ${width}u + rx + ${wide * w}u];`)}
        ${sums}
      }
      workgroupBarrier();
    }
  `;
}

/** Writes `<from>_i_w` to the rows from `row0` of `x`; `value` gets an element and its row in the block. */
function store(
  block: Block,
  from: string,
  x: Part,
  size: number,
  value: (cell: string, row: string) => string = (cell) => cell,
): string {
  const all = cells(block, size);
  const put = (cell: string, row: string, column: string): string =>
    wgsl`
      if (row0 + ${row} < ${x.rows} && ${column} < ${x.columns}) {
        put_${x.name}(${at(x, `row0 + ${row}`, column)}, ${value(cell, row)});
      }`;
  if (block.depth === null) {
    return wgsl`
      var ${from}_all = array<f32, ${all.length}>(${all.map(([i, w]) => `${from}_${i}_${w}`).join(", ")});
      for (var n = 0u; n < ${all.length}u; n++) {
        let y = ry + n / ${groupsOf(block, size)}u * ${block.tall}u;
        let x = rx + n % ${groupsOf(block, size)}u * ${block.wide}u;
        ${put(`${from}_all[n]`, "y", "x")}
      }`;
  }
  return wgsl`${
    all.map(([i, w]) => put(`${from}_${i}_${w}`, `ry + ${block.tall * i}u`, `rx + ${block.wide * w}u`))
  }`;
}

/** The score of query `row` and key `col` from its product, and whether the query sees the key. */
function scoreText(product: string, hasBias: boolean, row = "row", col = "col"): string {
  return `${product} * P.scale${hasBias ? ` + get_b(p_b + ${row} * P.b_row + ${col} * P.b_column)` : ""}`;
}

/** `x` seen as large as [...lead, rows, columns]. */
function seenAs(x: Operand, lead: Shape, rows: number, columns: number): Operand {
  const shape = [...lead, rows, columns];
  return { buffer: x.buffer, dtype: x.dtype, shape, strides: stepsIn(x, shape), offset: x.offset };
}

/** Operands with their names in the text; those after the first `reads` are written. */
interface Bound {
  readonly names: readonly string[];
  readonly operands: readonly Operand[];
  readonly reads: number;
}

/** Binds operands […, rows, columns] and gives the number of loops over their leading dimensions. */
function bindHeads(draft: Draft, { names, operands, reads }: Bound): number {
  const lead = operands[0]!.shape.slice(0, -2);
  const loops = melt(lead, operands.map(({ strides }) => strides.slice(0, -2)));
  operands.forEach((x, q) => {
    draft.bind(names[q]!, x, { as: q < reads ? "read" : "write" });
    draft.u32(`${names[q]}_row`, x.strides.at(-2)!).u32(`${names[q]}_column`, x.strides.at(-1)!);
  });
  loopUniforms(draft, "", names, loops);
  return loops.sizes.length;
}

/** Sizes of an attention: heads, queries, keys, elements of a key and of a value. */
interface Sizes {
  readonly heads: number;
  readonly l: number;
  readonly s: number;
  readonly e: number;
  readonly f: number;
}

function sizesOf(q: Operand, v: Operand): Sizes {
  const [l, e] = q.shape.slice(-2) as [number, number];
  const [s, f] = v.shape.slice(-2) as [number, number];
  return { heads: count(q.shape.slice(0, -2)), l, s, e, f };
}

/** True for what these kernels take: float32, heads that fit in registers, results apart from the inputs. */
function fits(inputs: readonly Operand[], outputs: readonly Operand[], { s, e, f }: Sizes): boolean {
  return inputs.every((x) => x.dtype === float32) && s > 0 && e > 0 && f > 0 && e <= LARGEST &&
    f <= LARGEST && !isInPlace(outputs, inputs);
}

function draftOf(limits: GpuLimits, op: AttentionName, sizes: Sizes, scale: number, blocks: number): Draft {
  return new Draft(op, limits).u32("groups", blocks * sizes.heads).u32("blocks", blocks)
    .u32("l", sizes.l).u32("s", sizes.s).u32("e", sizes.e).u32("f", sizes.f).f32("scale", scale);
}

/** Keys that a part of a walk has at least, where few workgroups would walk over many keys. */
const LONG = 256;

function attention(
  limits: GpuLimits,
  inputs: readonly Operand[],
  y: Operand,
  logs: Operand,
  scale: number,
  causal: boolean,
): GpuDispatch | null {
  const [q, k, v, given] = inputs as readonly [Operand, Operand, Operand, Operand?];
  const sizes = sizesOf(q, v);
  if (!fits(inputs, [y, logs], sizes)) return null;
  const lead = q.shape.slice(0, -2);
  const bias = given === undefined ? [] : [seenAs(given, lead, sizes.l, sizes.s)];
  return inParts(
    limits,
    [q, k, v, y, logs, ...bias],
    lead.map((_, d) => d),
    ([q, k, v, y, logs, bias]) =>
      attentionStep(limits, [q!, k!, v!, bias ?? null], [y!, logs!], scale, causal),
  );
}

/** Attention of heads that fit in bindings; the mask is as large as the scores. */
function attentionStep(
  limits: GpuLimits,
  [q, k, v, bias]: readonly [Operand, Operand, Operand, Operand | null],
  [y, logs]: readonly [Operand, Operand],
  scale: number,
  causal: boolean,
): GpuDispatch | null {
  const sizes = sizesOf(q, v);
  const { heads, l, s, f } = sizes;
  const lead = q.shape.slice(0, -2);
  const block = blockFor(limits, l);
  const blocks = Math.ceil(l / block.rows);
  const walk = { q, k, v, bias, sizes, block, blocks, scale, causal };
  const parts = blocks * heads < 64 ? Math.min(Math.ceil(s / LONG), Math.ceil(128 / (blocks * heads))) : 1;
  if (parts === 1) return forward(limits, walk, y, logs, null, 1);
  const scratch = [heads * l * f, heads * l, heads * l].map((n) => new Scratch(4 * parts * n));
  const [sums, totals, largest] = scratch.map((buffer, i): Operand => {
    const shape = [parts, ...lead, l, i === 0 ? f : 1];
    const strides = shape.map((_, d) => count(shape.slice(d + 1)));
    return { buffer, dtype: float32, shape, strides, offset: 0 };
  });
  const headOf = (x: Operand): Operand => ({ ...x, shape: x.shape.slice(1), strides: x.strides.slice(1) });
  const first = forward(limits, walk, headOf(sums!), headOf(totals!), headOf(largest!), parts);
  const second = joinParts(limits, sums!, totals!, largest!, y, logs, sizes, parts);
  return first === null || second === null ? null : new Sequence([first, second], scratch);
}

/** What the forward pass walks over. */
interface Walk {
  readonly q: Operand;
  readonly k: Operand;
  readonly v: Operand;
  readonly bias: Operand | null;
  readonly sizes: Sizes;
  readonly block: Block;
  readonly blocks: number;
  readonly scale: number;
  readonly causal: boolean;
}

/**
 * Rows of the result and the logarithms of their sums; with `largest`, in `parts` of the keys: rows before they are
 * divided, their sums, and the scores that were subtracted.
 */
function forward(
  limits: GpuLimits,
  { q, k, v, bias, sizes, block, blocks, scale, causal }: Walk,
  y: Operand,
  logs: Operand,
  largest: Operand | null,
  parts: number,
): GpuDispatch | null {
  const { heads, s, f } = sizes;
  const draft = draftOf(limits, "attention", sizes, scale, blocks);
  const piece = Math.ceil(s / parts / block.columns) * block.columns;
  draft.u32("heads", heads).u32("parts", parts).u32("piece", piece);
  const optional = (name: string, x: Operand | null): [string, Operand][] => x === null ? [] : [[name, x]];
  const reads: [string, Operand][] = [["q", q], ["k", k], ["v", v], ...optional("b", bias)];
  const all = [...reads, ["y", y], ["z", logs], ...optional("t", largest)] as [string, Operand][];
  const names = all.map(([name]) => name);
  const rank = bindHeads(draft, { names, operands: all.map(([, x]) => x), reads: reads.length });
  const part = largest !== null;
  const key = `${nameOf(block)}|${groupsOf(block, f)}|${rank}|${causal}|${bias !== null}|${
    part ? "part" : "all"
  }`;
  const share = threadsOf(block) / block.rows; // invocations of a row of scores
  const stride = strideOf(block);
  const rowsOfBlock = upTo(block.rows / block.tall);
  /** `body` for each score that an invocation looks at of one row. */
  const eachOfRow = (body: (place: string) => string): string =>
    block.depth === null
      ? wgsl`
        for (var n = 0u; n < ${block.columns}u; n += ${share}u) {
          ${body("first + n")}
        }`
      : wgsl`${upTo(block.columns / share).map((i) => body(`first + ${i * share}u`))}`;
  const result: Part = { name: "y", rows: "P.l", columns: "P.f", start: part ? "p_part" : "p_y" };
  return draft.step(key, grid(blocks * heads * parts), () =>
    wgsl`
      ${memory(block)}
      var<workgroup> folds: array<f32, ${threadsOf(block)}>;
      var<workgroup> factors: array<f32, ${block.rows}>;

      ${
      mainOf(
        threadsOf(block),
        wgsl`
          if (group >= P.groups * P.parts) { return; }
          let row0 = group % P.blocks * ${block.rows}u;
          let head = group / P.blocks % P.heads;
          let number = group / P.blocks / P.heads;
          ${placesText(rank, "", names, "head")}
          ${places(block)}
          let first = lane / ${share}u * ${stride}u + lane % ${share}u;
          let fold = lane / ${share}u * ${share}u;
          var most = -m_inf();
          var total = 0.0;
          ${zeros(block, "o", f)}
          var end = min(P.s, (number + 1u) * P.piece);
          ${causal && `end = min(end, row0 + ${block.rows}u);`}
          for (var col0 = number * P.piece; col0 < end; col0 += ${block.columns}u) {
            ${product(block, "c", Q, K)}
            ${
          eachScore(block, (of) =>
            wgsl`
            var score = -m_inf();
            if (row < P.l && col < end${causal ? " && col <= row" : ""}) {
              score = ${scoreText(of("c"), bias !== null)};
            }
            tile_p[here] = score;`)
        }
            workgroupBarrier();
            var best = most;
            ${eachOfRow((place) => `best = m_max(best, tile_p[${place}]);`)}
            folds[lane] = best;
            workgroupBarrier();
            for (var i = 0u; i < ${share}u; i++) { best = m_max(best, folds[fold + i]); }
            // A row that sees nothing so far has no largest score: −∞ − (−∞) would be NaN.
            let base = select(best, 0.0, bitcast<u32>(best) == 0xff800000u);
            let shrink = m_exp(most - base);
            var sum = 0.0;
            ${
          eachOfRow((place) =>
            wgsl`
            {
              let weight = m_exp(tile_p[${place}] - base);
              tile_p[${place}] = weight;
              sum += weight;
            }`
          )
        }
            workgroupBarrier();
            folds[lane] = sum;
            if (lane == fold) { factors[lane / ${share}u] = shrink; }
            workgroupBarrier();
            sum = 0.0;
            for (var i = 0u; i < ${share}u; i++) { sum += folds[fold + i]; }
            total = total * shrink + sum;
            most = best;
            ${rowsOfBlock.map((i) => `let factor_${i} = factors[ry + ${block.tall * i}u];`)}
            ${cells(block, f).map(([i, w]) => `o_${i}_${w} *= factor_${i};`)}
            ${accumulate(block, "o", V, f)}
          }
          let row = row0 + lane / ${share}u;
          let divisor = select(total, 1.0, total == 0.0);
          if (lane == fold) {
            factors[lane / ${share}u] = divisor;
            if (row < P.l) {
              ${
          part
            ? wgsl`
              put_z(number * P.heads * P.l + p_z + row, total);
              put_t(number * P.heads * P.l + p_t + row, most);`
            : wgsl`
              let base = select(most, 0.0, bitcast<u32>(most) == 0xff800000u);
              put_z(${at({ name: "z" }, "row", "0u")}, base + m_log(total));`
        }
            }
          }
          workgroupBarrier();
          ${part && "let p_part = p_y + number * P.heads * P.l * P.f;"}
          ${
          store(
            block,
            "o",
            result,
            f,
            (cell, row) => part ? cell : `${cell} / factors[${row}]`,
          )
        }
        `,
      )
    }
    `);
}

/** Rows from what parts of the keys gave, each rescaled to the largest score of all. */
function joinParts(
  limits: GpuLimits,
  sums: Operand,
  totals: Operand,
  largest: Operand,
  y: Operand,
  logs: Operand,
  { heads, l, f }: Sizes,
  parts: number,
): GpuDispatch | null {
  const n = heads * l * f;
  const loops = melt(y.shape.slice(0, -2), [y.strides.slice(0, -2), logs.strides.slice(0, -2)]);
  const draft = new Draft("attention", limits).u32("n", n).u32("rows", heads * l).u32("parts", parts)
    .u32("l", l).u32("f", f)
    .bind("sums", sums, { as: "read" }).bind("totals", totals, { as: "read" })
    .bind("largest", largest, { as: "read" }).bind("y", y, { as: "write" }).bind("z", logs, { as: "write" })
    .u32("y_row", y.strides.at(-2)!).u32("y_column", y.strides.at(-1)!).u32("z_row", logs.strides.at(-2)!);
  loopUniforms(draft, "", ["y", "z"], loops);
  return draft.step(`join|${loops.sizes.length}`, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      let column = i % P.f;
      let line = i / P.f;
      let row = line % P.l;
      let head = line / P.l;
      ${placesText(loops.sizes.length, "", ["y", "z"], "head")}
      var most = -m_inf();
      for (var p = 0u; p < P.parts; p++) { most = m_max(most, get_largest(p * P.rows + line)); }
      let base = select(most, 0.0, bitcast<u32>(most) == 0xff800000u);
      var total = 0.0;
      var value = 0.0;
      for (var p = 0u; p < P.parts; p++) {
        let factor = m_exp(get_largest(p * P.rows + line) - base);
        total += factor * get_totals(p * P.rows + line);
        value += factor * get_sums(p * P.n + i);
      }
      put_y(p_y + row * P.y_row + column * P.y_column, value / select(total, 1.0, total == 0.0));
      if (column == 0u) { put_z(p_z + row * P.z_row, base + m_log(total)); }
    `));
}

function attentionBackward(
  limits: GpuLimits,
  inputs: readonly Operand[],
  results: readonly [Operand, Operand, Operand],
  scale: number,
  causal: boolean,
): GpuDispatch | null {
  const [g, q, k, v, logs, delta, given] = inputs as readonly [
    ...[Operand, Operand, Operand, Operand, Operand, Operand],
    Operand?,
  ];
  const sizes = sizesOf(q, v);
  if (!fits(inputs, results, sizes)) return null;
  const lead = q.shape.slice(0, -2);
  const bias = given === undefined ? [] : [seenAs(given, lead, sizes.l, sizes.s)];
  return inParts(
    limits,
    [g, q, k, v, logs, delta, ...results, ...bias],
    lead.map((_, d) => d),
    ([g, q, k, v, logs, delta, gq, gk, gv, bias]) =>
      backwardStep(
        limits,
        { g: g!, q: q!, k: k!, v: v!, logs: logs!, delta: delta!, bias: bias ?? null },
        [gq!, gk!, gv!],
        scale,
        causal,
      ),
  );
}

/** The gradients of heads that fit in bindings; the mask is as large as the scores. */
function backwardStep(
  limits: GpuLimits,
  { g, q, k, v, logs, delta, bias }: Omit<BackwardWalk, "sizes" | "scale" | "causal">,
  results: readonly [Operand, Operand, Operand],
  scale: number,
  causal: boolean,
): GpuDispatch | null {
  const sizes = sizesOf(q, v);
  if (bias === null) {
    const walk = { g, q, k, v, logs, delta, bias, sizes, scale, causal };
    const [first, second] = [backwardRows(limits, walk, results[0]), backwardColumns(limits, walk, results)];
    return first === null || second === null ? null : new Sequence([first, second]);
  }
  // A device may have 8 bindings: row sums and delta go into one buffer.
  const rows = count(logs.shape);
  const scratch = new Scratch(8 * rows);
  const strides = logs.shape.map((_, d) => count(logs.shape.slice(d + 1)));
  const [a, b] = [0, rows].map((offset): Operand => ({
    buffer: scratch,
    dtype: float32,
    shape: logs.shape,
    strides,
    offset,
  }));
  const packing = elementwise(limits, {
    op: "attentionBackward",
    inputs: { logs, delta },
    outputs: { a: a!, b: b! },
    body: wgsl`
      let a = logs;
      let b = delta;`,
  });
  const walk = { g, q, k, v, logs: a!, delta: b!, bias, sizes, scale, causal };
  const [first, second] = [backwardRows(limits, walk, results[0]), backwardColumns(limits, walk, results)];
  return packing === null || first === null || second === null
    ? null
    : new Sequence([packing, first, second], [scratch]);
}

/** What the backward pass walks over. */
interface BackwardWalk {
  readonly g: Operand;
  readonly q: Operand;
  readonly k: Operand;
  readonly v: Operand;
  readonly logs: Operand;
  readonly delta: Operand;
  readonly bias: Operand | null;
  readonly sizes: Sizes;
  readonly scale: number;
  readonly causal: boolean;
}

/**
 * `weight` and `slope` of query `row` and key `col`, where `s` and `d` are the products q kᵀ and g vᵀ: the weight
 * p = exp(score − logsumexp), the slope p · (d − delta) · scale.
 */
function weightText(
  s: string,
  d: string,
  hasBias: boolean,
  causal: boolean,
  row: string,
  col: string,
): string {
  return wgsl`
    var weight = 0.0;
    var slope = 0.0;
    if (${row} < P.l && ${col} < P.s${causal ? ` && ${col} <= ${row}` : ""}) {
      let log_sum = get_z(${at({ name: "z" }, row, "0u")});
      // A row that sees nothing has the logarithm −∞: its weights are 0, not NaN.
      let base = select(log_sum, 0.0, bitcast<u32>(log_sum) == 0xff800000u);
      weight = m_exp(${scoreText(s, hasBias, row, col)} - base);
      slope = weight * (${d} - get_d(${at({ name: "d" }, row, "0u")})) * P.scale;
    }`;
}

function readsOf({ g, q, k, v, logs, delta, bias }: BackwardWalk): [string, Operand][] {
  const list: [string, Operand][] = [["g", g], ["q", q], ["k", k], ["v", v], ["z", logs], ["d", delta]];
  return bias === null ? list : [...list, ["b", bias]];
}

/** The gradient of q: each block of queries walks over the keys that it sees. */
function backwardRows(limits: GpuLimits, walk: BackwardWalk, gq: Operand): GpuDispatch | null {
  const { sizes, bias, scale, causal } = walk;
  const { heads, l, e } = sizes;
  const block = blockFor(limits, l);
  const blocks = Math.ceil(l / block.rows);
  const draft = draftOf(limits, "attentionBackward", sizes, scale, blocks);
  const reads = readsOf(walk);
  const all = [...reads, ["o", gq] as [string, Operand]];
  const names = all.map(([name]) => name);
  const rank = bindHeads(draft, { names, operands: all.map(([, x]) => x), reads: reads.length });
  const key = `rows|${nameOf(block)}|${groupsOf(block, e)}|${rank}|${causal}|${bias !== null}`;
  return draft.step(key, grid(blocks * heads), () =>
    wgsl`
      ${memory(block)}

      ${
      mainOf(
        threadsOf(block),
        wgsl`
          if (group >= P.groups) { return; }
          let row0 = group % P.blocks * ${block.rows}u;
          let head = group / P.blocks;
          ${placesText(rank, "", names, "head")}
          ${places(block)}
          ${zeros(block, "o", e)}
          let end = ${causal ? `min(P.s, row0 + ${block.rows}u)` : "P.s"};
          for (var col0 = 0u; col0 < end; col0 += ${block.columns}u) {
            ${product(block, "s", Q, K)}
            ${product(block, "d", G, V)}
            ${
          eachScore(block, (of) =>
            wgsl`
            ${weightText(of("s"), of("d"), bias !== null, causal, "row", "col")}
            tile_p[here] = slope;`)
        }
            ${accumulate(block, "o", K, e)}
          }
          ${store(block, "o", { name: "o", rows: "P.l", columns: "P.e" }, e)}
        `,
      )
    }
    `);
}

/** The gradients of k and v: each block of keys walks over the queries that see it. */
function backwardColumns(
  limits: GpuLimits,
  walk: BackwardWalk,
  [, gk, gv]: readonly [Operand, Operand, Operand],
): GpuDispatch | null {
  const { sizes, bias, scale, causal } = walk;
  const { heads, s, e, f } = sizes;
  const block = blockFor(limits, s);
  const blocks = Math.ceil(s / block.rows);
  const draft = draftOf(limits, "attentionBackward", sizes, scale, blocks);
  const reads = readsOf(walk);
  const all = [...reads, ["gk", gk], ["gv", gv]] as [string, Operand][];
  const names = all.map(([name]) => name);
  const rank = bindHeads(draft, { names, operands: all.map(([, x]) => x), reads: reads.length });
  const key = `columns|${nameOf(block)}|${groupsOf(block, e)}|${groupsOf(block, f)}|${rank}|${causal}|${
    bias !== null
  }`;
  return draft.step(key, grid(blocks * heads), () =>
    wgsl`
      ${memory(block)}

      ${
      mainOf(
        threadsOf(block),
        wgsl`
          if (group >= P.groups) { return; }
          let row0 = group % P.blocks * ${block.rows}u;
          let head = group / P.blocks;
          ${placesText(rank, "", names, "head")}
          ${places(block)}
          ${zeros(block, "x", e)}
          ${zeros(block, "y", f)}
          for (var col0 = ${
          causal ? `row0 / ${block.columns}u * ${block.columns}u` : "0u"
        }; col0 < P.l; col0 += ${block.columns}u) {
            ${product(block, "s", K, Q)}
            ${product(block, "d", V, G)}
            ${
          eachScore(block, (of) =>
            wgsl`
            ${weightText(of("s"), of("d"), bias !== null, causal, "col", "row")}
            tile_p[here] = weight;
            ${of("s")} = slope;`)
        }
            ${accumulate(block, "y", G, f)}
            ${eachScore(block, (of) => `tile_p[here] = ${of("s")};`)}
            ${accumulate(block, "x", Q, e)}
          }
          ${store(block, "x", { name: "gk", rows: "P.s", columns: "P.e" }, e)}
          ${store(block, "y", { name: "gv", rows: "P.s", columns: "P.f" }, f)}
        `,
      )
    }
    `);
}

/** Attention and its gradients, of float32 heads of up to 128 elements; others go through their decompositions. */
export function attentionKernels(
  limits: GpuLimits,
): Pick<Required<KernelTable<GpuDispatch>>, AttentionName> {
  return {
    attention: (inputs, [y, logs], { scale, causal }) => attention(limits, inputs, y, logs, scale, causal),
    attentionBackward: (inputs, results, { scale, causal }) =>
      attentionBackward(limits, inputs, results, scale, causal),
  };
}
