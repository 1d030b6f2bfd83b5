/**
 * Direct factorizations and triangular systems. A workgroup does a matrix, in storage memory, some columns a dispatch.
 *
 * Pivots and norms of a column are found by every invocation for itself: control flow then depends on sizes only, which is
 * what barriers need.
 *
 * @see Golub and Van Loan, Matrix Computations, 4th edition, sections 3.1, 3.4, 4.2 and 5.2
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import { ranges } from "../budget.ts";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { count, isDense, isInPlace } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { inOrder, inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";

type LinalgName = "cholesky" | "luFactor" | "qr" | "solveTriangular";

const LANES = WORKGROUP;

/** All invocations have done what stands above, and see what the others wrote. */
const SYNC = wgsl`
  storageBarrier();
  workgroupBarrier();`;

/** A loop in which each invocation takes its share. */
function each(name: string, from: string, to: string, body: string): string {
  return wgsl`
    for (var ${name} = ${from} + lane; ${name} < ${to}; ${name} += ${LANES}u) {
      ${body}
    }`;
}

/** True for what these kernels take: contiguous operands apart from one another. */
function fits(inputs: readonly Operand[], outputs: readonly Operand[]): boolean {
  return [...inputs, ...outputs].every(isDense) && !isInPlace(outputs, inputs);
}

/** A factorization in the making: how its columns are walked over, from `P.first` to `P.last` in a dispatch. */
interface Walk {
  readonly op: LinalgName;
  readonly stage: string;
  readonly batch: number;
  readonly columns: number;
  /** Turns of loops of a column, and those before the first one. */
  readonly cost: number;
  /** Adds uniforms and operands. */
  readonly bind: (draft: Draft) => void;
  readonly text: string;
}

/** As many dispatches as the columns need. */
function walk(
  limits: GpuLimits,
  { op, stage, batch, columns, cost, bind, text }: Walk,
): (GpuDispatch | null)[] {
  // What comes before the first column is due without columns, too.
  const parts = columns === 0 ? [[0, 0] as const] : ranges(columns, cost);
  return parts.map(([first, last]) => {
    const draft = new Draft(op, limits).u32("batch", batch).u32("first", first).u32("last", last);
    bind(draft);
    return draft.step(stage, grid(batch), () =>
      mainOf(
        LANES,
        wgsl`
          if (group >= P.batch) { return; }
          ${text}
        `,
      ));
  });
}

/** Shares of `n` things that an invocation takes. */
function shares(n: number): number {
  return Math.ceil(n / LANES);
}

/** L with A = L Lᵀ from the lower triangle of A, column by column. */
function cholesky(limits: GpuLimits, x: Operand, factor: Operand, info: Operand): GpuDispatch | null {
  if (!fits([x], [factor, info])) return null;
  const n = x.shape.at(-1)!;
  const batch = count(x.shape.slice(0, -2));
  return inOrder(walk(limits, {
    op: "cholesky",
    stage: "",
    batch,
    columns: n,
    cost: n + shares(n) * n + shares(n),
    bind: (draft) =>
      void draft.u32("n", n).bind("x", x, { as: "read" }).bind("o", factor, { as: "write" })
        .bind("info", info, { as: "write" }),
    text: wgsl`
      let base = group * P.n * P.n;
      var info = 0u;
      if (P.first == 0u) {
        ${each("e", "0u", "P.n * P.n", "put_o(base + e, select(0.0, get_x(base + e), e % P.n <= e / P.n));")}
      } else {
        info = bitcast<u32>(get_info(group));
      }
      ${SYNC}
      for (var j = P.first; j < P.last; j++) {
        var pivot = get_o(base + j * P.n + j);
        for (var k = 0u; k < j; k++) {
          let l = get_o(base + j * P.n + k);
          pivot -= l * l;
        }
        ${SYNC}
        if (info == 0u) {
          let root = sqrt(max(pivot, 0.0));
          if (pivot > 0.0 && !m_isnan(pivot)) {
            if (lane == 0u) { put_o(base + j * P.n + j, root); }
            ${
      each(
        "i",
        "j + 1u",
        "P.n",
        wgsl`
          var rest = get_o(base + i * P.n + j);
          for (var k = 0u; k < j; k++) { rest -= get_o(base + i * P.n + k) * get_o(base + j * P.n + k); }
          put_o(base + i * P.n + j, rest / root);`,
      )
    }
          } else {
            if (lane == 0u) { put_o(base + j * P.n + j, pivot); }
            info = j + 1u;
          }
        }
        ${SYNC}
      }
      if (lane == 0u) { put_info(group, bitcast<i32>(info)); }`,
  }));
}

