/**
 * Every device × every primitive: calls that inference refuses throw their class with the types in the message, before
 * anything is taken or written. Wrong and mixed dtypes are derived from `inputDTypes`.
 *
 * @module
 */

import {
  type Aval,
  type Backend,
  DeviceError,
  type DType,
  DTypeError,
  dtypes,
  float32,
  float64,
  formatShape,
  formatType,
  inputDTypes,
  int16,
  int8,
  type Name,
  numelOf,
  ShapeError,
  type TorchError,
  ValueError,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { execute, executeInto, executeOn } from "@flambeau/tensor/internal";
import {
  avalOf,
  type HostTensor,
  hostTensor,
  Make,
  type OpInfo,
  opInfos,
  type Refusal,
} from "@flambeau/testing";
import { describe, expect, test } from "vitest";
import { rows } from "./backends.ts";
import { memoryOf, putDense, sameBytes } from "./operands.ts";

type AnyInfo = OpInfo<"exp">;
type Attrs = Refusal<"exp">["attrs"];

const names = Object.keys(opInfos) as Name[];
const infoOf = (name: Name): AnyInfo => opInfos[name] as unknown as AnyInfo;

/** A call that must be refused. */
interface Refused {
  readonly inputs: readonly Aval[];
  readonly attrs: Attrs;
  readonly error: new (message: string) => TorchError;
  readonly says: string;
}

/** Two dtypes that `name` takes and that no index and no condition has, if there are. */
function valueDTypes(name: Name): DType[] {
  return [float32, float64, int8, int16].filter((dtype) => inputDTypes[name].dtypes.includes(dtype));
}

/** The first sample with its value inputs in other dtypes. */
function wrongDTypes(name: Name): Refused[] {
  const [own, other] = valueDTypes(name) as [DType, DType];
  const { inputs, attrs } = infoOf(name).samples(new Make(own, name))[0]!;
  const avals = inputs as readonly HostTensor[];
  const values = avals.map(({ dtype }) => dtype === own);
  const wrong = dtypes.filter((dtype) => !inputDTypes[name].dtypes.includes(dtype));
  const all = wrong.filter(() => avals.length > 0).map((dtype): Refused => ({
    inputs: avals.map((x, i) => ({ shape: x.shape, dtype: values[i] ? dtype : x.dtype })),
    attrs,
    error: DTypeError,
    says: `got ${dtype.name}`,
  }));
  const mixed = avals.map((_, i) => i).slice(1).filter((i) => values[i] && values[0] !== undefined).map(
    (odd): Refused => ({
      inputs: avals.map((x, i) => ({ shape: x.shape, dtype: i === odd ? other : x.dtype })),
      attrs,
      error: DTypeError,
      says: other.name,
    }),
  );
  return [...all, ...values[0] || values.filter(Boolean).length > 1 ? mixed : []];
}

function refusalsOf(name: Name): Refused[] {
  return [
    ...infoOf(name).errors.map(({ inputs, ...rest }) => ({ ...rest, inputs: inputs.map(avalOf) })),
    ...wrongDTypes(name),
  ];
}

/** Tensors of ones, whose values no kernel may come to see. */
function ones(backend: Backend, inputs: readonly Aval[]): Tensor[] {
  return inputs.map(({ shape, dtype }) =>
    putDense(backend, hostTensor(new Array(numelOf(shape)).fill(1), shape, dtype))
  );
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return null;
}

describe.each(rows)("$name", ({ backend }) => {
  test.each(names.filter((name) => refusalsOf(name).length > 0))("%s refuses", async (name) => {
    for (const { inputs, attrs, error, says } of refusalsOf(name)) {
      const what = `${name}(${inputs.map(formatType).join(", ")}) ${
        JSON.stringify(attrs, (_, v) => typeof v === "bigint" ? `${v}` : v)
      }`;
      const tensors = ones(backend, inputs);
      const before = await Promise.all(tensors.map(memoryOf));
      const { liveBytes, liveBuffers } = backend.memory();
      const thrown = thrownBy(() =>
        inputs.length === 0
          ? executeOn(backend, name as "full", attrs as never)
          : execute(name, tensors, attrs)
      );

      expect(thrown, what).toBeInstanceOf(error);
      const { message } = thrown as Error;
      expect(message, what).toMatch(/^Cannot .*[^.]$/);
      expect(message, what).toContain(says);
      // A ValueError is about an attribute, and names its value. The others say what the operands are.
      if (inputs.length > 0 && error !== ValueError) {
        const named = inputs.some((x) =>
          message.includes(formatType(x)) || message.includes(formatShape(x.shape))
        );
        expect(named || (error === ShapeError && message.includes("[")), `${what}: ${message}`).toBe(true);
      }
      expect(backend.memory(), what).toMatchObject({ liveBytes, liveBuffers });

      const target = putDense(backend, hostTensor([1, 2, 3, 4, 5, 6], [2, 3], float32));
      const held = await memoryOf(target);
      expect(thrownBy(() => executeInto([target, target, target], name, tensors, attrs)), what)
        .toBeInstanceOf(error);
      expect(sameBytes(await memoryOf(target), held), `${what} writes its target`).toBe(true);
      for (const [i, x] of tensors.entries()) {
        expect(sameBytes(await memoryOf(x), before[i]!), `${what} writes input ${i}`).toBe(true);
        x.storage.dispose();
      }
      target.storage.dispose();
    }
  });

  test("tensors of another device are refused by name", () => {
    const [here] = ones(backend, [{ shape: [2], dtype: float32 }]);
    const other = {
      ...backend,
      name: "elsewhere",
      allocate: (bytes: number) => ({ bytes }),
      write: () => {},
      free: () => {},
    };
    const [there] = ones(other as unknown as Backend, [{ shape: [2], dtype: float32 }]);
    const thrown = thrownBy(() => execute("add", [here!, there!], null));
    expect(thrown).toBeInstanceOf(DeviceError);
    expect((thrown as Error).message).toMatch(`${backend.name} and elsewhere`);
    here!.storage.dispose();
    there!.storage.dispose();
  });
});

describe("the facts", () => {
  test("every primitive refuses something, but those that take every tensor of any dtype", () => {
    const tolerant = names.filter((name) => refusalsOf(name).length === 0);
    expect(tolerant.sort()).toEqual(["alias", "cast", "copy", "logicalNot", "sign"]);
  });

  test("every primitive with attributes refuses some of them", () => {
    const careless = names.filter((name) =>
      infoOf(name).samples(new Make(valueDTypes(name)[0]!, name))[0]!.attrs !== null &&
      infoOf(name).errors.length === 0
    );
    expect(careless.sort()).toEqual(["cast", "gelu"]);
  });
});
