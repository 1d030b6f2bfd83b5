/**
 * Eigenvalues of symmetric matrices and singular values by Jacobi rotations. A workgroup does a matrix.
 *
 * A round rotates pairs that have no row in common, so all of them at once; as many rounds as there are rows make a sweep,
 * in which every pair meets once. Sweeps go on until one finds nothing to rotate. Small matrices live in workgroup memory
 * and take one dispatch; larger ones live in storage memory and take several, each of so many rounds that none runs for
 * long, and those that come after the last needed one return at once.
 *
 * @see Golub and Van Loan, Matrix Computations, 4th edition, sections 8.5 and 8.6.3
 * @see Brent and Luk 1985, The solution of singular-value and symmetric eigenvalue problems on multiprocessor arrays
 *
 * @module
 */

import {
  DeviceError,
  float32,
  formatType,
  type KernelTable,
  type Operand,
  type Shape,
  TorchError,
  ValueError,
} from "@flambeau/core";
import { BUDGET, ranges } from "../budget.ts";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { inParts } from "../split.ts";
import { float, wgsl } from "../wgsl.ts";

type SpectralName = "eigh" | "svd";

/** Sweeps allowed; six to ten are usual. */
const SWEEPS = 30;
/** The most rows of a symmetric matrix, and the most singular values. */
const MOST = 1024;
/** The most elements of a matrix whose singular values are asked for, and the most rows of a full U that is completed. */
const MOST_ELEMENTS = 2 ** 21;
const MOST_COMPLETED = 1024;
/** Elements of a working copy that fits in workgroup memory, beside what folds take. */
const SMALL = 3072;
/** The unit of rounding. */
const EPSILON = 2 ** -23;
/** What a kernel reports when the sweeps did not suffice; other reports are the bits of an element. */
const UNFINISHED = 1;

/** What all invocations must have seen before they go on. */
function sync(small: boolean): string {
  return wgsl`
    ${!small && "storageBarrier();"}
    workgroupBarrier();`;
}

/** A loop in which each invocation takes its share. */
function each(name: string, to: string, body: string): string {
  return wgsl`
    for (var ${name} = lane; ${name} < ${to}; ${name} += ${WORKGROUP}u) {
      ${body}
    }`;
}

/**
 * Elements of workgroup memory for `size` of them: `most`, so that sizes share a text; with short texts, which software
 * adapters fill with zeros element by element, not much more than needed.
 */
function roomFor({ brief }: GpuLimits, size: number, most: number): number {
  return brief === true ? Math.min(most, 2 ** Math.ceil(Math.log2(Math.max(1, size)))) : most;
}

/** `w(i)` and `set_w(i, v)`: the working copy of the matrix of this workgroup. */
function copyText(held: number | null): string {
  return held !== null
    ? wgsl`
      var<workgroup> copy: array<f32, ${held}>;

      fn w(i: u32) -> f32 { return copy[i]; }
      fn set_w(i: u32, v: f32) { copy[i] = v; }`
    : wgsl`
      var<private> copy_start: u32;

      fn w(i: u32) -> f32 { return get_copy(copy_start + i); }
      fn set_w(i: u32, v: f32) { put_copy(copy_start + i, v); }`;
}

/** `fold_max(lane, v)` and `fold_sum(lane, v)`: over the workgroup, the result for all. */
const FOLDS = wgsl`
  var<workgroup> fold_a: array<f32, ${WORKGROUP}>;

  fn fold_max(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    fold_a[lane] = v;
    for (var step = ${WORKGROUP / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) { fold_a[lane] = m_max(fold_a[lane], fold_a[lane + step]); }
    }
    workgroupBarrier();
    return fold_a[0];
  }
  fn fold_sum(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    fold_a[lane] = v;
    for (var step = ${WORKGROUP / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) { fold_a[lane] += fold_a[lane + step]; }
    }
    workgroupBarrier();
    return fold_a[0];
  }`;

/** `p` and `q`: rows that meet as pair `t` of round `turn`. The last row stays, the others go round. */
function pairText(t: string, p: string, q: string): string {
  return wgsl`
    let ${p} = select((turn + ${t}) % (P.order - 1u), P.order - 1u, ${t} == 0u);
    let ${q} = (turn + P.order - 1u - ${t}) % (P.order - 1u);`;
}

