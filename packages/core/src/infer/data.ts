/**
 * Shape rules of primitives that move, choose or make elements.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { type DType, int32 } from "../dtype.ts";
import { DTypeError, type ShapeError, ValueError } from "../errors.ts";
import type { DataPrimitives, Name, RandomAttrs, ScatterReduce } from "../primitives.ts";
import { checkShape, formatShape, formatType, numelOf, type Shape, shapesEqual } from "../shape.ts";
import {
  broadcastTypes,
  checkDim,
  checkDims,
  checkDType,
  checkIndex,
  checkRank,
  checkShapeIs,
  checkValues,
  type RulesOf,
  shapeError,
  withSize,
} from "./checks.ts";
import { conditionDTypes, inputDTypes, reduceDTypes } from "./dtypes.ts";

/** Rules of the data primitives. */
export const dataRules: RulesOf<DataPrimitives<unknown>> = {
  copy: ([x]) => x,

  cast: ([x], { dtype }) => x.dtype === dtype ? x : { shape: x.shape, dtype },

  where(inputs) {
    const [cond, x, y] = inputs;
    checkDType("where", cond, conditionDTypes, "cond");
    if (x.dtype !== y.dtype) checkValues("where", [x, y]);
    const values = x.shape === y.shape ? x.shape : broadcastTypes("where", x, y);
    const shape = broadcastTypes("where", cond, { shape: values, dtype: x.dtype });
    if (shape === x.shape) return x;
    return shape === y.shape ? y : { shape, dtype: x.dtype };
  },

  concat(inputs, { dim }) {
    const first = inputs[0];
    if (first === undefined) throw new ValueError("Cannot concat nothing: there must be an input, got none");
    checkValues("concat", inputs);
    checkDim("concat", first, dim);
    let size = 0;
    for (const x of inputs) {
      const others = x.shape.length === first.shape.length
        ? withSize(x.shape, dim, first.shape[dim]!)
        : x.shape;
      if (!shapesEqual(others, first.shape)) {
        throw shapeError(
          "concat",
          inputs,
          `ranks must match, and sizes but at dimension ${dim}`,
          `${formatShape(first.shape)} and ${formatShape(x.shape)}`,
        );
      }
      size += x.shape[dim]!;
    }
    return retyped(first, withSize(first.shape, dim, size));
  },

  pad(inputs, { low, high }) {
    const x = inputs[0];
    const rank = x.shape.length;
    const must = (what: string, got: string): ShapeError => shapeError("pad", inputs, what, got);
    const got = `low ${formatShape(low)} and high ${formatShape(high)}`;
    if (low.length !== rank || high.length !== rank) {
      throw must(`low and high must have ${rank} entries`, got);
    }
    return retyped(
      x,
      x.shape.map((size, i) => {
        const padded = size + low[i]! + high[i]!;
        if (!Number.isInteger(padded)) throw must("low and high must be integers", got);
        if (size + Math.min(low[i]!, 0) + Math.min(high[i]!, 0) < 0) {
          throw must(`no more than its ${size} elements can be cut at dimension ${i}`, got);
        }
        return padded;
      }),
    );
  },

  flip(inputs, { dims }) {
    checkDims("flip", inputs[0], dims);
    return inputs[0];
  },

  indexSelect(inputs, { dim }) {
    const [x, index] = inputs;
    checkDim("indexSelect", x, dim);
    checkIndexList("indexSelect", inputs, index);
    return retyped(x, withSize(x.shape, dim, index.shape[0]!));
  },

  indexReduce(inputs, { dim, reduce }) {
    const [x, index, source] = inputs;
    checkCombined("indexReduce", x, source, reduce);
    checkDim("indexReduce", x, dim);
    checkIndexList("indexReduce", inputs, index);
    checkShapeIs("indexReduce", inputs, "source", source, withSize(x.shape, dim, index.shape[0]!));
    return x;
  },

  gather(inputs, { dim }) {
    const [x, index] = inputs;
    checkDim("gather", x, dim);
    checkIndex("gather", index);
    checkFits("gather", inputs, index, x.shape, dim);
    return { shape: index.shape, dtype: x.dtype };
  },

  scatter(inputs, { dim, reduce }) {
    const [x, index, source] = inputs;
    checkCombined("scatter", x, source, reduce);
    checkDim("scatter", x, dim);
    checkIndex("scatter", index);
    checkFits("scatter", inputs, index, x.shape, dim);
    checkFits("scatter", inputs, index, source.shape, -1);
    return x;
  },

  nonzero([x], { count }) {
    if (!Number.isInteger(count) || count < 0 || count > numelOf(x.shape)) {
      throw new ValueError(
        `Cannot nonzero ${formatType(x)}: count must be an integer from 0 to ${
          numelOf(x.shape)
        }, got ${count}`,
      );
    }
    return { shape: [count, x.shape.length], dtype: int32 };
  },

  searchsorted(inputs) {
    const [sorted, values] = inputs;
    checkValues("searchsorted", inputs);
    checkRank("searchsorted", sorted, 1);
    if (sorted.shape.length > 1 && !shapesEqual(sorted.shape.slice(0, -1), values.shape.slice(0, -1))) {
      throw shapeError(
        "searchsorted",
        inputs,
        "sorted must have rank 1 or the leading sizes of values",
        `${formatShape(sorted.shape)} and ${formatShape(values.shape)}`,
      );
    }
    return { shape: values.shape, dtype: int32 };
  },

  full(_, { shape, value, dtype }) {
    checkShape("fill", shape);
    if (dtype.kind === "int") checkFitsInteger(value, dtype);
    return { shape, dtype };
  },

  iota(_, { start, step, size, dtype }) {
    checkShape("iota", [size]);
    checkMade("iota", dtype);
    if (!Number.isFinite(start) || !Number.isFinite(step)) {
      throw new ValueError(`Cannot iota: start and step must be finite, got ${start} and ${step}`);
    }
    return { shape: [size], dtype };
  },

  randomUniform: (_, attrs) => random("randomUniform", attrs),

  randomNormal: (_, attrs) => random("randomNormal", attrs),

  randomInt(_, attrs) {
    const { low, high, dtype } = attrs;
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || !Number.isSafeInteger(high - low)) {
      throw new ValueError(
        `Cannot randomInt: low, high and their difference must be integers below 2^53, got ${low} and ${high}`,
      );
    }
    if (low >= high) throw new ValueError(`Cannot randomInt: low must be below high, got ${low} and ${high}`);
    if (dtype.kind === "int") {
      const [least, end] = integerRange(dtype);
      if (low < least || high > end) {
        throw new ValueError(
          `Cannot randomInt ${dtype.name}: low must be at least ${least} and high at most ${end}, ` +
            `got ${low} and ${high}`,
        );
      }
    }
    return random("randomInt", attrs);
  },
};

