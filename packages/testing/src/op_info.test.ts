import {
  type DType,
  float32,
  float64,
  inputDTypes,
  int8,
  type Name,
  numelOf,
  pointwiseNames,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { elementsOf, type HostTensor } from "./host_tensor.ts";
import { Make } from "./make.ts";
import { type OpInfo, opInfos, type Sample } from "./op_info.ts";

const names = Object.keys(opInfos) as Name[];

function samplesOf(name: Name, dtype: DType): readonly Sample<"exp">[] {
  return (opInfos[name] as unknown as OpInfo<"exp">).samples(new Make(dtype, name));
}

const isEmpty = ({ inputs, attrs }: Sample<"exp">): boolean => {
  const { shape = [], size = 1 } = (attrs ?? {}) as { shape?: number[]; size?: number };
  return [...(inputs as readonly HostTensor[]).map((x) => x.shape), shape, [size]].some((sizes) =>
    sizes.includes(0)
  );
};

describe("samples", () => {
  test("are one for each name of core", () => {
    expect(names.sort()).toEqual(Object.keys(inputDTypes).sort());
  });

  test("are the same in every run, and others for other names", () => {
    const values = (seed: string): unknown => elementsOf(new Make(float32, seed).values([20]));
    expect(values("exp")).toEqual(values("exp"));
    expect(values("exp")).not.toEqual(values("log"));
    for (const name of names) {
      const dtype = inputDTypes[name].dtypes.at(-1)!;
      const bits = () =>
        samplesOf(name, dtype).map(({ inputs }) => (inputs as readonly HostTensor[]).map((x) => x.data));
      expect(bits()).toEqual(bits());
    }
  });

  test.each(names)("of %s: several, with one without elements, in every dtype", (name) => {
    for (const dtype of inputDTypes[name].dtypes) {
      const samples = samplesOf(name, dtype);
      expect(samples.length).toBeGreaterThan(2);
      expect(samples.some(isEmpty), dtype.name).toBe(true);
      for (const { title, inputs } of samples) {
        for (const x of inputs as readonly HostTensor[]) expect(x.data.length, title).toBe(numelOf(x.shape));
      }
    }
  });

  test.each([...pointwiseNames])(
    "of %s: rank 0, more than a vector of SIMD lanes, negative values",
    (name) => {
      const { dtypes } = inputDTypes[name];
      const dtype = dtypes.includes(float32) ? float32 : int8;
      const inputs = samplesOf(name, dtype).flatMap((sample) => sample.inputs as readonly HostTensor[]);
      expect(inputs.some(({ shape }) => shape.length === 0)).toBe(true);
      expect(inputs.some(({ shape }) => numelOf(shape) > 16 && numelOf(shape) % 4 !== 0)).toBe(true);
      expect(inputs.some((x) => elementsOf(x).some((value) => value < 0))).toBe(true);
    },
  );

  test.each(names)("of %s: no two have one title, smooth ones are small", (name) => {
    for (const dtype of inputDTypes[name].dtypes) {
      const titles = samplesOf(name, dtype).map(({ title }) => title);
      expect(new Set(titles).size, dtype.name).toBe(titles.length);
    }
    if (!inputDTypes[name].dtypes.includes(float64)) return;
    for (const { title, inputs, smooth } of samplesOf(name, float64)) {
      if (smooth) {
        expect((inputs as readonly HostTensor[]).reduce((sum, { shape }) => sum + numelOf(shape), 0), title)
          .toBeLessThan(64);
      }
    }
  });
});

describe("Make", () => {
  test("distinct: no two are equal", () => {
    const values = elementsOf(new Make(float32, "a").distinct([5, 7]));
    expect(new Set(values).size).toBe(35);
  });

  test("signed: away from 0, of both signs", () => {
    const values = elementsOf(new Make(float64, "a").signed([100], 0.5, 2)) as number[];
    expect(values.every((value) => Math.abs(value) >= 0.5 && Math.abs(value) < 2)).toBe(true);
    expect(values.some((value) => value < 0) && values.some((value) => value > 0)).toBe(true);
  });

  test("edges: the ends of integers, infinities and NaN of floats", () => {
    expect(new Make(int8, "a").edges()).toEqual(expect.arrayContaining([-128n, 127n, 0n]));
    expect(new Make(float32, "a").edges()).toEqual(expect.arrayContaining([NaN, Infinity, -Infinity, -0]));
  });
});
