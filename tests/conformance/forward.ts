/**
 * Every device × every primitive × every dtype × every sample × every layout: the result is that of the reference, also
 * in place; inputs stay as they are, and no memory is left behind.
 *
 * The reference itself is held to what it computes in the widest dtype of the kind, and all of them to the `check` of the
 * op facts. What a device holds no dtypes for is skipped, and said.
 *
 * @module
 */

import {
  type Backend,
  contiguousStrides,
  type DType,
  float64,
  inferAll,
  inputDTypes,
  int64,
  isContiguous,
  type Name,
  numelOf,
  ShapeError,
  shapesEqual,
  type ViewName,
  viewNames,
  viewStrides,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { execute, executeInto, executeOn } from "@flambeau/tensor/internal";
import {
  difference,
  differs,
  elementsOf,
  GAP,
  type HostTensor,
  hostTensor,
  Make,
  numbersOf,
  type OpInfo,
  opInfos,
  place,
  type Placed,
  type Sample,
  within,
} from "@flambeau/testing";
import { describe, expect, test } from "vitest";
import { holds, type LiveRow, oracle } from "./backends.ts";
import { blank, bytesOf, get, memoryOf, put, putDense, sameBytes } from "./operands.ts";

type AnyInfo = OpInfo<"exp">;
type AnySample = Sample<"exp">;
type Attrs = AnySample["attrs"];

/** Results that depend on the dtype itself and not on the values only: no wider dtype can tell them. */
const OF_THE_DTYPE: ReadonlySet<Name> = new Set([
  "nextafter",
  "randomUniform",
  "randomNormal",
  "randomInt",
  "asStrided",
]);

/** Makes the tests of a device. */
export function testForward(row: LiveRow, names: readonly Name[]): void {
  describe.each(names)("%s", (name) => {
    const info = opInfos[name] as unknown as AnyInfo;

    for (const dtype of inputDTypes[name].dtypes) {
      if (!row.backend.dtypes.has(dtype)) {
        test.skip(`${dtype.name} (skipped: ${row.omits})`, () => {});
        continue;
      }
      test(dtype.name, async () => {
        const run = new Run(row, row.backend, name, info, dtype);
        const samples = info.samples(new Make(dtype, name)).filter((sample) => row.edges || !sample.edge);
        expect(new Set(samples.map(({ title }) => title)).size).toBe(samples.length);
        for (const sample of samples) if (holds(row, name, sample)) await run.sample(sample);
        expect(run.problems).toEqual([]);
      });
    }
  });
}

/** The calls of one primitive in one dtype on one device, and what went wrong in them. */
class Run {
  readonly problems: string[] = [];
  readonly #row: LiveRow;
  readonly #backend: Backend;
  readonly #name: Name;
  readonly #info: AnyInfo;
  readonly #dtype: DType;

  constructor(row: LiveRow, backend: Backend, name: Name, info: AnyInfo, dtype: DType) {
    this.#row = row;
    this.#backend = backend;
    this.#name = name;
    this.#info = info;
    this.#dtype = dtype;
  }

  async sample({ title, inputs, attrs }: AnySample): Promise<void> {
    const plain = inputs.map((x) => place(x, "contiguous", null));
    const layouts = this.#row.layoutsOf(this.#dtype);
    for (const layout of this.#info.anyLayout === false ? layouts.slice(0, 1) : layouts) {
      const placed = inputs.map((x) =>
        place(x, layout, this.#info.expand === undefined ? 0 : this.#info.expand)
      );
      if (layout !== "contiguous" && !differs(placed, plain)) continue;
      try {
        for (const problem of await this.#call(placed, attrs)) {
          this.problems.push(`${title}, ${layout}: ${problem}`);
        }
      } catch (error) {
        this.problems.push(`${title}, ${layout}: throws ${error instanceof Error ? error.stack : error}`);
      }
    }
  }

  async #call(placed: readonly Placed[], attrs: Attrs): Promise<string[]> {
    const before = this.#backend.memory();
    const inputs = placed.map((x) => put(this.#backend, x));
    const problems: string[] = [];
    const unchanged = async (what: string, but: Tensor | null = null): Promise<void> => {
      for (const [i, x] of inputs.entries()) {
        if (x !== but && !sameBytes(await memoryOf(x), bytesOf(placed[i]!.memory))) {
          problems.push(`${what} changes input ${i}`);
        }
      }
    };
    if (this.#name === "view" && viewStrides(inputs[0]!.shape, inputs[0]!.strides, shapeOf(attrs)) === null) {
      expect(() => this.#execute(inputs, attrs)).toThrow(ShapeError);
    } else {
      const want = await this.#expected(placed.map(({ tensor }) => tensor), attrs);
      problems.push(...await this.#outOfPlace(inputs, placed, attrs, want));
      await unchanged("the call");
      problems.push(...await this.#intoTargets(inputs, attrs, want));
      await unchanged("a call with targets");
      for (const [o, result] of want.entries()) {
        for (const [i, x] of inputs.entries()) {
          if (x.dtype !== result.dtype || !shapesEqual(x.shape, result.shape)) continue;
          if (new Set(inputs[i]!.strides).has(0) && numelOf(x.shape) > 1) continue; // an expanded tensor cannot be written
          problems.push(...await this.#inPlace(placed, attrs, want, o, i));
        }
      }
    }
    for (const x of inputs) x.storage.dispose();
    const after = this.#backend.memory();
    if (after.liveBytes !== before.liveBytes || after.liveBuffers !== before.liveBuffers) {
      problems.push(
        `leaves ${after.liveBytes - before.liveBytes} bytes in ${
          after.liveBuffers - before.liveBuffers
        } buffers`,
      );
    }
    return problems;
  }

  /** A call that makes its results. */
  async #outOfPlace(
    inputs: readonly Tensor[],
    placed: readonly Placed[],
    attrs: Attrs,
    want: readonly HostTensor[],
  ): Promise<string[]> {
    const problems: string[] = [];
    const outputs = this.#execute(inputs, attrs);
    const isView = viewNames.has(this.#name as ViewName);
    outputs.forEach((y, o) => {
      if (!isView && !isContiguous(y.shape, y.strides)) problems.push(`output ${o} is not contiguous`);
      if (isView !== inputs.some((x) => x.storage === y.storage)) {
        problems.push(isView ? "a view has memory of its own" : `output ${o} shares memory with an input`);
      }
    });
    const got = await Promise.all(outputs.map(get));
    problems.push(...this.#compare("", got, want));
    try {
      this.#check(placed.map(({ tensor }) => tensor), got, attrs);
    } catch (error) {
      problems.push(`check: ${(error as Error).message}`);
    }
    if (!isView) { for (const y of outputs) y.storage.dispose(); }
    return problems;
  }

  /** Calls that write into tensors that are there: contiguous ones, then such with gaps, which must stay as they are. */
  async #intoTargets(
    inputs: readonly Tensor[],
    attrs: Attrs,
    want: readonly HostTensor[],
  ): Promise<string[]> {
    const problems: string[] = [];
    for (const kind of ["contiguous", "strided"] as const) {
      const targets = want.map(({ shape, dtype }) => {
        const size = numelOf(shape);
        return kind === "contiguous"
          ? blank(this.#backend, shape, dtype, { strides: contiguousStrides(shape), offset: 0 }, size, GAP)
          : blank(
            this.#backend,
            shape,
            dtype,
            {
              strides: contiguousStrides([...shape].reverse()).reverse().map((step) => 2 * step),
              offset: 1,
            },
            2 * size + 1,
            GAP,
          );
      });
      executeInto(targets, this.#name, inputs, attrs);
      problems.push(...this.#compare(`into ${kind} targets: `, await Promise.all(targets.map(get)), want));
      if (kind === "strided") {
        for (const [o, target] of targets.entries()) {
          const bytes = await memoryOf(target);
          const { itemsize } = target.dtype;
          // Elements stand at odd places: what stands at even ones is a gap.
          for (let at = 0; at < bytes.length; at += 2 * itemsize) {
            if (bytes.subarray(at, at + itemsize).some((byte) => byte !== GAP)) {
              problems.push(`writes beside the elements of target ${o}`);
              break;
            }
          }
        }
      }
      for (const target of targets) target.storage.dispose();
    }
    return problems;
  }

  /** A call that writes output `o` over input `i`. */
  async #inPlace(
    placed: readonly Placed[],
    attrs: Attrs,
    want: readonly HostTensor[],
    o: number,
    i: number,
  ): Promise<string[]> {
    const inputs = placed.map((x) => put(this.#backend, x));
    const targets = want.map((result, k) => k === o ? inputs[i]! : putDense(this.#backend, result));
    executeInto(targets, this.#name, inputs, attrs);
    const got = await Promise.all(targets.map(get));
    const problems = this.#compare(`output ${o} over input ${i}: `, got, want);
    for (const x of new Set([...inputs, ...targets])) x.storage.dispose();
    return problems;
  }

  #execute(inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    return run(this.#backend, this.#name, inputs, attrs);
  }

  #compare(what: string, got: readonly HostTensor[], want: readonly HostTensor[]): string[] {
    const problems: string[] = [];
    want.forEach((result, o) => {
      if (this.#info.free?.includes(o)) return;
      const bound = this.#info.tolerance(result.dtype);
      const found = difference(got[o]!, result, bound, this.#row.factor);
      if (found !== null) problems.push(`${what}output ${o}: ${found}`);
    });
    return problems;
  }

  #check(inputs: readonly HostTensor[], outputs: readonly HostTensor[], attrs: Attrs): void {
    if (numelOf(outputs[0]!.shape) === 0) return;
    const { rtol, atol } = this.#info.tolerance(this.#dtype);
    const bound = { rtol: rtol * this.#row.factor, atol: atol * this.#row.factor };
    this.#info.check?.(inputs as AnySample["inputs"], outputs, attrs, (what, got, want) => {
      if (!within(got, want, bound)) throw new Error(`${what} is ${got}, must be ${want}`);
    });
  }

  /** What the reference gives; for the reference itself, what it gives in the widest dtype. */
  async #expected(inputs: readonly HostTensor[], attrs: Attrs): Promise<HostTensor[]> {
    const wide = this.#dtype.kind === "float" ? float64 : int64;
    const tellsMore = this.#backend === oracle && this.#dtype.kind !== "bool" && this.#dtype !== wide &&
      inputs.length > 0 && !OF_THE_DTYPE.has(this.#name);
    if (!tellsMore) return await results(this.#name, inputs, attrs);
    const widened = inputs.map((x) => x.dtype === this.#dtype ? convert(x, wide) : x);
    const types = inferAll(this.#name, inputs, attrs);
    return (await results(this.#name, widened, attrs)).map((y, o) => convert(y, types[o]!.dtype));
  }
}

/** The results of the reference for contiguous inputs. */
async function results(name: Name, inputs: readonly HostTensor[], attrs: Attrs): Promise<HostTensor[]> {
  const tensors = inputs.map((x) => putDense(oracle, x));
  const outputs = run(oracle, name, tensors, attrs);
  const read = await Promise.all(outputs.map(get));
  for (const x of [...tensors, ...outputs]) x.storage.dispose();
  return read;
}

function run(backend: Backend, name: Name, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
  const made = inputs.length === 0
    ? executeOn(backend, name as "full", attrs as never)
    : execute(name, inputs, attrs);
  return Array.isArray(made) ? made as readonly Tensor[] : [made as Tensor];
}

function convert(x: HostTensor, dtype: DType): HostTensor {
  if (x.dtype === dtype) return x;
  const values = dtype === int64 || x.dtype === int64 ? elementsOf(x) : numbersOf(x);
  return hostTensor(dtype.kind === "int" ? values : values.map(Number), x.shape, dtype);
}

function shapeOf(attrs: unknown): readonly number[] {
  return (attrs as { shape: readonly number[] }).shape;
}
