/**
 * Devices: names for the backends that are registered, and the one that new tensors go to.
 *
 * @module
 */

import { type Backend, DeviceError } from "@flambeau/core";

const backends = new Map<string, Backend>();
let current: Backend | null = null;

/** The device that `"auto"` stands for: the default one, until somebody who knows the machine decides otherwise. */
export const automatic: { choose: () => Backend } = { choose: defaultBackend };

/** Where a tensor lives: the name of a registered backend. */
export class Device {
  /** The name of the backend: `"cpu"`, `"reference"`, `"webgpu"`. */
  readonly type: string;
  /** Always null: there is one device of each type. */
  readonly index: null = null;

  /**
   * Names a device; it need not be registered.
   *
   * @param type The name of the backend.
   */
  constructor(type: string) {
    this.type = type;
  }

  /** The name, as PyTorch's `str(device)`. */
  toString(): string {
    return this.type;
  }
}

/** A device by name (`"auto"`: the best one that is known to be there), as an object, or by the backend itself. */
export type DeviceLike = string | Device | Backend;

/** Makes a backend known under its name; the first one becomes the default. */
export function registerBackend(backend: Backend): void {
  backends.set(backend.name, backend);
  current ??= backend;
}

/** What programs call a GPU. */
const GPU_NAMES: readonly string[] = ["cuda", "gpu", "mps", "webgpu", "xpu"];

/**
 * The backend that `device` names.
 *
 * @throws {DeviceError} If none of that name is registered; the message lists those that are.
 */
export function backendOf(device: DeviceLike | null | undefined): Backend {
  if (device === null || device === undefined) return defaultBackend();
  if (typeof device === "object" && "kernels" in device) return device;
  const name = typeof device === "string" ? device.replace(/:0$/, "") : device.type;
  if (name === "auto") return automatic.choose();
  const found = backends.get(name);
  if (found === undefined) {
    const hint = GPU_NAMES.includes(name) ? '; for a GPU, await torch.enableWebGpu() and use "webgpu"' : "";
    throw new DeviceError(
      `Cannot use device ${JSON.stringify(String(name))}: it must be one of those that are registered: ${
        [...backends.keys()].join(", ") || "none"
      }${hint}`,
    );
  }
  return found;
}

/**
 * The backend that new tensors go to.
 *
 * @throws {DeviceError} If no backend is registered.
 */
export function defaultBackend(): Backend {
  if (current === null) {
    throw new DeviceError(
      "Cannot make a tensor: no backend is registered; import @flambeau/torch, or call registerBackend()",
    );
  }
  return current;
}

/** Chooses where new tensors go, as `torch.set_default_device`. */
export function setDefaultDevice(device: DeviceLike): void {
  current = backendOf(device);
}

/** The device that new tensors go to, as `torch.get_default_device`. */
export function getDefaultDevice(): Device {
  return new Device(defaultBackend().name);
}

/** Names of the registered backends. */
export function registeredDevices(): string[] {
  return [...backends.keys()];
}

/**
 * The device called `type`, as `torch.device`. `"auto"` gives the best one that is known to be there at this moment.
 *
 * @throws {DeviceError} If no such backend is registered.
 */
export function device(type: DeviceLike): Device {
  return new Device(backendOf(type).name);
}
