/**
 * Products for adapters whose compiler is slow: the same ways as on others, in a text with few reads.
 *
 * Software adapters that make machine code themselves (SwiftShader, which browsers bring along) write each read out, for each
 * invocation with a branch of its own, and workgroup memory element by element, because it begins as zeros; what is kept in
 * registers meanwhile makes both dearer. A text for hardware then takes seconds to compile, some minutes. Here each operand is
 * read at one or two places of the text, in loops, and there is no workgroup memory: the caches of a CPU do its work. The
 * multiplications stay written out, they cost little.
 *
 * @module
 */

import { mainOf } from "../../draft.ts";
import { wgsl } from "../../wgsl.ts";
import type { Loader, Plan, Product, Side } from "./product.ts";
import { AXES, plus, upTo } from "./text.ts";
import { partsFor, TILES, type Way } from "./tiles.ts";

/** Invocations side by side that share nothing, for products with few rows. */
const LANES = 64;

/** How a workgroup is used. */
interface Block {
  /** Rows and columns of an invocation. */
  readonly eachRows: number;
  readonly eachColumns: number;
  /** Invocations of a workgroup, down and across. */
  readonly high: number;
  readonly wide: number;
}

/** The blocks of a way: those that its invocations keep in registers. */
function blockOf(way: Way, m: number): Block {
  if (way === "skinny") {
    const eachRows = [1, 2, 4, 8, 16].find((rows) => rows >= m)!;
    return { eachRows, eachColumns: 4, high: 1, wide: LANES };
  }
  const { rows, columns, eachRows, eachColumns } = TILES[way];
  return { eachRows, eachColumns, high: rows / eachRows, wide: columns / eachColumns };
}

/** The plan of a product in blocks of a way. */
export function briefPlan(
  product: Product,
  { m, n, swapped }: { readonly m: number; readonly n: number; readonly swapped: boolean },
  way: Way,
): Plan {
  const block = blockOf(way, m);
  const [down, across] = [
    Math.ceil(m / (block.eachRows * block.high)),
    Math.ceil(n / (block.eachColumns * block.wide)),
  ];
  const groups = down * across * product.batch;
  return {
    key: `brief ${block.eachRows}x${block.eachColumns}x${block.high}x${block.wide}`,
    groups,
    depth: 4,
    parts: partsFor(groups, product.k),
    uniforms: (draft) => void draft.u32("down", down).u32("across", across),
    subgroups: false,
    text: (parted) => text(product, swapped, block, parted),
  };
}

/** An operand in the text. */
interface Operand {
  readonly side: Side;
  readonly loader: Loader;
  /** Free indices of an invocation. */
  readonly each: number;
  /** The vectors that are read in a turn. */
  readonly values: string;
}

/** Reads four steps of depth, into as many vectors as there are free indices, or four for each four of them. */
function reads({ side, loader, each, values }: Operand): string {
  return wgsl`${
    upTo(Math.ceil(each / 4)).map((four) => {
      const fix = `fix_${side}_${four}`;
      return loader.along === "k"
        ? wgsl`
        for (var i = 0u; i < ${Math.min(each, 4)}u; i++) { ${values}[${
          plus("i", 4 * four)
        }] = load_${side}(${fix}, i, k, k_end); }`
        : wgsl`
        for (var i = 0u; i < 4u; i++) { ${values}[${
          plus("i", 4 * four)
        }] = load_${side}(${fix}, k + i, k_end); }`;
    })
  }`;
}

/** Vectors that {@linkcode reads} fills. */
function lengthOf({ loader, each }: Operand): number {
  return loader.along === "k" ? each : 4 * Math.ceil(each / 4);
}

function text(product: Product, swapped: boolean, block: Block, parted: boolean): string {
  const { eachRows, eachColumns, high, wide } = block;
  const { type, setup } = product;
  const [left, right] = swapped ? [product.b, product.a] : [product.a, product.b];
  const [pa, pb] = swapped ? ["pb", "pa"] : ["pa", "pb"];
  const vector = `vec4<${type}>`;
  const a: Operand = { side: "a", loader: left, each: eachRows, values: "x" };
  const b: Operand = { side: "b", loader: right, each: eachColumns, values: "w" };
  const fours = upTo(eachColumns / 4);
  /** Row `row` of the left operand at k + `i`. */
  const leftAt = (row: number, i: number): string =>
    left.along === "k" ? `x[${row}].${AXES[i]}` : `x[${(row & ~3) + i}].${AXES[row & 3]}`;
  /** Four columns of the right operand at k + `i`. */
  const rightAt = (four: number, i: number): string =>
    right.along === "free"
      ? `w[${4 * four + i}]`
      : `${vector}(${upTo(4).map((j) => `w[${4 * four + j}].${AXES[i]}`).join(", ")})`;
  return mainOf(
    high * wide,
    wgsl`
      if (group >= P.groups) { return; }
      let tiles = P.down * P.across;
      let number = group / tiles;
      let tile = group % tiles;
      let row0 = (tile / P.across * ${high}u + lane / ${wide}u) * ${eachRows}u;
      let column0 = (tile % P.across * ${wide}u + lane % ${wide}u) * ${eachColumns}u;
      if (row0 >= P.rows || column0 >= P.columns) { return; }
      let batch = number % P.batches;
      let part = number / P.batches;
      let k_start = part * P.piece;
      let k_end = min(P.k, k_start + P.piece);
      ${setup}
      ${
      upTo(Math.ceil(eachRows / 4)).map((four) =>
        `let fix_a_${four} = fix_a(${pa}, ${plus("row0", 4 * four)}, P.rows);`
      )
    }
      ${fours.map((four) => `let fix_b_${four} = fix_b(${pb}, ${plus("column0", 4 * four)}, P.columns);`)}
      var x: array<${vector}, ${lengthOf(a)}>;
      var w: array<${vector}, ${lengthOf(b)}>;
      ${upTo(eachRows).map((row) => fours.map((four) => `var c_${row}_${four} = ${vector}();`))}
      for (var k = k_start; k < k_end; k += 4u) {
        ${reads(a)}
        ${reads(b)}
        ${
      upTo(4).map((i) =>
        wgsl`
        {
          ${fours.map((four) => `let b_${four} = ${rightAt(four, i)};`)}
          ${
          upTo(eachRows).map((row) =>
            fours.map((four) => `c_${row}_${four} += ${leftAt(row, i)} * b_${four};`)
          )
        }
        }`
      )
    }
      }
      var sums = array<${vector}, ${eachRows * fours.length}>(${
      upTo(eachRows).flatMap((row) => fours.map((four) => `c_${row}_${four}`)).join(", ")
    });
      for (var i = 0u; i < ${eachRows * fours.length}u; i++) {
        store_o(${
      parted ? "number" : "po"
    }, row0 + i / ${fours.length}u, column0 + i % ${fours.length}u * 4u, sums[i], part);
      }
    `,
  );
}
