/**
 * Convolutions with one input channel in each group, without products of matrices: there is nothing to share between channels.
 *
 * - Result and gradient for the input: an invocation makes four rows of one column, so neighbours read and write along the
 *   width, and what is read for a tap of one row serves the taps of the others. The weight of a tap is read once for all
 *   four, at one place for all neighbours.
 * - Gradient for the weight: a workgroup has a few columns of taps of one channel. Its invocations share the places of the
 *   results, four rows at a time, keep a sum for each tap, and add up in workgroup memory. Long sums are made in parts, which
 *   are added in order.
 *
 * @module
 */

import { contiguousStrides, float32, type Operand, type Shape } from "@flambeau/core";
import { BUDGET } from "../../budget.ts";
import { type GpuDispatch, Sequence } from "../../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../../draft.ts";
import { count } from "../../geometry.ts";
import { Scratch } from "../../memory.ts";
import { wgsl } from "../../wgsl.ts";
import { upTo } from "../gemm/text.ts";
import { sumOfParts } from "../reduce.ts";
import { bindResult, type Epilogue } from "../gemm/product.ts";
import { type Geometry, sizes } from "./geometry.ts";
import { unpack } from "./loaders.ts";

/** Rows of a column that an invocation makes. */
const ROWS = 4;
/** Values in registers for these rows: windows that are taller, or sparser, are walked row by row. */
const MOST_ROWS = 24;
/** Taps of the window that a workgroup sums for: a sum for each is in registers, and all of them in workgroup memory. */
const MOST_TAPS = 12;
/** Workgroups that are enough for a large GPU, and the most places that one sums over. */
const ENOUGH = 512;
const LONGEST = 2 ** 18;

/** True where a convolution is computed here. */
export function isDepthwise({ groups, inside, outside, kernelSize }: Geometry): boolean {
  return groups > 1 && inside === 1 && outside * count(kernelSize) <= BUDGET;
}

/** What differs between the result and the gradient for the input. */
interface Direct {
  readonly op: "conv" | "convInputGrad";
  /** What is moved over: its name in the text, and the uniforms of its sizes. */
  readonly source: Operand;
  readonly name: "x" | "g";
  readonly size: "in" | "out";
  /** Sizes of what is made, by their uniforms. */
  readonly made: "in" | "out";
  readonly channels: number;
  /** How a place of the source follows from a place `o` of what is made and a tap: with the stride, or against it. */
  readonly way: "windows" | "unit" | "strided" | "dilated";
}

/** The place of the source in dimension `d`, as statements that define `y<d>` and as a condition under which there is none. */
function sourceOf(way: Direct["way"], size: string, d: number): { lines: string; outside: string } {
  const [place, tap] = [`o${d}`, `t${d} * P.dil${d}`];
  if (way === "windows") {
    return {
      lines: `let y${d} = ${place} * P.step${d} + ${tap} - P.pad${d};`,
      outside: `y${d} >= P.${size}${d}`,
    };
  }
  if (way === "unit") {
    return { lines: `let y${d} = ${place} + P.pad${d} - ${tap};`, outside: `y${d} >= P.${size}${d}` };
  }
  return {
    lines: wgsl`
      let s${d} = ${place} + P.pad${d} - ${tap};
      let y${d} = s${d} / P.step${d};`,
    outside: `bitcast<i32>(s${d}) < 0 || y${d} >= P.${size}${d}${
      way === "dilated" ? ` || s${d} % P.step${d} != 0u` : ""
    }`,
  };
}

/** The last dimension but one, whose taps are written out: rows of the source that are read, for each row and tap one. */
interface Block {
  readonly d: number;
  readonly taps: number;
  /** Rows of the source from one row to the next, and from one tap to the next. */
  readonly byRow: number;
  readonly byTap: number;
  readonly reads: readonly number[];
}

function blockOf({ kernelSize, attrs }: Geometry, way: Direct["way"]): Block | null {
  const d = kernelSize.length - 2;
  if (d < 0 || way === "strided" || way === "dilated") return null;
  const taps = kernelSize[d]!;
  const byRow = way === "windows" ? attrs.stride[d]! : 1;
  const byTap = way === "windows" ? attrs.dilation[d]! : -attrs.dilation[d]!;
  if (taps > MOST_ROWS) return null;
  const all = upTo(ROWS).flatMap((row) => upTo(taps).map((tap) => row * byRow + tap * byTap));
  const reads = [...new Set(all)].sort((a, b) => a - b);
  return reads.length > MOST_ROWS ? null : { d, taps, byRow, byTap, reads };
}

