/**
 * Products with at most 16 rows, which are as fast as the right operand can be read: every invocation keeps all rows.
 *
 * - "spread", where memory of the right operand runs along columns: an invocation has four columns, and several share them,
 *   each with its own part of the depth.
 * - "dots", where it runs along the depth: several invocations walk along four columns side by side.
 *
 * What the invocations found is summed in workgroup memory, or, where a workgroup has the same four columns, first within
 * subgroups. The order of additions is always the same.
 *
 * @module
 */

import { mainOf } from "../../draft.ts";
import type { SubgroupForm } from "../../subgroups.ts";
import { wgsl } from "../../wgsl.ts";
import type { Plan, Product } from "./product.ts";
import { AXES, plus, upTo } from "./text.ts";

/** Workgroups that are enough for a large GPU to read at full speed. */
const ENOUGH = 512;
/** Vectors of four numbers in workgroup memory. */
const SHARED = 512;

/** How a workgroup is used. */
interface Shape {
  readonly form: "spread" | "dots";
  /** Rows in registers. */
  readonly rows: number;
  /** Invocations that share four columns. */
  readonly lanes: number;
  /** Fours of columns that a workgroup has. */
  readonly fours: number;
}

function shapeOf(form: "spread" | "dots", m: number, k: number, columns: number): Shape {
  const rows = [1, 2, 4, 8, 16].find((rows) => rows >= m)!;
  const lanes = form === "dots"
    ? (k <= 32 ? 4 : k <= 128 ? 16 : 64)
    : k <= 32 || columns >= 256 * ENOUGH
    ? 1
    : k <= 256
    ? 4
    : 16;
  const threads = form === "spread" && lanes > 1 ? 256 : 64;
  return { form, rows, lanes, fours: threads / lanes };
}

/** The plan of a product with few rows. */
export function skinnyPlan(
  product: Product,
  { m, n, swapped }: { readonly m: number; readonly n: number; readonly swapped: boolean },
  subgroups: SubgroupForm,
): Plan {
  const { k, batch } = product;
  const right = swapped ? product.a : product.b;
  const shape = shapeOf(right.along === "k" ? "dots" : "spread", m, k, n * batch);
  const { form, rows, lanes, fours } = shape;
  const across = Math.ceil(n / (4 * fours));
  const groups = across * batch;
  // A part is worth a workgroup when each of its invocations has several turns.
  const turns = Math.floor(k / (lanes * 4 * 4));
  const bySubgroups = subgroups !== "none" && form === "dots" && lanes === 64;
  return {
    key: `${form} ${rows}x${lanes}x${fours}${bySubgroups ? ` ${subgroups}` : ""}`,
    groups,
    depth: 4 * lanes,
    parts: groups >= ENOUGH / 2 ? 1 : Math.max(1, Math.min(turns, Math.ceil(ENOUGH / groups))),
    uniforms: (draft) => void draft.u32("across", across),
    subgroups: bySubgroups,
    text: (parted) => text(product, swapped, shape, bySubgroups, parted),
  };
}

