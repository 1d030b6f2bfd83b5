/**
 * The device of the tests with products computed in a way that the test chooses.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { type Choice, plainSettings } from "./kernels/gemm/tiles.ts";
import { ownKernels } from "./kernels/table.ts";
import { probeSubgroups, type SubgroupForm } from "./subgroups.ts";
import { device, skipReason } from "./test_support.ts";

/** How shaders of the device sum over subgroups. */
export const subgroups: SubgroupForm = skipReason === null && device.facts.hasSubgroups
  ? await probeSubgroups(device.gpu)
  : "none";

/** The device with other kernels of products. */
export function tuned(
  forced: Partial<Choice>,
  maxBindingBytes: number = device.facts.maxBindingBytes,
  form: SubgroupForm = subgroups,
): Backend {
  const settings = { ...plainSettings(), subgroups: form, forced };
  return {
    name: "webgpu",
    kernels: ownKernels({ maxBindingBytes, gemm: settings }) as unknown as Backend["kernels"],
    allocate: (bytes: number) => device.allocate(bytes),
    free: (buffer) => device.free(buffer),
    write: (buffer, offset, source) => device.write(buffer, offset, source),
    read: (buffer, offset, bytes) => device.read(buffer, offset, bytes),
    run: (dispatch) => device.run(dispatch as Parameters<typeof device.run>[0]),
  } as Backend;
}