/** The number of the value that a row needs for a tap. */
function indexOf({ byRow, byTap, reads }: Block, row: number, tap: number): number {
  return reads.indexOf(row * byRow + tap * byTap);
}

/** Statements that read all rows of a block of column `at`, which begins at row `top`, into `v_0`, `v_1`, … */
function readsOf({ d, reads }: Block, name: string, size: "in" | "out", at: string): string {
  return wgsl`${
    reads.map((by, i) =>
      wgsl`
      let y_${i} = top ${by < 0 ? "-" : "+"} ${Math.abs(by)}u;
      var v_${i} = 0.0;
      if (y_${i} < P.${size}${d}) { v_${i} = get_${name}(${at} + y_${i} * P.${name}${d + 2}); }`
    )
  }`;
}

function keyOf(block: Block | null): string {
  return block === null ? "" : ` ${block.taps}:${block.byRow}:${block.byTap}`;
}

function direct(
  limits: GpuLimits,
  w: Operand,
  o: Operand,
  geometry: Geometry,
  parts: Direct,
  epilogue: Epilogue | null,
): GpuDispatch | null {
  const { op, source, name, size, made, channels, way } = parts;
  const rank = geometry.kernelSize.length;
  const block = blockOf(geometry, way);
  const places = o.shape.slice(2);
  if (block !== null) places[block.d] = Math.ceil(places[block.d]! / ROWS);
  const n = geometry.images * channels * count(places);
  const draft = new Draft(epilogue === null ? op : `${op}, ${epilogue.op}`, limits).u32("n", n).u32(
    "channels",
    channels,
  );
  draft.bind(name, source, { as: "read" }).bind("w", w, { as: "read" });
  bindResult(draft, o, false, epilogue);
  draft.list(name, source.strides).list("w", w.strides).list("o", o.strides);
  if (block !== null) draft.u32("blocks", places[block.d]!);
  sizes(draft, geometry);
  const key = `depthwise ${rank} ${way}${keyOf(block)}${epilogue === null ? "" : `|${epilogue.key}`}`;
  const isSum = op === "convInputGrad";
  return draft.step(key, grid(Math.ceil(n / WORKGROUP)), () => {
    const dims = upTo(rank).filter((d) => d !== block?.d);
    const inner = block === null ? `c_0 += get_${name}(at) * get_w(weight_at);` : wgsl`
        ${upTo(block.taps).map((tap) => `let w_${tap} = get_w(weight_at + ${tap}u * P.w${block.d + 2});`)}
        ${readsOf(block, name, size, "at")}
        ${
      upTo(block.taps).map((tap) =>
        upTo(ROWS).map((row) => `c_${row} += v_${indexOf(block, row, tap)} * w_${tap};`)
      )
    }`;
    const walk = dims.reduceRight(
      (body, d) => {
        const { lines, outside } = sourceOf(way, size, d);
        // Without dilation every tap that reaches a window comes a stride after the one before it.
        const [start, by] = way === "strided"
          ? [`(o${d} + P.pad${d}) % P.step${d}`, `P.step${d}`]
          : ["0u", "1u"];
        return wgsl`
        for (var t${d} = ${start}; t${d} < P.tap${d}; t${d} += ${by}) {
          ${lines}
          if (${outside}) { continue; }
          ${body}
        }`;
      },
      wgsl`
      let at = source_at + ${dims.map((d) => `y${d} * P.${name}${d + 2}`).join(" + ")};
      let weight_at = first + ${dims.map((d) => `t${d} * P.w${d + 2}`).join(" + ")};
      ${inner}`,
    );
    const main = mainOf(
      WORKGROUP,
      wgsl`
        let i = group * ${WORKGROUP}u + lane;
        if (i >= P.n) { return; }
        ${unpack(rank, "i", (d) => d === block?.d ? "P.blocks" : `P.${made}${d}`, "o")}
        let image = o / P.channels;
        let channel = o % P.channels;
        ${
        block !== null && wgsl`
          let row = o${block.d} * ${ROWS}u;
          let top = row${block.byRow === 1 ? "" : ` * ${block.byRow}u`} ${
          way === "windows" ? "-" : "+"
        } P.pad${block.d};`
      }
        ${upTo(block === null ? 1 : ROWS).map((r) => `var c_${r} = 0.0;`)}
        ${
        isSum
          ? wgsl`
          for (var j = 0u; j < P.outside; j++) {
            let source_at = image * P.${name}0 + (channel * P.outside + j) * P.${name}1;
            let first = (channel * P.outside + j) * P.w0;
            ${walk}
          }`
          : wgsl`
          let source_at = image * P.${name}0 + channel / P.outside * P.${name}1;
          let first = channel * P.w0;
          ${walk}`
      }
        let to = image * P.o0 + channel * P.o1 + ${dims.map((d) => `o${d} * P.o${d + 2}`).join(" + ")};
        ${
        block === null
          ? "put_o(to, c_0);"
          : upTo(ROWS).map((r) =>
            `if (row + ${r}u < P.${made}${block.d}) { put_o(to + (row + ${r}u) * P.o${
              block.d + 2
            }, c_${r}); }`
          )
      }`,
    );
    return wgsl`
      ${epilogue !== null && epilogue.text(false)}

      ${main}
    `;
  });
}