/** A factorization in the making. */
interface Job {
  readonly op: SpectralName;
  /** The matrix or matrices, and the results. */
  readonly x: Operand;
  readonly results: Readonly<Record<string, Operand>>;
  readonly batch: Shape;
  /** Elements of a working copy. */
  readonly size: number;
  /** What the texts depend on. */
  readonly key: string;
  /** Adds what the texts need. */
  readonly uniforms: (draft: Draft) => void;
  /** Declarations. */
  readonly globals: string;
  /** Makes the working copy; `P.state` is the place of what {@linkcode headText} notes. */
  readonly load: string;
  /** Rounds of a sweep from `P.first` to `P.last`. They set `turned` where they rotate. */
  readonly sweep: string;
  /** The number of rounds, and the turns of loops in one. */
  readonly rounds: number;
  readonly roundCost: number;
  /** Results from the working copy. */
  readonly finish: string;
  /** What is made one after another when the results are there, from `P.first` to `P.last`. */
  readonly complete: { readonly text: string; readonly count: number; readonly cost: number } | null;
}

/**
 * Elements of the working copy behind `P.state`: the scale, what is negligible, 1 once nothing is left to rotate, 1 once
 * this sweep rotated something, and the number of columns that are known.
 */
const STATE = 5;

function perform(limits: GpuLimits, job: Job): GpuDispatch | null {
  const { op, x, results, batch, size, rounds, complete } = job;
  const matrices = count(batch);
  const small = isSmall(job);
  const held = small ? roomFor(limits, size, SMALL) : null;
  const scratch = small ? null : new Scratch(4 * size * matrices);
  const errorOf = (bits: number): TorchError =>
    bits === UNFINISHED
      ? new TorchError(
        `Cannot ${op} ${formatType(x)}: the iteration must converge, got a matrix where it does not`,
      )
      : new ValueError(
        `Cannot ${op} ${formatType(x)}: all elements must be finite, got ${
          (bits & 0x7fffffff) > 0x7f800000 ? "NaN" : "Infinity"
        }`,
      );
  const step = (
    stage: "all" | "load" | "sweep" | "finish" | "complete",
    bound: Readonly<Record<string, Operand>>,
    [first, last]: readonly [first: number, last: number],
    body: string,
  ): GpuDispatch | null => {
    const draft = new Draft(op, limits).u32("batch", matrices).u32("copy_size", size)
      .u32("first", first).u32("last", last).u32("rounds", rounds);
    job.uniforms(draft);
    const names = Object.keys(bound);
    const loops = melt(batch, names.map((name) => bound[name]!.strides.slice(0, batch.length)));
    for (const name of names) draft.bind(name, bound[name]!, { as: name === "x" ? "read" : "write" });
    loopUniforms(draft, "", names, loops);
    if (scratch !== null) {
      const shape = [size * matrices];
      draft.bind("copy", { buffer: scratch, dtype: float32, shape, strides: [1], offset: 0 }, {
        as: "write",
      });
    }
    const reporting = stage === "all" || stage === "load" || stage === "finish";
    if (reporting) draft.reports(errorOf);
    return draft.step(`${stage}|${held}|${job.key}|${loops.sizes.length}`, grid(matrices), () =>
      wgsl`
        ${copyText(held)}
        ${FOLDS}
        var<workgroup> turned: atomic<u32>;
        var<workgroup> answer: u32;
        ${job.globals}

        ${
        mainOf(
          WORKGROUP,
          wgsl`
            if (group >= P.batch) { return; }
            ${!small && "copy_start = group * P.copy_size;"}
            ${placesText(loops.sizes.length, "", names, "group")}
            ${body}
          `,
        )
      }
      `);
  };
  const checked = wgsl`
    ${job.finish}
    if (lane == 0u && w(P.state + 2u) == 0.0) { report(${UNFINISHED}); }`;
  const completed = complete === null ? "" : wgsl`
    if (lane == 0u) { answer = u32(w(P.state + 4u)); }
    let known = workgroupUniformLoad(&answer);
    ${complete.text}`;
  if (scratch === null) {
    const text = wgsl`
      ${job.load}
      for (var sweep = 0u; sweep < ${SWEEPS}u; sweep++) {
        if (lane == 0u) { atomicStore(&turned, 0u); }
        workgroupBarrier();
        ${job.sweep}
        workgroupBarrier();
        if (lane == 0u) {
          answer = atomicLoad(&turned);
          if (answer == 0u) { set_w(P.state + 2u, 1.0); }
        }
        if (workgroupUniformLoad(&answer) == 0u) { break; }
      }
      ${checked}
      ${sync(false)}
      ${completed}`;
    const all = [0, complete === null ? rounds : Math.max(rounds, complete.count)] as const;
    return step("all", { x, ...results }, all, text);
  }
  const sweep = ranges(rounds, job.roundCost).map((range) =>
    step(
      "sweep",
      {},
      range,
      wgsl`
        if (lane == 0u) {
          answer = u32(w(P.state + 2u));
          atomicStore(&turned, 0u);
        }
        if (workgroupUniformLoad(&answer) == 1u) { return; }
        ${job.sweep}
        workgroupBarrier();
        if (lane == 0u) {
          let rotated = atomicLoad(&turned) != 0u || (P.first > 0u && w(P.state + 3u) == 1.0);
          set_w(P.state + 3u, select(0.0, 1.0, rotated));
          if (P.last == P.rounds && !rotated) { set_w(P.state + 2u, 1.0); }
        }`,
    )
  );
  const rest = complete === null
    ? []
    : ranges(complete.count, complete.cost).map((range) => step("complete", results, range, completed));
  const steps = [
    step("load", { x }, [0, 0], job.load),
    ...new Array<typeof sweep>(SWEEPS).fill(sweep).flat(),
    step("finish", results, [0, 0], checked),
    ...rest,
  ];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], [scratch]);
}

