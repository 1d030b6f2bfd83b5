/**
 * Products in tiles: a workgroup makes a tile of the result, an invocation a block of it in registers.
 *
 * Slabs of both operands go through workgroup memory, as vectors of four free indices for each k. Invocations bring them in
 * blocks of 4 × 4: four reads of four neighbours each, turned in registers where memory runs along k. The reads of the next
 * slab are on their way while one is multiplied. For large blocks the loop over a slab is written out, and places in it are
 * a small number plus a constant: runtimes guard turns of loops and places in arrays, and compilers drop the guards of places
 * that cannot be outside.
 *
 * @module
 */

import { mainOf } from "../../draft.ts";
import { wgsl } from "../../wgsl.ts";
import type { Plan, Product, Side } from "./product.ts";
import { AXES, plus, upTo } from "./text.ts";
import { partsFor, type Tile, tilesOf } from "./tiles.ts";

/** Rows of tiles that run next to one another, so that their operands stay in the cache. */
const BAND = 8;
/** Steps of depth in a turn of the loop over a slab. */
const STEPS = 8;

/** The plan of a product in tiles of one kind. */
export function tiledPlan(
  product: Product,
  { m, n, swapped }: { readonly m: number; readonly n: number; readonly swapped: boolean },
  tile: Tile,
): Plan {
  const { rows, columns, depth } = tile;
  const [down, across] = [Math.ceil(m / rows), Math.ceil(n / columns)];
  const groups = tilesOf(tile, { m, n, k: product.k, batch: product.batch });
  return {
    key: `${rows}x${columns}x${depth}`,
    groups,
    depth,
    parts: partsFor(groups, product.k),
    uniforms: (draft) => void draft.u32("down", down).u32("across", across),
    subgroups: false,
    text: (parted) => text(product, swapped, tile, parted),
  };
}

interface Blocks {
  readonly side: Side;
  readonly along: "free" | "k";
  /** Fours of the free index in the tile. */
  readonly fours: number;
  /** Blocks of 4 × 4 in a slab. */
  readonly count: number;
  /** Where the slab begins in workgroup memory. */
  readonly start: number;
  /** The product's variable of the batch, and the uniform with the number of free indices. */
  readonly from: string;
  readonly end: string;
}