/** The result of a convolution with one input channel in each group. */
export function depthwise(
  limits: GpuLimits,
  x: Operand,
  w: Operand,
  o: Operand,
  geometry: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  return direct(limits, w, o, geometry, {
    op: "conv",
    source: x,
    name: "x",
    size: "in",
    made: "out",
    channels: geometry.groups * geometry.outside,
    way: "windows",
  }, epilogue);
}

/** Its gradient for the input. */
export function depthwiseInputGrad(
  limits: GpuLimits,
  g: Operand,
  w: Operand,
  o: Operand,
  geometry: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const { stride, dilation } = geometry.attrs;
  const unit = stride.every((step) => step === 1);
  const isDilated = stride.some((step, d) => step > 1 && dilation[d]! > 1);
  return direct(limits, w, o, geometry, {
    op: "convInputGrad",
    source: g,
    name: "g",
    size: "out",
    made: "in",
    channels: geometry.groups,
    way: unit ? "unit" : isDilated ? "dilated" : "strided",
  }, epilogue);
}

/** Its gradient for the weight. */
export function depthwiseWeightGrad(
  limits: GpuLimits,
  g: Operand,
  x: Operand,
  o: Operand,
  geometry: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const { images, kernelSize } = geometry;
  const rank = kernelSize.length;
  const last = rank - 1;
  const found = blockOf(geometry, "windows");
  const block = found !== null && found.taps <= MOST_TAPS ? found : null;
  const high = block?.taps ?? 1;
  const places = [...geometry.outputSize];
  if (block !== null) places[block.d] = Math.ceil(places[block.d]! / ROWS);
  const depth = images * count(places);
  const threads = depth <= 1024 ? 64 : WORKGROUP;
  const wide = Math.min(kernelSize[last]!, Math.floor(MOST_TAPS / high));
  const chunks = Math.ceil(kernelSize[last]! / wide);
  const outer = upTo(last).filter((d) => d !== block?.d);
  const cells = o.shape[0]! * outer.reduce((n, d) => n * kernelSize[d]!, 1) * chunks;
  const size = count(o.shape);
  const parts = Math.max(
    1,
    Math.ceil(depth / LONGEST),
    Math.min(Math.ceil(ENOUGH / cells), Math.floor(depth / (4 * threads))),
  );
  const shape = [parts, ...o.shape];
  const scratch = new Scratch(parts * size * 4);
  const strides = contiguousStrides(shape);
  const partial: Operand = { buffer: scratch, dtype: float32, shape, strides, offset: 0 };
  const into = parts === 1 ? o : partial;
  const steps: Shape = parts === 1 ? o.strides : strides.slice(1);
  const groups = cells * parts;
  const op = `convWeightGrad${parts > 1 || epilogue === null ? "" : `, ${epilogue.op}`}`;
  const draft = new Draft(op, limits)
    .u32("groups", groups).u32("cells", cells).u32("chunks", chunks)
    .u32("depth", depth).u32("piece", Math.ceil(depth / parts)).u32("apart", parts === 1 ? 0 : size);
  draft.bind("g", g, { as: "read" }).bind("x", x, { as: "read" });
  bindResult(draft, into, false, parts === 1 ? epilogue : null);
  draft.list("g", g.strides).list("x", x.strides).list("o", steps);
  if (block !== null) draft.u32("blocks", places[block.d]!);
  sizes(draft, geometry);
  const key = `depthwise ${rank} ${wide} ${threads}${keyOf(block)}${
    parts > 1 || epilogue === null ? "" : `|${epilogue.key}`
  }`;
  const step = draft.step(key, grid(groups), () => {
    const taps = high * wide;
    const near = outer.map((d) => `y${d} < P.in${d}`).join(" && ") || "true";
    const column = (j: number): string =>
      block === null
        ? `if (p_${j} < P.in${last}) { c_${j} += value * get_x(at + p_${j} * P.x${last + 2}); }`
        : wgsl`
          if (p_${j} < P.in${last}) {
            let over = at + p_${j} * P.x${last + 2};
            ${readsOf(block, "x", "in", "over")}
            ${
          upTo(ROWS).map((row) =>
            wgsl`
            if (row + ${row}u < P.out${block.d}) {
              ${upTo(high).map((tap) => `c_${tap * wide + j} += g_${row} * v_${indexOf(block, row, tap)};`)}
            }`
          )
        }
          }`;
    return wgsl`
      ${parts === 1 && epilogue !== null && epilogue.text(false)}
      var<workgroup> sums: array<f32, ${threads * taps}>;

      ${
      mainOf(
        threads,
        wgsl`
          if (group >= P.groups) { return; }
          let part = group / P.cells;
          let first = group % P.cells % P.chunks * ${wide}u;
          let cell = group % P.cells / P.chunks;
          ${unpack(last, "cell", (d) => d === block?.d ? "1u" : `P.tap${d}`, "t")}
          let result = t;
          let channel = result / P.outside * P.x1;
          ${upTo(taps).map((i) => `var c_${i} = 0.0;`)}
          let end = min(P.depth, (part + 1u) * P.piece);
          for (var q = part * P.piece + lane; q < end; q += ${threads}u) {
            ${unpack(rank, "q", (d) => d === block?.d ? "P.blocks" : `P.out${d}`, "o")}
            ${outer.map((d) => sourceOf("windows", "in", d).lines)}
            if (!(${near})) { continue; }
            let from_g = ${
          ["o * P.g0", "result * P.g1", ...[...outer, last].map((d) => `o${d} * P.g${d + 2}`)].join(" + ")
        };
            let at = ${["o * P.x0 + channel", ...outer.map((d) => `y${d} * P.x${d + 2}`)].join(" + ")};
            let start = o${last} * P.step${last} + first * P.dil${last} - P.pad${last};
            ${
          block === null ? "let value = get_g(from_g);" : wgsl`
            let row = o${block.d} * ${ROWS}u;
            let top = row * ${block.byRow}u - P.pad${block.d};
            ${
            upTo(ROWS).map((row) =>
              wgsl`
            var g_${row} = 0.0;
            if (row + ${row}u < P.out${block.d}) { g_${row} = get_g(from_g + (row + ${row}u) * P.g${
                block.d + 2
              }); }`
            )
          }`
        }
            ${upTo(wide).map((j) => `let p_${j} = start + ${j}u * P.dil${last};`)}
            ${upTo(wide).map(column)}
          }
          ${upTo(taps).map((i) => `sums[lane + ${i * threads}u] = c_${i};`)}
          for (var step = ${threads / 2}u; step > 0u; step >>= 1u) {
            workgroupBarrier();
            if (lane < step) {
              ${upTo(taps).map((i) => `sums[lane + ${i * threads}u] += sums[lane + ${i * threads}u + step];`)}
            }
          }
          workgroupBarrier();
          let tap = first + lane % ${wide}u;
          if (lane < ${taps}u && tap < P.tap${last}) {
            let to = ${
          [
            "part * P.apart",
            "result * P.o0",
            ...outer.map((d) => `t${d} * P.o${d + 2}`),
            ...(block === null ? [] : [`lane / ${wide}u * P.o${block.d + 2}`]),
          ].join(" + ")
        };
            put_o(to + tap * P.o${last + 2}, sums[lane * ${threads}u]);
          }`,
      )
    }`;
  });
  if (parts === 1 || step === null) return step;
  const sum = epilogue === null ? sumOfParts(limits, partial, o) : epilogue.sum(partial);
  return sum === null ? null : new Sequence([step, sum], [scratch]);
}