/** True for what is done in workgroup memory, in one dispatch. */
function isSmall(
  { size, rounds, roundCost, complete }: Pick<Job, "size" | "rounds" | "roundCost" | "complete">,
): boolean {
  return size <= SMALL &&
    SWEEPS * rounds * roundCost + (complete === null ? 0 : complete.count * complete.cost) <= BUDGET;
}

/** `scale`: what elements of `P.m` by `P.n` are divided by; a matrix that is not finite counts as 0. */
const SCALE_TEXT = wgsl`
  var largest = 0.0;
  ${
  each(
    "e",
    "P.m * P.n",
    "largest = m_max(largest, m_abs(get_x(p_x + e / P.n * P.x_row + e % P.n * P.x_column)));",
  )
}
  largest = fold_max(lane, largest);
  let finite = (bitcast<u32>(largest) & 0x7f800000u) != 0x7f800000u;
  if (!finite && lane == 0u) { report(bitcast<i32>(largest)); }
  // Of the largest power of two: such a scale rounds nothing.
  let scale = select(bitcast<f32>(bitcast<u32>(largest) & 0x7f800000u), 1.0, !finite || largest < 1.1754944e-38);
  if (lane == 0u) {
    set_w(P.state, scale);
    set_w(P.state + 2u, 0.0);
    set_w(P.state + 3u, 0.0);
  }`;

function checkSize(op: SpectralName, x: Operand, size: number): void {
  if (size <= MOST) return;
  throw new DeviceError(
    `Cannot ${op} ${
      formatType(x)
    } on webgpu: the smaller size of a matrix must be at most ${MOST}, got ${size}; compute on the CPU, as in x.to("cpu")`,
  );
}

/**
 * Rotations from both sides: A ← Jᵀ A J. The blocks of two pairs are independent of one another, so an invocation changes
 * one without the others; those on the diagonal are changed where their angle is found.
 */
