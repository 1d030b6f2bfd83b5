/**
 * Every device × every primitive × every dtype: a program of one call gives what the call itself gives, to the last bit
 * where no decomposition is involved, also when it runs again and with its inputs turned by views inside the program.
 *
 * @module
 */

import { acceptedBy, decompositions, loadProgram, lower } from "@flambeau/compiler";
import {
  type Backend,
  type Buffer,
  type DType,
  type Graph,
  GraphBuilder,
  type GraphValue,
  inferAll,
  inputDTypes,
  type Name,
  numelOf,
  viewData,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { execute, executeOn } from "@flambeau/tensor/internal";
import {
  difference,
  type HostTensor,
  Make,
  type OpInfo,
  opInfos,
  place,
  type Sample,
} from "@flambeau/testing";
import { describe, expect, test } from "vitest";
import { hostRows } from "./backends.ts";
import { bytesOf, get, put, putDense } from "./operands.ts";

type AnyInfo = OpInfo<"exp">;
type AnySample = Sample<"exp">;

const names = Object.keys(opInfos) as Name[];

/** A program of one call; `turned`: its inputs come with dimensions in reverse order, and views turn them back. */
function graphOf(name: Name, { inputs, attrs }: AnySample, turned: boolean): Graph {
  const builder = new GraphBuilder();
  const values = (inputs as readonly HostTensor[]).map(({ shape, dtype }): GraphValue => {
    if (!turned) return builder.input({ shape, dtype });
    const dims = shape.map((_, d) => shape.length - 1 - d);
    return builder.bind("permute", [builder.input({ shape: [...shape].reverse(), dtype })], { dims });
  });
  const made = builder.bind(name as "exp", values as [GraphValue], attrs);
  return builder.finish(Array.isArray(made) ? made as GraphValue[] : [made]);
}

/** Runs the program of `graph` on `inputs`, twice. */
async function runProgram(
  backend: Backend,
  graph: Graph,
  inputs: readonly HostTensor[],
): Promise<HostTensor[]> {
  const program = loadProgram(backend, lower(graph, acceptedBy(backend)));
  const allocate = ({ shape, dtype }: { shape: readonly number[]; dtype: DType }): Buffer =>
    backend.allocate(numelOf(shape) * dtype.itemsize);
  const [from, to] = [graph.inputs.map(allocate), graph.outputs.map(allocate)];
  inputs.forEach(({ data }, i) => {
    if (data.length > 0) backend.write(from[i]!, 0, bytesOf(data));
  });
  program.run(from, to);
  program.run(from, to);
  const results = await Promise.all(graph.outputs.map(async ({ shape, dtype }, o): Promise<HostTensor> => {
    const size = numelOf(shape);
    const bytes = size === 0 ? new Uint8Array(0) : await backend.read(to[o]!, 0, size * dtype.itemsize);
    return { shape, dtype, data: viewData(dtype, bytes.slice().buffer, 0, size) };
  }));
  for (const buffer of [...from, ...to]) backend.free(buffer);
  program.dispose();
  return results;
}

/** What the call itself gives. */
async function runCall(backend: Backend, name: Name, { inputs, attrs }: AnySample): Promise<HostTensor[]> {
  const tensors = (inputs as readonly HostTensor[]).map((x) => putDense(backend, x));
  const made = tensors.length === 0
    ? executeOn(backend, name as "full", attrs as never)
    : execute(name, tensors, attrs);
  const outputs = Array.isArray(made) ? made as readonly Tensor[] : [made as Tensor];
  const results = await Promise.all(outputs.map(get));
  for (const x of [...tensors, ...outputs]) x.storage.dispose();
  return results;
}

/** The elements of `x` as they lie when its dimensions are in reverse order. */
async function reversed(backend: Backend, x: HostTensor): Promise<HostTensor> {
  const tensor = put(backend, place(x, "contiguous", null));
  const dims = x.shape.map((_, d) => x.shape.length - 1 - d);
  const turned = execute("permute", [tensor], { dims }) as Tensor;
  const result = await get(turned);
  tensor.storage.dispose();
  return result;
}

describe.each(hostRows)("$name", (row) => {
  const { backend } = row;

  describe.each(names)("%s", (name) => {
    const info = opInfos[name] as unknown as AnyInfo;
    const dtypes = inputDTypes[name].dtypes.filter((dtype) => backend.dtypes.has(dtype));

    test.each(dtypes.map((dtype) => [dtype.name, dtype] as const))("%s", async (_, dtype) => {
      const problems: string[] = [];
      for (const sample of info.samples(new Make(dtype, name))) {
        if (sample.edge && !row.edges) continue;
        const inputs = sample.inputs as readonly HostTensor[];
        const types = inferAll(name, inputs, sample.attrs);
        const { liveBytes, liveBuffers } = backend.memory();
        const want = await runCall(backend, name, sample);
        const ways = info.anyLayout === false || inputs.length === 0 ? [false] : [false, true];
        for (const turned of ways) {
          const given = turned ? await Promise.all(inputs.map((x) => reversed(backend, x))) : inputs;
          const got = await runProgram(backend, graphOf(name, sample, turned), given);
          got.forEach((y, o) => {
            if (info.free?.includes(o)) return;
            // Fused steps and strided kernels may take another way to the same result.
            const bound = turned || name in decompositions
              ? info.tolerance(types[o]!.dtype)
              : { rtol: 0, atol: 0 };
            const found = difference(y, want[o]!, bound, row.factor);
            if (found !== null) {
              problems.push(`${sample.title}${turned ? ", turned" : ""}: output ${o}: ${found}`);
            }
          });
        }
        const after = backend.memory();
        if (after.liveBytes !== liveBytes || after.liveBuffers !== liveBuffers) {
          problems.push(`${sample.title}: leaves ${after.liveBytes - liveBytes} bytes`);
        }
      }
      expect(problems).toEqual([]);
    });
  });
});
