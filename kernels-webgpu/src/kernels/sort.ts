/**
 * Sorting networks (Batcher 1968) and binary search.
 *
 * Values become unsigned keys in their order, NaN last; a key goes with its place, and of equal keys the earlier place comes
 * first, so the order is stable. Lines that fit are sorted in workgroup memory; longer ones in blocks, which are then merged.
 *
 * @module
 */

import { int32, type KernelTable, type Operand } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { computed } from "../element.ts";
import { count, isInPlace, loopUniforms, melt, placesText, stepsIn } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { allBut, inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { written } from "./gemm.ts";

type SortName = "sort" | "topk" | "searchsorted";

/** Elements that are sorted in workgroup memory. */
const BLOCK = 1024;

/** `key_of(x)`: larger for what comes later. */
function keyText(type: "f32" | "i32", descending: boolean): string {
  const flip = descending ? "~" : "";
  if (type === "i32") {
    return `fn key_of(x: i32) -> u32 { return ${flip}(bitcast<u32>(x) ^ 0x80000000u); }`;
  }
  return wgsl`
    fn key_of(x: f32) -> u32 {
      var bits = bitcast<u32>(x);
      if (bits == 0x80000000u) { bits = 0u; }
      let key = select(bits ^ 0x80000000u, ~bits, (bits >> 31u) == 1u);
      return ${flip}select(key, 0xffffffffu, m_isnan(x));
    }`;
}

const AFTER = wgsl`
  fn is_after(key: u32, place: u32, other: u32, other_place: u32) -> bool {
    return key > other || (key == other && place > other_place);
  }`;

/** One step of a network over `size` elements in workgroup memory; `base` is the number of the first. */
function exchange(lanes: number, size: number): string {
  return wgsl`
    for (var e = lane; e < ${size / 2}u; e += ${lanes}u) {
      let low = 2u * e - (e & (j - 1u));
      let high = low + j;
      let up = ((base + low) & k) == 0u;
      if (is_after(keys[low], places[low], keys[high], places[high]) == up) {
        let key = keys[low];
        keys[low] = keys[high];
        keys[high] = key;
        let place = places[low];
        places[low] = places[high];
        places[high] = place;
      }
    }
    workgroupBarrier();`;
}

/** The lines of input and results along `dim`. */
function lineLoops(
  draft: Draft,
  names: readonly string[],
  operands: readonly Operand[],
  dim: number,
): number {
  const { shape } = operands[0]!;
  const others = shape.map((_, d) => d).filter((d) => d !== dim);
  const loops = melt(others.map((d) => shape[d]!), operands.map((x) => others.map((d) => x.strides[d]!)));
  operands.forEach((x, q) => draft.u32(`${names[q]}_step`, x.strides[dim]!));
  loopUniforms(draft, "", names, loops);
  return loops.sizes.length;
}

function sortLines(
  limits: GpuLimits,
  op: "sort" | "topk",
  x: Operand,
  values: Operand,
  indices: Operand,
  dim: number,
  descending: boolean,
): GpuDispatch | null {
  if (isInPlace([values, indices], [x])) return null;
  const length = x.shape[dim]!;
  const lines = count(x.shape) / length;
  const size = 2 ** Math.ceil(Math.log2(Math.max(length, 2)));
  return size <= BLOCK
    ? sortShort(limits, op, x, values, indices, dim, descending, lines, size)
    : sortLong(limits, op, x, values, indices, dim, descending, lines, size);
}

function sortShort(
  limits: GpuLimits,
  op: "sort" | "topk",
  x: Operand,
  values: Operand,
  indices: Operand,
  dim: number,
  descending: boolean,
  lines: number,
  size: number,
): GpuDispatch | null {
  const type = computed(x.dtype);
  const lanes = Math.min(WORKGROUP, Math.max(32, size / 2));
  const names = ["x", "v", "p"];
  const draft = new Draft(op, limits).u32("lines", lines).u32("length", x.shape[dim]!)
    .u32("kept", values.shape[dim]!)
    .bind("x", x, { as: "read" }).bind("v", values, { as: written(values) }).bind("p", indices, {
      as: "write",
    });
  const rank = lineLoops(draft, names, [x, values, indices], dim);
  return draft.step(`${size}|${rank}|${descending}`, grid(lines), () =>
    wgsl`
      var<workgroup> keys: array<u32, ${size}>;
      var<workgroup> places: array<u32, ${size}>;

      ${keyText(type, descending)}
      ${AFTER}

      ${
      mainOf(
        lanes,
        wgsl`
          if (group >= P.lines) { return; }
          ${placesText(rank, "", names, "group")}
          let base = 0u;
          for (var e = lane; e < ${size}u; e += ${lanes}u) {
            var key = 0xffffffffu;
            if (e < P.length) { key = key_of(get_x(p_x + e * P.x_step)); }
            keys[e] = key;
            places[e] = e;
          }
          workgroupBarrier();
          for (var k = 2u; k <= ${size}u; k <<= 1u) {
            for (var j = k >> 1u; j > 0u; j >>= 1u) {
              ${exchange(lanes, size)}
            }
          }
          for (var e = lane; e < P.kept; e += ${lanes}u) {
            put_v(p_v + e * P.v_step, get_x(p_x + places[e] * P.x_step));
            put_p(p_p + e * P.p_step, bitcast<i32>(places[e]));
          }
        `,
      )
    }
    `);
}

function sortLong(
  limits: GpuLimits,
  op: "sort" | "topk",
  x: Operand,
  values: Operand,
  indices: Operand,
  dim: number,
  descending: boolean,
  lines: number,
  size: number,
): GpuDispatch | null {
  const type = computed(x.dtype);
  const total = lines * size;
  const scratch = [new Scratch(total * 4), new Scratch(total * 4)];
  const [keys, places] = scratch.map((buffer): Operand => ({
    buffer,
    dtype: int32,
    shape: [total],
    strides: [1],
    offset: 0,
  }));
  const length = x.shape[dim]!;
  const draftOf = (): Draft => new Draft(op, limits).u32("total", total).u32("size", size);
  const bindBoth = (draft: Draft): Draft =>
    draft.bind("keys", keys!, { as: "write", raw: true }).bind("places", places!, { as: "write", raw: true });

  const load = bindBoth(draftOf().u32("n", total).u32("length", length).bind("x", x, { as: "read" }));
  const loadRank = lineLoops(load, ["x"], [x], dim);
  const steps: (GpuDispatch | null)[] = [
    load.step(`load|${loadRank}|${descending}`, grid(Math.ceil(total / WORKGROUP)), () =>
      wgsl`
        ${keyText(type, descending)}

        ${
        mainOver(wgsl`
          let line = i / P.size;
          let e = i % P.size;
          ${placesText(loadRank, "", ["x"], "line")}
          var key = 0xffffffffu;
          if (e < P.length) { key = key_of(get_x(p_x + e * P.x_step)); }
          put_keys(i, key);
          put_places(i, e);
        `)
      }
      `),
  ];
  // Steps of the network that stay within a block run in workgroup memory, together.
  const inBlocks = (from: number, to: number): void => {
    steps.push(
      bindBoth(draftOf().u32("first_k", from).u32("last_k", to)).step(
        "blocks",
        grid(total / BLOCK),
        () =>
          wgsl`
          var<workgroup> keys: array<u32, ${BLOCK}>;
          var<workgroup> places: array<u32, ${BLOCK}>;

          ${AFTER}

          ${
            mainOf(
              WORKGROUP,
              wgsl`
              if (group >= P.total / ${BLOCK}u) { return; }
              let start = group * ${BLOCK}u;
              let base = start % P.size;
              for (var e = lane; e < ${BLOCK}u; e += ${WORKGROUP}u) {
                keys[e] = get_keys(start + e);
                places[e] = get_places(start + e);
              }
              workgroupBarrier();
              for (var k = P.first_k; k <= P.last_k; k <<= 1u) {
                for (var j = min(k >> 1u, ${BLOCK / 2}u); j > 0u; j >>= 1u) {
                  ${exchange(WORKGROUP, BLOCK)}
                }
              }
              for (var e = lane; e < ${BLOCK}u; e += ${WORKGROUP}u) {
                put_keys(start + e, keys[e]);
                put_places(start + e, places[e]);
              }
            `,
            )
          }
        `,
      ),
    );
  };
  inBlocks(2, BLOCK);
  for (let k = 2 * BLOCK; k <= size; k *= 2) {
    for (let j = k / 2; j >= BLOCK; j /= 2) {
      steps.push(
        bindBoth(draftOf().u32("n", total / 2).u32("k", k).u32("j", j))
          .step("step", grid(Math.ceil(total / 2 / WORKGROUP)), () =>
            wgsl`
              ${AFTER}

              ${
              mainOver(wgsl`
                let low = 2u * i - (i & (P.j - 1u));
                let high = low + P.j;
                let up = ((low % P.size) & P.k) == 0u;
                let key = get_keys(low);
                let place = get_places(low);
                let other = get_keys(high);
                let other_place = get_places(high);
                if (is_after(key, place, other, other_place) == up) {
                  put_keys(low, other);
                  put_places(low, other_place);
                  put_keys(high, key);
                  put_places(high, place);
                }
              `)
            }
            `),
      );
    }
    inBlocks(k, k);
  }
  const kept = values.shape[dim]!;
  const names = ["x", "v", "p"];
  const out = draftOf().u32("n", lines * kept).u32("kept", kept).bind("x", x, { as: "read" })
    .bind("places", places!, { as: "read", raw: true })
    .bind("v", values, { as: written(values) }).bind("p", indices, { as: "write" });
  const outRank = lineLoops(out, names, [x, values, indices], dim);
  steps.push(out.step(`store|${outRank}`, grid(Math.ceil(lines * kept / WORKGROUP)), () =>
    mainOver(wgsl`
      let line = i / P.kept;
      let e = i % P.kept;
      ${placesText(outRank, "", names, "line")}
      let place = get_places(line * P.size + e);
      put_v(p_v + e * P.v_step, get_x(p_x + place * P.x_step));
      put_p(p_p + e * P.p_step, bitcast<i32>(place));
    `)));
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}

/** Number of leading elements that come before a value: those below it, with `right` also those equal to it. */
function searchsorted(
  limits: GpuLimits,
  sorted: Operand,
  values: Operand,
  o: Operand,
  right: boolean,
): GpuDispatch | null {
  const type = computed(sorted.dtype);
  const n = count(o.shape);
  const last = sorted.shape.length - 1;
  const lines = last === 0 ? o.shape.map(() => 0) : [
    ...stepsIn(
      { shape: sorted.shape.slice(0, -1), strides: sorted.strides.slice(0, -1) },
      o.shape.slice(0, -1),
    ),
    0,
  ];
  const loops = melt(o.shape, [lines, values.strides, o.strides]);
  const names = ["s", "v", "o"];
  const draft = new Draft("searchsorted", limits).u32("n", n).u32("length", sorted.shape[last]!)
    .u32("s_step", sorted.strides[last]!)
    .bind("s", sorted, { as: "read" }).bind("v", values, { as: "read" }).bind("o", o, { as: written(o) });
  loopUniforms(draft, "", names, loops);
  // right: go left while here > value; else while here >= value. NaN is neither, and goes to the end.
  const stays = type === "f32" ? `m_${right ? "lt" : "le"}(value, here)` : `value ${right ? "<" : "<="} here`;
  return draft.step(`${loops.sizes.length}|${right}`, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      ${placesText(loops.sizes.length, "", names, "i")}
      let value = get_v(p_v);
      var low = 0u;
      var high = P.length;
      while (low < high) {
        let middle = (low + high) >> 1u;
        let here = get_s(p_s + middle * P.s_step);
        if (${stays}) { high = middle; } else { low = middle + 1u; }
      }
      put_o(p_o, bitcast<i32>(low));
    `));
}

/** The kernels of sorting and searching. */
export function sortKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, SortName> {
  // Keys and places of long lines, filled up to a power of two, are in memory of their own: twice as much at most.
  const inLines = (
    op: "sort" | "topk",
    x: Operand,
    outputs: readonly [Operand, Operand],
    dim: number,
    descending: boolean,
  ): GpuDispatch | null =>
    inParts(
      { ...limits, maxBindingBytes: limits.maxBindingBytes / (8 / x.dtype.itemsize) },
      [x, ...outputs],
      allBut(x, dim),
      ([x, values, indices]) => sortLines(limits, op, x!, values!, indices!, dim, descending),
    );
  return {
    sort: ([x], outputs, { dim, descending }) => inLines("sort", x, outputs, dim, descending),
    topk: ([x], outputs, { dim, largest }) => inLines("topk", x, outputs, dim, largest),
    searchsorted: ([sorted, values], o, { right }) => {
      const last = sorted.shape.length - 1;
      return last === 0
        ? inParts(
          limits,
          [values, o],
          values.shape.map((_, d) => d),
          ([values, o]) => searchsorted(limits, sorted, values!, o!, right),
        )
        : inParts(
          limits,
          [sorted, values, o],
          allBut(sorted, last),
          ([sorted, values, o]) => searchsorted(limits, sorted!, values!, o!, right),
        );
    },
  };
}