function eigh(limits: GpuLimits, x: Operand, values: Operand, vectors: Operand): GpuDispatch | null {
  if (isInPlace([values, vectors], [x])) return null;
  const n = x.shape.at(-1)!;
  checkSize("eigh", x, n);
  const order = n + n % 2; // a row of zeros makes pairs of an odd number
  const size = 2 * order * order + STATE;
  const shares = (elements: number): number => Math.ceil(elements / WORKGROUP);
  const cost = {
    size,
    rounds: order - 1,
    roundCost: shares(order / 2) + shares(order * order / 4) + shares(order * order / 2) + 1,
    complete: null,
  };
  const small = isSmall(cost);
  const pairs = roomFor(limits, order / 2, small ? Math.floor(Math.sqrt(SMALL / 2) / 2) + 1 : MOST / 2);
  return perform(limits, {
    ...cost,
    op: "eigh",
    x,
    results: { values, vectors },
    batch: x.shape.slice(0, -2),
    key: `${pairs}`,
    uniforms: (draft) =>
      void draft.u32("m", n).u32("n", n).u32("order", order).u32("pairs", order / 2)
        .u32("square", order * order).u32("state", 2 * order * order)
        .u32("x_row", x.strides.at(-2)!).u32("x_column", x.strides.at(-1)!)
        .u32("values_step", values.strides.at(-1)!)
        .u32("vectors_row", vectors.strides.at(-2)!).u32("vectors_column", vectors.strides.at(-1)!),
    globals: wgsl`
      // Of the angle and, as a tangent, of its half: x cos − y sin = x − sin (y + tan½ x), which hardly rounds small angles.
      var<workgroup> sines: array<f32, ${pairs}>;
      var<workgroup> halves: array<f32, ${pairs}>;`,
    load: wgsl`
      ${SCALE_TEXT}
      ${
      each(
        "e",
        "P.square",
        wgsl`
          let i = e / P.order;
          let j = e % P.order;
          var value = 0.0;
          if (finite && i < P.n && j < P.n) {
            value = get_x(p_x + max(i, j) * P.x_row + min(i, j) * P.x_column) / scale;
          }
          set_w(e, value);
          set_w(P.square + e, select(0.0, 1.0, i == j));`,
      )
    }
      ${sync(small)}`,
    sweep: wgsl`
      for (var turn = P.first; turn < min(P.last, P.rounds); turn++) {
        ${
      each(
        "t",
        "P.pairs",
        wgsl`
          ${pairText("t", "p", "q")}
          let app = w(p * P.order + p);
          let aqq = w(q * P.order + q);
          let apq = w(p * P.order + q);
          var s = 0.0;
          var half = 0.0;
          if (abs(apq) > max(${float(EPSILON / 8)} * (abs(app) + abs(aqq)), ${float(2 ** -40)})) {
            let theta = (aqq - app) / (2.0 * apq);
            let tangent = select(1.0, -1.0, theta < 0.0) / (abs(theta) + sqrt(theta * theta + 1.0));
            let c = 1.0 / sqrt(tangent * tangent + 1.0);
            s = c * tangent;
            half = s / (1.0 + c);
            set_w(p * P.order + p, app - tangent * apq);
            set_w(q * P.order + q, aqq + tangent * apq);
            set_w(p * P.order + q, 0.0);
            set_w(q * P.order + p, 0.0);
            atomicStore(&turned, 1u);
          }
          sines[t] = s;
          halves[t] = half;`,
      )
    }
        ${sync(small)}
        ${
      each(
        "e",
        "P.pairs * P.pairs",
        wgsl`
          let ta = e / P.pairs;
          let tb = e % P.pairs;
          let sa = sines[ta];
          let sb = sines[tb];
          if (ta != tb && (sa != 0.0 || sb != 0.0)) {
            let ha = halves[ta];
            let hb = halves[tb];
            ${pairText("ta", "pa", "qa")}
            ${pairText("tb", "pb", "qb")}
            let pp = w(pa * P.order + pb);
            let pq = w(pa * P.order + qb);
            let qp = w(qa * P.order + pb);
            let qq = w(qa * P.order + qb);
            let up = pp - sa * (qp + ha * pp);
            let uq = pq - sa * (qq + ha * pq);
            let vp = qp + sa * (pp - ha * qp);
            let vq = qq + sa * (pq - ha * qq);
            set_w(pa * P.order + pb, up - sb * (uq + hb * up));
            set_w(pa * P.order + qb, uq + sb * (up - hb * uq));
            set_w(qa * P.order + pb, vp - sb * (vq + hb * vp));
            set_w(qa * P.order + qb, vq + sb * (vp - hb * vq));
          }`,
      )
    }
        ${
      each(
        "e",
        "P.pairs * P.order",
        wgsl`
          let t = e / P.order;
          let s = sines[t];
          if (s != 0.0) {
            ${pairText("t", "p", "q")}
            let at_p = P.square + p * P.order + e % P.order;
            let at_q = P.square + q * P.order + e % P.order;
            let vp = w(at_p);
            let vq = w(at_q);
            set_w(at_p, vp - s * (vq + halves[t] * vp));
            set_w(at_q, vq + s * (vp - halves[t] * vq));
          }`,
      )
    }
        ${sync(small)}
      }`,
    finish: each(
      "i",
      "P.n",
      wgsl`
        let value = w(i * P.order + i);
        var place = 0u;
        for (var j = 0u; j < P.n; j++) {
          let other = w(j * P.order + j);
          if (other < value || (other == value && j < i)) { place++; }
        }
        put_values(p_values + place * P.values_step, value * w(P.state));
        for (var k = 0u; k < P.n; k++) {
          put_vectors(p_vectors + k * P.vectors_row + place * P.vectors_column, w(P.square + i * P.order + k));
        }`,
    ),
  });
}