function text(product: Product, swapped: boolean, tile: Tile, parted: boolean): string {
  const { rows, columns, eachRows, eachColumns, depth } = tile;
  const { type, setup } = product;
  const [left, right] = swapped ? [product.b, product.a] : [product.a, product.b];
  const [high, wide] = [rows / eachRows, columns / eachColumns];
  const threads = high * wide;
  const [foursA, foursB] = [rows / 4, columns / 4];
  const vector = `vec4<${type}>`;
  const a: Blocks = {
    side: "a",
    along: left.along,
    fours: foursA,
    count: foursA * depth / 4,
    start: 0,
    from: swapped ? "pb" : "pa",
    end: "P.rows",
  };
  const b: Blocks = {
    side: "b",
    along: right.along,
    fours: foursB,
    count: foursB * depth / 4,
    start: foursA * depth,
    from: swapped ? "pa" : "pb",
    end: "P.columns",
  };
  const turns = upTo(Math.ceil((a.count + b.count) / threads));
  /** `body` for the operand to which block number `lane + turn · threads` belongs. */
  const choose = (turn: number, body: (blocks: Blocks, first: number) => string): string => {
    const [from, to] = [turn * threads, (turn + 1) * threads];
    if (to <= a.count) return body(a, 0);
    const last = to <= a.count + b.count ? "else {" : `else if (lane < ${a.count + b.count - from}u) {`;
    if (from >= a.count) {
      return to <= a.count + b.count ? body(b, a.count) : wgsl`
        if (lane < ${a.count + b.count - from}u) {
          ${body(b, a.count)}
        }`;
    }
    return wgsl`
      if (lane < ${a.count - from}u) {
        ${body(a, 0)}
      } ${last}
        ${body(b, a.count)}
      }`;
  };
  const place = (turn: number, { along, fours }: Blocks, first: number): string => {
    const skip = turn * threads - first;
    const number = skip === 0 ? "lane" : `(lane ${skip > 0 ? "+" : "-"} ${Math.abs(skip)}u)`;
    const deep = depth / 4;
    return along === "k"
      ? wgsl`
        block_k_${turn} = ${number} % ${deep}u;
        block_f_${turn} = ${number} / ${deep}u;`
      : wgsl`
        block_f_${turn} = ${number} % ${fours}u;
        block_k_${turn} = ${number} / ${fours}u;`;
  };
  const [aFours, bFours] = [upTo(eachRows / 4), upTo(eachColumns / 4)];
  // Blocks large enough to be worth a long text are multiplied without a loop.
  const steps = eachRows * eachColumns >= 64 ? depth : STEPS;
  const at = (place: string, fours: number, by: number): string =>
    plus(steps < depth ? `kk * ${fours}u + ${place}` : place, by);
  const acc = (i: number, j: number): string => `c_${i}_${j}`;
  return wgsl`
    var<workgroup> slab: array<${vector}, ${(foursA + foursB) * depth}>;

    ${
    mainOf(
      threads,
      wgsl`
        if (group >= P.groups) { return; }
        let tiles = P.down * P.across;
        let number = group / tiles;
        let band = group % tiles / (${BAND}u * P.across);
        let in_band = group % tiles % (${BAND}u * P.across);
        let band_height = min(P.down - band * ${BAND}u, ${BAND}u);
        let tile_row = (band * ${BAND}u + in_band % band_height) * ${rows}u;
        let tile_column = in_band / band_height * ${columns}u;
        let batch = number % P.batches;
        let part = number / P.batches;
        let k_start = part * P.piece;
        let k_end = min(P.k, k_start + P.piece);
        ${setup}
        let row = lane / ${wide}u % ${high}u;
        let column = lane % ${wide}u;
        ${
        turns.map((turn) =>
          wgsl`
          var block_f_${turn} = 0u;
          var block_k_${turn} = 0u;
          ${upTo(4).map((i) => `var r_${turn}_${i} = ${vector}();`)}
          var fix_a_${turn}: Fix_a;
          var fix_b_${turn}: Fix_b;
          ${
            choose(turn, (blocks, first) =>
              wgsl`
              ${place(turn, blocks, first)}
              fix_${blocks.side}_${turn} = fix_${blocks.side}(${blocks.from}, tile_${
                blocks.side === "a" ? "row" : "column"
              } + block_f_${turn} * 4u, ${blocks.end});`)
          }
        `
        )
      }
        ${upTo(eachRows).map((i) => bFours.map((j) => `var ${acc(i, j)} = ${vector}();`))}
        var k0 = k_start;
        ${turns.map((turn) => choose(turn, (blocks) => loads(blocks, turn)))}
        while (k0 < k_end) {
          ${turns.map((turn) => choose(turn, (blocks) => stores(blocks, turn, vector)))}
          workgroupBarrier();
          k0 += ${depth}u;
          ${turns.map((turn) => choose(turn, (blocks) => loads(blocks, turn)))}
          ${steps < depth ? `for (var kk = 0u; kk < ${depth}u; kk += ${steps}u) {` : "{"}
            ${
        upTo(steps).map((k) =>
          wgsl`
            {
              ${aFours.map((i) => `let a_${i} = slab[${at("row", foursA, k * foursA + i * high)}];`)}
              ${
            bFours.map((j) => `let b_${j} = slab[${at("column", foursB, b.start + k * foursB + j * wide)}];`)
          }
              ${
            upTo(eachRows).map((i) =>
              bFours.map((j) => `${acc(i, j)} += a_${i >> 2}.${AXES[i & 3]} * b_${j};`)
            )
          }
            }`
        )
      }
          }
          workgroupBarrier();
        }
        ${
        product.epilogue !== null && !parted
          ? finishes(tile, acc)
          : upTo(eachRows).map((i) =>
            bFours.map((j) =>
              `store_o(${parted ? "number" : "po"}, ${
                plus(`tile_row + (${plus("row", (i >> 2) * high)}) * 4u`, i & 3)
              }, tile_column + (${plus("column", j * wide)}) * 4u, ${acc(i, j)}, part);`
            )
          )
      }
      `,
    )
  }
  `;
}

/** As many stores in a loop: what is done before them may be long. */
function finishes(
  { rows, columns, eachRows, eachColumns }: Tile,
  acc: (i: number, j: number) => string,
): string {
  const [high, wide, across] = [rows / eachRows, columns / eachColumns, eachColumns / 4];
  const all = upTo(eachRows).flatMap((i) => upTo(across).map((j) => acc(i, j)));
  return wgsl`
    var all = array(${all.join(", ")});
    for (var s = 0u; s < ${all.length}u; s++) {
      let i = s / ${across}u;
      let m = tile_row + (row + i / 4u * ${high}u) * 4u + i % 4u;
      let n = tile_column + (column + s % ${across}u * ${wide}u) * 4u;
      store_o(po, m, n, all[s], part);
    }
  `;
}

/** Reads a block of the slab that begins at `k0` into registers. */
function loads({ side, along }: Blocks, turn: number): string {
  return wgsl`${
    upTo(4).map((i) =>
      along === "k"
        ? `r_${turn}_${i} = load_${side}(fix_${side}_${turn}, ${i}u, k0 + block_k_${turn} * 4u, k_end);`
        : `r_${turn}_${i} = load_${side}(fix_${side}_${turn}, ${
          plus(`k0 + block_k_${turn} * 4u`, i)
        }, k_end);`
    )
  }`;
}

/** Writes a block to workgroup memory: for each k four free indices. */
function stores({ along, fours, start }: Blocks, turn: number, vector: string): string {
  return wgsl`${
    upTo(4).map((i) =>
      `slab[(${plus(`block_k_${turn} * 4u`, i)}) * ${fours}u + ${plus(`block_f_${turn}`, start)}] = ${
        along === "free"
          ? `r_${turn}_${i}`
          : `${vector}(${upTo(4).map((j) => `r_${turn}_${j}.${AXES[i]}`).join(", ")})`
      };`
    )
  }`;
}