/** P A = L U with the largest pivot of each column. */
function luFactor(
  limits: GpuLimits,
  x: Operand,
  lu: Operand,
  pivots: Operand,
  info: Operand,
): GpuDispatch | null {
  if (!fits([x], [lu, pivots, info])) return null;
  const [m, n] = x.shape.slice(-2) as [number, number];
  const batch = count(x.shape.slice(0, -2));
  const least = Math.min(m, n);
  return inOrder(walk(limits, {
    op: "luFactor",
    stage: "",
    batch,
    columns: least,
    cost: m + shares(n) + shares(m) + shares(m * n),
    bind: (draft) =>
      void draft.u32("m", m).u32("n", n).u32("least", least)
        .bind("x", x, { as: "read" }).bind("o", lu, { as: "write" }).bind("pivots", pivots, { as: "write" })
        .bind("info", info, { as: "write" }),
    text: wgsl`
      let base = group * P.m * P.n;
      var info = 0u;
      if (P.first == 0u) {
        ${each("e", "0u", "P.m * P.n", "put_o(base + e, get_x(base + e));")}
      } else {
        info = bitcast<u32>(get_info(group));
      }
      ${SYNC}
      for (var j = P.first; j < P.last; j++) {
        var best = j;
        var pivot = get_o(base + j * P.n + j);
        for (var i = j + 1u; i < P.m; i++) {
          let here = get_o(base + i * P.n + j);
          if (m_lt(m_abs(pivot), m_abs(here))) {
            best = i;
            pivot = here;
          }
        }
        ${SYNC}
        if (lane == 0u) { put_pivots(group * P.least + j, bitcast<i32>(best + 1u)); }
        let regular = pivot != 0.0 || m_isnan(pivot);
        if (!regular && info == 0u) { info = j + 1u; }
        if (regular && best != j) {
          ${
      each(
        "k",
        "0u",
        "P.n",
        wgsl`
          let kept = get_o(base + best * P.n + k);
          put_o(base + best * P.n + k, get_o(base + j * P.n + k));
          put_o(base + j * P.n + k, kept);`,
      )
    }
        }
        ${SYNC}
        if (regular) {
          ${each("i", "j + 1u", "P.m", "put_o(base + i * P.n + j, get_o(base + i * P.n + j) / pivot);")}
        }
        ${SYNC}
        let width = P.n - j - 1u;
        if (regular && width > 0u) {
          ${
      each(
        "e",
        "0u",
        "(P.m - j - 1u) * width",
        wgsl`
          let i = base + (j + 1u + e / width) * P.n;
          let k = j + 1u + e % width;
          put_o(i + k, get_o(i + k) - get_o(i + j) * get_o(base + j * P.n + k));`,
      )
    }
        }
        ${SYNC}
      }
      if (lane == 0u) { put_info(group, bitcast<i32>(info)); }`,
  }));
}

/**
 * A = Q R by Householder reflections I − τ v vᵀ with v₀ = 1, each of which turns a column into β e₀ with
 * β = −sign(a₀)‖a‖. The tails of v stay below the diagonal of the working copy, τ in memory of its own.
 */
function qr(limits: GpuLimits, x: Operand, q: Operand, r: Operand): GpuDispatch | null {
  if (!fits([x], [q, r])) return null;
  const [m, n] = x.shape.slice(-2) as [number, number];
  const batch = count(x.shape.slice(0, -2));
  const least = Math.min(m, n);
  const columns = q.shape.at(-1)!;
  const scratch = [new Scratch(4 * batch * m * n), new Scratch(4 * batch * least)];
  const [w, tau] = scratch.map((buffer): Operand => ({
    buffer,
    dtype: float32,
    shape: [buffer.bytes / 4],
    strides: [1],
    offset: 0,
  }));
  const sizes = (draft: Draft): Draft =>
    draft.u32("m", m).u32("n", n).u32("least", least).u32("count", columns)
      .bind("w", w!, { as: "write" }).bind("tau", tau!, { as: "write" });
  const reflections = walk(limits, {
    op: "qr",
    stage: "factor",
    batch,
    columns: least,
    cost: 2 * m + shares(m) + shares(n) * (2 * m + 1) + shares(m * n) / least,
    bind: (draft) => void sizes(draft).bind("x", x, { as: "read" }),
    text: wgsl`
      let base = group * P.m * P.n;
      if (P.first == 0u) {
        ${each("e", "0u", "P.m * P.n", "put_w(base + e, get_x(base + e));")}
      }
      ${SYNC}
      for (var j = P.first; j < P.last; j++) {
        let head = get_w(base + j * P.n + j);
        var largest = 0.0;
        for (var i = j + 1u; i < P.m; i++) { largest = m_max(largest, m_abs(get_w(base + i * P.n + j))); }
        let scale = m_max(largest, m_abs(head));
        var squares = 0.0;
        for (var i = j; i < P.m; i++) {
          let part = get_w(base + i * P.n + j) / scale;
          squares += part * part;
        }
        let flat = largest == 0.0 && !m_isnan(largest);
        let beta = select(-1.0, 1.0, head < 0.0) * scale * sqrt(squares);
        let tau = select((beta - head) / beta, 0.0, flat);
        ${SYNC}
        if (lane == 0u) {
          put_tau(group * P.least + j, tau);
          if (!flat) { put_w(base + j * P.n + j, beta); }
        }
        if (!flat) {
          ${
      each("i", "j + 1u", "P.m", "put_w(base + i * P.n + j, get_w(base + i * P.n + j) / (head - beta));")
    }
        }
        ${SYNC}
        ${
      each(
        "k",
        "j + 1u",
        "P.n",
        wgsl`
          var dot = get_w(base + j * P.n + k);
          for (var i = j + 1u; i < P.m; i++) { dot += get_w(base + i * P.n + j) * get_w(base + i * P.n + k); }
          dot *= tau;
          put_w(base + j * P.n + k, get_w(base + j * P.n + k) - dot);
          for (var i = j + 1u; i < P.m; i++) {
            put_w(base + i * P.n + k, get_w(base + i * P.n + k) - dot * get_w(base + i * P.n + j));
          }`,
      )
    }
        ${SYNC}
      }`,
  });
  const factors = walk(limits, {
    op: "qr",
    stage: "form",
    batch,
    columns: least,
    cost: shares(columns) * (2 * m + 1) + (shares(columns) * m + shares(columns * n)) / least,
    bind: (draft) => void sizes(draft).bind("q", q, { as: "write" }).bind("r", r, { as: "write" }),
    text: wgsl`
      let base = group * P.m * P.n;
      let start = group * P.m * P.count;
      if (P.first == 0u) {
        ${
      each(
        "e",
        "0u",
        "P.count * P.n",
        wgsl`
          var value = 0.0;
          if (e % P.n >= e / P.n) { value = get_w(base + e); }
          put_r(group * P.count * P.n + e, value);`,
      )
    }
        ${
      each(
        "c",
        "0u",
        "P.count",
        "for (var i = 0u; i < P.m; i++) { put_q(start + i * P.count + c, select(0.0, 1.0, i == c)); }",
      )
    }
      }
      // A column belongs to one invocation: nobody waits for another.
      ${
      each(
        "c",
        "0u",
        "P.count",
        wgsl`
          for (var back = P.first; back < P.last; back++) {
            let j = P.least - 1u - back;
            var dot = get_q(start + j * P.count + c);
            for (var i = j + 1u; i < P.m; i++) { dot += get_w(base + i * P.n + j) * get_q(start + i * P.count + c); }
            dot *= get_tau(group * P.least + j);
            put_q(start + j * P.count + c, get_q(start + j * P.count + c) - dot);
            for (var i = j + 1u; i < P.m; i++) {
              put_q(start + i * P.count + c, get_q(start + i * P.count + c) - dot * get_w(base + i * P.n + j));
            }
          }`,
      )
    }`,
  });
  const steps = [...reflections, ...factors];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}