/**
 * Rotations from one side make the columns of A orthogonal: A V = W. Their lengths are the singular values, what is left of
 * them U. A wide matrix is taken as its transpose. Columns of length 0, and those that a full U has more, are found one
 * after another: the unit vector that lies least in the columns before, less what lies in them.
 */
function svd(
  limits: GpuLimits,
  x: Operand,
  u: Operand,
  s: Operand,
  vh: Operand,
): GpuDispatch | null {
  if (isInPlace([u, s, vh], [x])) return null;
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const wide = rows < columns;
  const [m, n] = wide ? [columns, rows] : [rows, columns];
  checkSize("svd", x, n);
  const order = n + n % 2;
  checkElements(x, m, n, wide ? vh.shape.at(-2)! : u.shape.at(-1)!);
  const made = wide ? vh.shape.at(-2)! : u.shape.at(-1)!; // columns of what has the longer ones
  const start = { v: order * m, lengths: order * (m + n) };
  const [places, dots] = [start.lengths + n, start.lengths + 2 * n];
  const state = dots + made;
  const size = state + STATE;
  const teams = Math.min(WORKGROUP, 2 ** Math.ceil(Math.log2(Math.max(1, order / 2))));
  const lanes = WORKGROUP / teams; // invocations of a pair
  const shares = (elements: number): number => Math.ceil(elements / WORKGROUP);
  const cost = {
    size,
    rounds: order - 1,
    roundCost: 1 +
      Math.ceil(order / 2 / teams) * (1 + Math.log2(lanes) + Math.ceil(2 * m / lanes) + Math.ceil(n / lanes)),
    complete: {
      text: completeText,
      count: made,
      cost: 12 + 3 * shares(m) * (made + 2) + 2 * Math.ceil(made / DOTS) * (Math.ceil(m / DOTS) + 6),
    },
  };
  const small = isSmall(cost);
  const [down, across] = wide ? [-1, -2] : [-2, -1];
  const [left, right] = wide ? [vh, u] : [u, vh];
  const tree = lanes > 1 && wgsl`
    for (var step = ${lanes / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (mine < step) {
        fold_a[lane] += fold_a[lane + step];
        fold_b[lane] += fold_b[lane + step];
        fold_c[lane] += fold_c[lane + step];
      }
    }`;
  return perform(limits, {
    ...cost,
    op: "svd",
    x,
    results: { left, s, right },
    batch: x.shape.slice(0, -2),
    key: `${lanes}`,
    uniforms: (draft) =>
      void draft.u32("m", m).u32("n", n).u32("order", order).u32("pairs", order / 2).u32("made", made)
        .u32("v", start.v).u32("lengths", start.lengths).u32("places", places).u32("dots", dots).u32(
          "state",
          state,
        )
        .u32("x_row", x.strides.at(down)!).u32("x_column", x.strides.at(across)!)
        .u32("left_row", left.strides.at(down)!).u32("left_column", left.strides.at(across)!)
        .u32("right_row", right.strides.at(down)!).u32("right_column", right.strides.at(across)!)
        .u32("s_step", s.strides.at(-1)!).f32("strict", 2 * EPSILON * Math.sqrt(m)),
    globals: wgsl`
      var<workgroup> fold_b: array<f32, ${WORKGROUP}>;
      var<workgroup> fold_c: array<f32, ${WORKGROUP}>;`,
    load: wgsl`
      ${SCALE_TEXT}
      var squares = 0.0;
      ${
      each(
        "e",
        "P.order * P.m",
        wgsl`
          let i = e % P.m;
          let j = e / P.m;
          var value = 0.0;
          if (finite && j < P.n) { value = get_x(p_x + i * P.x_row + j * P.x_column) / scale; }
          squares += value * value;
          set_w(e, value);`,
      )
    }
      ${each("e", "P.order * P.n", "set_w(P.v + e, select(0.0, 1.0, e / P.n == e % P.n));")}
      squares = fold_sum(lane, squares);
      // Columns below rounding errors of the whole have no direction of their own.
      if (lane == 0u) { set_w(P.state + 1u, squares * ${float(EPSILON ** 2)}); }
      ${sync(small)}`,
    sweep: wgsl`
      let negligible = w(P.state + 1u);
      for (var turn = P.first; turn < min(P.last, P.rounds); turn++) {
        for (var t0 = 0u; t0 < P.pairs; t0 += ${teams}u) {
          let mine = lane % ${lanes}u;
          let t = t0 + lane / ${lanes}u;
          ${pairText("min(t, P.pairs - 1u)", "p", "q")}
          var alpha = 0.0;
          var beta = 0.0;
          var gamma = 0.0;
          for (var k = mine; k < P.m; k += ${lanes}u) {
            let a = w(p * P.m + k);
            let b = w(q * P.m + k);
            alpha += a * a;
            beta += b * b;
            gamma += a * b;
          }
          ${
      lanes > 1 && wgsl`
          fold_a[lane] = alpha;
          fold_b[lane] = beta;
          fold_c[lane] = gamma;
          ${tree}
          workgroupBarrier();
          alpha = fold_a[lane - mine];
          beta = fold_b[lane - mine];
          gamma = fold_c[lane - mine];`
    }
          if (t < P.pairs && min(alpha, beta) > negligible &&
            abs(gamma) > P.strict * sqrt(alpha) * sqrt(beta)) {
            let zeta = (beta - alpha) / (2.0 * gamma);
            let tangent = select(1.0, -1.0, zeta < 0.0) / (abs(zeta) + sqrt(zeta * zeta + 1.0));
            let cosine = 1.0 / sqrt(tangent * tangent + 1.0);
            let sine = cosine * tangent;
            let half = sine / (1.0 + cosine); // as in eigh
            for (var k = mine; k < P.m; k += ${lanes}u) {
              let a = w(p * P.m + k);
              let b = w(q * P.m + k);
              set_w(p * P.m + k, a - sine * (b + half * a));
              set_w(q * P.m + k, b + sine * (a - half * b));
            }
            for (var k = mine; k < P.n; k += ${lanes}u) {
              let a = w(P.v + p * P.n + k);
              let b = w(P.v + q * P.n + k);
              set_w(P.v + p * P.n + k, a - sine * (b + half * a));
              set_w(P.v + q * P.n + k, b + sine * (a - half * b));
            }
            atomicStore(&turned, 1u);
          }
          ${sync(small)}
        }
      }`,
    finish: wgsl`
      for (var i = 0u; i < P.n; i++) {
        var squares = 0.0;
        ${
      each(
        "k",
        "P.m",
        wgsl`
          let part = w(i * P.m + k);
          squares += part * part;`,
      )
    }
        squares = fold_sum(lane, squares);
        if (lane == 0u) { set_w(P.lengths + i, sqrt(squares)); }
      }
      if (lane == 0u) { atomicStore(&turned, 0u); }
      ${sync(small)}
      let least = sqrt(w(P.state + 1u));
      ${
      each(
        "i",
        "P.n",
        wgsl`
          let length = w(P.lengths + i);
          var place = 0u;
          for (var j = 0u; j < P.n; j++) {
            let other = w(P.lengths + j);
            if (other > length || (other == length && j < i)) { place++; }
          }
          put_s(p_s + place * P.s_step, length * w(P.state));
          set_w(P.places + i, f32(place));
          if (length > least) { atomicAdd(&turned, 1u); }`,
      )
    }
      ${sync(small)}
      if (lane == 0u) { set_w(P.state + 4u, f32(atomicLoad(&turned))); }
      ${
      each(
        "e",
        "P.n * P.n",
        wgsl`
          let place = u32(w(P.places + e / P.n));
          put_right(p_right + place * P.right_row + e % P.n * P.right_column, w(P.v + e));`,
      )
    }
      ${
      each(
        "e",
        "P.n * P.m",
        wgsl`
          let length = w(P.lengths + e / P.m);
          let place = u32(w(P.places + e / P.m));
          if (length > least) {
            put_left(p_left + e % P.m * P.left_row + place * P.left_column, w(e) / length);
          }`,
      )
    }`,
  });
}

