/**
 * The device of the tests with products computed in a way that the test chooses.
 *
 * @module
 */

import {
  type Backend,
  contiguousStrides,
  type DType,
  float32,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { expect } from "vitest";
import { Sequence, type Step } from "./dispatch.ts";
import type { GpuLimits } from "./draft.ts";
import { type Choice, plainSettings } from "./kernels/gemm/tiles.ts";
import { ownKernels } from "./kernels/table.ts";
import { Scratch } from "./memory.ts";
import { compilesSlowly } from "./software.ts";
import { probeSubgroups, type SubgroupForm } from "./subgroups.ts";
import { device, skipReason } from "./test_support.ts";

/** How shaders of the device sum over subgroups. */
export const subgroups: SubgroupForm = skipReason === null && device.facts.hasSubgroups
  ? await probeSubgroups(device.gpu)
  : "none";

/** Whether kernels of this adapter have short texts. */
export const isBrief: boolean = skipReason === null && compilesSlowly(device.facts);

/** The kinds of texts to try: short ones everywhere, those for hardware where they compile in reasonable time. */
export const textsToTry: readonly boolean[] = isBrief ? [true] : [false, true];

/** What a device may have otherwise. */
export interface Tuning {
  readonly maxBindingBytes?: number;
  readonly subgroups?: SubgroupForm;
  /** True for short texts. */
  readonly brief?: boolean;
}

/** The limits of such a device, for kernels. */
export function tunedLimits(forced: Partial<Choice>, tuning: Tuning = {}): GpuLimits {
  return {
    maxBindingBytes: tuning.maxBindingBytes ?? device.facts.maxBindingBytes,
    gemm: { ...plainSettings(), subgroups: tuning.subgroups ?? subgroups, forced },
    brief: tuning.brief ?? isBrief,
  };
}

/** The device with other kernels of products. */
export function tuned(forced: Partial<Choice>, tuning: Tuning = {}): Backend {
  return {
    name: "webgpu",
    kernels: ownKernels(tunedLimits(forced, tuning)) as unknown as Backend["kernels"],
    allocate: (bytes: number) => device.allocate(bytes),
    free: (buffer) => device.free(buffer),
    write: (buffer, offset, source) => device.write(buffer, offset, source),
    read: (buffer, offset, bytes) => device.read(buffer, offset, bytes),
    run: (dispatch) => device.run(dispatch as Parameters<typeof device.run>[0]),
  } as Backend;
}

/** An operand whose memory is not there: for texts. */
export function unfilled(shape: Shape, dtype: DType = float32): Operand {
  return { buffer: new Scratch(4), shape, dtype, strides: contiguousStrides(shape), offset: 0 };
}

/** Expects that this runtime accepts the texts of dispatches, without making programs of them. */
export async function expectValid(dispatches: readonly unknown[]): Promise<void> {
  const stepsOf = (dispatch: unknown): Step[] =>
    dispatch instanceof Sequence ? dispatch.steps.flatMap(stepsOf) : [dispatch as Step];
  const texts = new Map(dispatches.flatMap(stepsOf).map(({ parts }) => [parts.key, parts.source]));
  device.gpu.pushErrorScope("validation");
  for (const [key, source] of texts) device.gpu.createShaderModule({ code: source(), label: key });
  const error = await device.gpu.popErrorScope();
  expect(error?.message ?? null).toBe(null);
}