/** X of A X = B by substitution: one invocation a column. */
function solveTriangular(
  limits: GpuLimits,
  a: Operand,
  b: Operand,
  o: Operand,
  upper: boolean,
  unitriangular: boolean,
): GpuDispatch | null {
  if (!fits([a, b], [o])) return null;
  const [n, columns] = b.shape.slice(-2) as [number, number];
  const total = count(b.shape) / n;
  return inOrder(
    ranges(n, n).map(([first, last]) =>
      new Draft("solveTriangular", limits).u32("n", total).u32("order", n).u32("columns", columns)
        .u32("first", first).u32("last", last)
        .bind("a", a, { as: "read" }).bind("b", b, { as: "read" }).bind("o", o, { as: "write" })
        .step(`${upper}|${unitriangular}`, grid(Math.ceil(total / WORKGROUP)), () =>
          mainOver(wgsl`
          let matrix = i / P.columns;
          let base = matrix * P.order * P.order;
          let start = matrix * P.order * P.columns + i % P.columns;
          for (var step = P.first; step < P.last; step++) {
            let row = ${upper ? "P.order - 1u - step" : "step"};
            var value = get_b(start + row * P.columns);
            for (var k = ${upper ? "row + 1u" : "0u"}; k < ${upper ? "P.order" : "row"}; k++) {
              value -= get_a(base + row * P.order + k) * get_o(start + k * P.columns);
            }
            put_o(start + row * P.columns, ${
            unitriangular ? "value" : "m_div(value, get_a(base + row * P.order + row))"
          });
          }
        `))
    ),
  );
}

/** Dimensions of batches: what is in front of the last two. */
function batches(x: Operand): number[] {
  return x.shape.slice(0, -2).map((_, d) => d);
}

/** The direct factorizations. */
export function linalgKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, LinalgName> {
  return {
    cholesky: ([x], outputs) =>
      inParts(
        limits,
        [x, ...outputs],
        batches(x),
        ([x, factor, info]) => cholesky(limits, x!, factor!, info!),
      ),
    luFactor: ([x], outputs) =>
      inParts(
        limits,
        [x, ...outputs],
        batches(x),
        ([x, lu, pivots, info]) => luFactor(limits, x!, lu!, pivots!, info!),
      ),
    qr: ([x], outputs) => inParts(limits, [x, ...outputs], batches(x), ([x, q, r]) => qr(limits, x!, q!, r!)),
    solveTriangular: ([a, b], o, { upper, unitriangular }) =>
      inParts(
        limits,
        [a, b, o],
        batches(a),
        ([a, b, o]) => solveTriangular(limits, a!, b!, o!, upper, unitriangular),
      ),
  };
}