/** Scalar products that are made side by side, with as many invocations each. */
const DOTS = 16;

const LEFT = (row: string, column: string): string =>
  `p_left + ${row} * P.left_row + ${column} * P.left_column`;

/** Columns of the left factor from `known` on: of the unit vectors the one that lies least in the columns before. */
const completeText = wgsl`
  for (var c = max(known, P.first); c < min(P.last, P.made); c++) {
    var best = 3.0e38;
    var place = 0u;
    ${
  each(
    "i",
    "P.m",
    wgsl`
      var held = 0.0;
      for (var j = 0u; j < c; j++) {
        let part = get_left(${LEFT("i", "j")});
        held += part * part;
      }
      if (held < best) {
        best = held;
        place = i;
      }`,
  )
}
    fold_b[lane] = best;
    fold_c[lane] = f32(place);
    for (var step = ${WORKGROUP / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step && fold_b[lane + step] < fold_b[lane]) {
        fold_b[lane] = fold_b[lane + step];
        fold_c[lane] = fold_c[lane + step];
      }
    }
    workgroupBarrier();
    place = u32(fold_c[0]);
    ${each("i", "P.m", `put_left(${LEFT("i", "c")}, select(0.0, 1.0, i == place));`)}
    // The second pass takes away what the first one left by rounding.
    for (var pass_number = 0u; pass_number < 2u; pass_number++) {
      ${sync(false)}
      for (var j0 = 0u; j0 < c; j0 += ${DOTS}u) {
        let j = j0 + lane / ${DOTS}u;
        var sum = 0.0;
        if (j < c) {
          for (var i = lane % ${DOTS}u; i < P.m; i += ${WORKGROUP / DOTS}u) {
            sum += get_left(${LEFT("i", "j")}) * get_left(${LEFT("i", "c")});
          }
        }
        fold_a[lane] = sum;
        for (var step = ${WORKGROUP / DOTS / 2}u; step > 0u; step >>= 1u) {
          workgroupBarrier();
          if (lane % ${DOTS}u < step) { fold_a[lane] += fold_a[lane + step]; }
        }
        if (lane % ${DOTS}u == 0u && j < c) { set_w(P.dots + j, fold_a[lane]); }
        ${sync(false)}
      }
      ${
  each(
    "i",
    "P.m",
    wgsl`
      var value = get_left(${LEFT("i", "c")});
      for (var j = 0u; j < c; j++) { value -= w(P.dots + j) * get_left(${LEFT("i", "j")}); }
      put_left(${LEFT("i", "c")}, value);`,
  )
}
    }
    var squares = 0.0;
    ${
  each(
    "i",
    "P.m",
    wgsl`
      let part = get_left(${LEFT("i", "c")});
      squares += part * part;`,
  )
}
    let length = sqrt(fold_sum(lane, squares));
    ${each("i", "P.m", `put_left(${LEFT("i", "c")}, get_left(${LEFT("i", "c")}) / length);`)}
    ${sync(false)}
  }`;