function text(product: Product, swapped: boolean, shape: Shape, subgroups: boolean, parted: boolean): string {
  const { type, setup } = product;
  const left = swapped ? product.b : product.a;
  const { form, rows, lanes, fours } = shape;
  const [pa, pb] = swapped ? ["pb", "pa"] : ["pa", "pb"];
  const vector = `vec4<${type}>`;
  const threads = lanes * fours;
  const rowFours = Math.ceil(rows / 4);
  const each = upTo(4);
  /** Element `row` of the left operand, at k + `i`. */
  const leftAt = (row: number, i: number): string =>
    left.along === "k" ? `x_${row}.${AXES[i]}` : `x_${row >> 2}_${i}.${AXES[row & 3]}`;
  /** Elements k … k + 3 of a row. */
  const leftFour = (row: number): string =>
    left.along === "k" ? `x_${row}` : `${vector}(${each.map((i) => leftAt(row, i)).join(", ")})`;
  const turn = wgsl`
    ${
    left.along === "k"
      ? upTo(rows).map((row) => `let x_${row} = load_a(fix_a_${row >> 2}, ${row & 3}u, k, k_end);`)
      : upTo(rowFours).map((four) =>
        each.map((i) => `let x_${four}_${i} = load_a(fix_a_${four}, ${plus("k", i)}, k_end);`)
      )
  }
    ${
    form === "spread"
      ? [
        ...each.map((i) => `let w_${i} = load_b(fix, ${plus("k", i)}, k_end);`),
        ...upTo(rows).map((row) => each.map((i) => `c_${row} += ${leftAt(row, i)} * w_${i};`)),
      ]
      : [
        ...each.map((i) => `let w_${i} = load_b(fix, ${i}u, k, k_end);`),
        ...upTo(rows).map((row) =>
          `c_${row} += ${vector}(${each.map((i) => `dot(w_${i}, ${leftFour(row)})`).join(", ")});`
        ),
      ]
  }`;
  const store = (row: number, value: string): string =>
    `store_o(${parted ? "number" : "po"}, ${row}u, column, ${value}, part);`;
  return wgsl`
    ${lanes > 1 && `var<workgroup> shared_sums: array<${vector}, ${Math.min(SHARED, threads * rows)}>;`}

    ${
    mainOf(
      threads,
      wgsl`
        if (group >= P.groups) { return; }
        let number = group / P.across;
        let batch = number % P.batches;
        let part = number / P.batches;
        let k_start = part * P.piece;
        let k_end = min(P.k, k_start + P.piece);
        ${setup}
        ${
        form === "spread"
          ? wgsl`
            let four = lane % ${fours}u;
            let walker = lane / ${fours}u;`
          : wgsl`
            let four = lane / ${lanes}u;
            let walker = lane % ${lanes}u;`
      }
        let column = (group % P.across * ${fours}u + four) * 4u;
        let fix = fix_b(${pb}, column, P.columns);
        ${upTo(rowFours).map((four) => `let fix_a_${four} = fix_a(${pa}, ${4 * four}u, P.rows);`)}
        ${upTo(rows).map((row) => `var c_${row} = ${vector}();`)}
        for (var k = k_start + walker * 4u; k < k_end; k += ${4 * lanes}u) {
          ${turn}
        }
        ${
        lanes === 1
          ? upTo(rows).map((row) => store(row, `c_${row}`))
          : subgroups
          ? sumOfSubgroups(rows, vector, store)
          : sumOfLanes(shape, store)
      }
      `,
      subgroups ? "@builtin(subgroup_size) subgroup_size: u32," : "",
    )
  }
  `;
}

type Store = (row: number, value: string) => string;

/** Adds up what the lanes of four columns found, in workgroup memory, some rows at a time. */
function sumOfLanes({ form, rows, lanes, fours }: Shape, store: Store): string {
  const threads = lanes * fours;
  const atOnce = Math.min(rows, SHARED / threads);
  // Neighbouring invocations touch neighbouring places.
  const stride = form === "spread" ? fours : 1;
  const halves: number[] = [];
  for (let half = lanes / 2; half >= 1; half /= 2) halves.push(half);
  return wgsl`${
    upTo(rows / atOnce).map((chunk) => {
      const list = upTo(atOnce).map((i) => [i, chunk * atOnce + i] as const);
      return wgsl`
        ${list.map(([i, row]) => `shared_sums[${plus("lane", i * threads)}] = c_${row};`)}
        workgroupBarrier();
        ${
        halves.map((half) =>
          wgsl`
          if (walker < ${half}u) {
            ${
            list.map(([i]) =>
              `shared_sums[${plus("lane", i * threads)}] += shared_sums[${
                plus("lane", i * threads + half * stride)
              }];`
            )
          }
          }
          workgroupBarrier();`
        )
      }
        if (walker == 0u) {
          ${list.map(([i, row]) => store(row, `shared_sums[${plus("lane", i * threads)}]`))}
        }`;
    })
  }`;
}

/** Adds up within subgroups, of neighbouring invocations, and then the sums of the subgroups one after another. */
function sumOfSubgroups(rows: number, vector: string, store: Store): string {
  return wgsl`
    let first = subgroupMin(lane);
    ${upTo(rows).map((row) => `let s_${row} = subgroupAdd(c_${row});`)}
    ${
    upTo(Math.ceil(rows / 8)).map((chunk) => {
      const list = upTo(Math.min(8, rows)).map((i) => [i, chunk * 8 + i] as const);
      return wgsl`
        ${chunk > 0 && "workgroupBarrier();"}
        if (lane == first) {
          ${list.map(([i, row]) => `shared_sums[${plus("lane / subgroup_size", i * 64)}] = s_${row};`)}
        }
        workgroupBarrier();
        ${
        list.map(([i, row]) =>
          wgsl`
          if (lane == ${i}u) {
            var sum = ${vector}();
            for (var t = 0u; t < (63u + subgroup_size) / subgroup_size; t++) { sum += shared_sums[${
            plus("t", i * 64)
          }]; }
            ${store(row, "sum")}
          }`
        )
      }`;
    })
  }
  `;
}