function retyped(x: Aval, shape: Shape): Aval {
  return shapesEqual(shape, x.shape) ? x : { shape, dtype: x.dtype };
}

/** `index` is a list of places. */
function checkIndexList(op: Name, inputs: readonly Aval[], index: Aval): void {
  checkIndex(op, index);
  if (index.shape.length !== 1) {
    throw shapeError(op, inputs, "index must have rank 1", `rank ${index.shape.length}`);
  }
}

/** `source` can be combined into `x`. */
function checkCombined(op: Name, x: Aval, source: Aval, reduce: ScatterReduce): void {
  if (x.dtype !== source.dtype) checkValues(op, [x, source]);
  if (reduce !== "set") checkDType(`${op} with "${reduce}"`, x, reduceDTypes);
}

/** The sizes of `index` are at most those of `shape`, but at `dim`. */
function checkFits(op: Name, inputs: readonly Aval[], index: Aval, shape: Shape, dim: number): void {
  let fits = index.shape.length === shape.length;
  for (let i = 0; fits && i < shape.length; i++) fits = i === dim || index.shape[i]! <= shape[i]!;
  // As in PyTorch, an index without elements may have any sizes.
  if (fits || (index.shape.length === shape.length && numelOf(index.shape) === 0)) return;
  throw shapeError(
    op,
    inputs,
    `index must have rank ${shape.length} and sizes at most ${formatShape(shape)}` +
      (dim < 0 ? "" : ` but at dimension ${dim}`),
    formatShape(index.shape),
  );
}

/** The result of a primitive without inputs has a dtype that it can have. */
function checkMade(op: Name, dtype: DType): void {
  const accepted = inputDTypes[op];
  if (!accepted.dtypes.includes(dtype)) {
    throw new DTypeError(
      `Cannot ${op} ${dtype.name}: the result must have ${accepted.label}, got ${dtype.name}`,
    );
  }
}

function random(op: Name, attrs: RandomAttrs): Aval {
  const { shape, dtype } = attrs;
  checkShape(op, shape);
  checkMade(op, dtype);
  checkStream(op, attrs);
  return { shape, dtype };
}

/** Checks a place in a stream of random numbers. */
export function checkStream(op: Name, { key, counter }: Pick<RandomAttrs, "key" | "counter">): void {
  if (!key.every((word) => word >>> 0 === word)) {
    throw new ValueError(
      `Cannot ${op}: the key must be two unsigned 32-bit integers, got ${formatShape(key)}`,
    );
  }
  if (!Number.isSafeInteger(counter) || counter < 0) {
    throw new ValueError(`Cannot ${op}: the counter must be an integer from 0 to below 2^53, got ${counter}`);
  }
}

/** The integers of `dtype`: from `least` to below `end`. */
function integerRange(dtype: DType): [least: number, end: number] {
  const bits = dtype.itemsize * 8;
  return dtype.isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1)] : [0, 2 ** bits];
}

/** As in PyTorch, a negative number may be given for an unsigned dtype: it wraps. */
function checkFitsInteger(value: number | bigint | boolean, dtype: DType): void {
  if (typeof value === "boolean") return;
  const [low, end] = integerRange(dtype);
  const least = dtype.isSigned ? low : 1 - end;
  const integer = typeof value === "bigint" ? value : Math.trunc(value);
  if (!(integer >= least && integer < end)) {
    throw new ValueError(
      `Cannot fill ${dtype.name}: the value must be at least ${BigInt(least)} and below ${
        BigInt(end)
      }, got ${value}`,
    );
  }
}