/** What the walk over the elements, and that over the columns of a full factor, may cost. */
function checkElements(x: Operand, m: number, n: number, made: number): void {
  if (m * n > MOST_ELEMENTS) {
    throw new DeviceError(
      `Cannot svd ${formatType(x)} on webgpu: a matrix must have at most ${MOST_ELEMENTS} elements, got ${
        m * n
      }; compute on the CPU, as in x.to("cpu")`,
    );
  }
  if (made > n && m > MOST_COMPLETED) {
    throw new DeviceError(
      `Cannot svd ${
        formatType(x)
      } on webgpu: full matrices must have at most ${MOST_COMPLETED} rows, got ${m}; ask for reduced ones, as in ` +
        `svd(x, { fullMatrices: false })`,
    );
  }
}

/** The factorizations by rotations. Working copies are twice as large as the matrices, or three times. */
export function spectralKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, SpectralName> {
  const parts = { ...limits, maxBindingBytes: limits.maxBindingBytes / 4 };
  const batches = (x: Operand): number[] => x.shape.slice(0, -2).map((_, d) => d);
  return {
    eigh: ([x], outputs) =>
      inParts(
        parts,
        [x, ...outputs],
        batches(x),
        ([x, values, vectors]) => eigh(limits, x!, values!, vectors!),
      ),
    svd: ([x], outputs) =>
      inParts(parts, [x, ...outputs], batches(x), ([x, u, s, vh]) => svd(limits, x!, u!, s!, vh!)),
  };
}
