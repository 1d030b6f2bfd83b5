/**
 * Whether operations are recorded for a backward pass.
 *
 * @module
 */

/** The modes in force. `inference` implies no recording and makes tensors that can never be part of a graph. */
export const gradMode: { enabled: boolean; inference: boolean } = { enabled: true, inference: false };

/** True when operations on tensors that require grad are recorded, as `torch.is_grad_enabled`. */
export function isGradEnabled(): boolean {
  return gradMode.enabled;
}

/** True inside {@linkcode inferenceMode}. */
export function isInferenceModeEnabled(): boolean {
  return gradMode.inference;
}

/** Ends a mode: call `dispose()`, or hold it with `using`. */
export interface ModeGuard {
  /** Restores the mode that was in force before. */
  dispose(): void;
  /** As `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

/** A mode is entered by `mode(() => …)`, which gives the function's result, or by `using guard = mode()`. */
export interface Mode {
  /** Runs `body` in this mode. A promise that it returns is awaited in the mode. */
  <R>(body: () => R): R;
  /** Enters the mode until the guard is disposed. */
  (): ModeGuard;
}

function mode(enabled: boolean, inference: boolean): Mode {
  const enter = (): ModeGuard => {
    const before = { ...gradMode };
    gradMode.enabled = enabled;
    gradMode.inference = inference;
    const dispose = () => {
      Object.assign(gradMode, before);
    };
    return { dispose, [Symbol.dispose]: dispose };
  };
  return ((body?: () => unknown): unknown => {
    const guard = enter();
    if (body === undefined) return guard;
    let result: unknown;
    try {
      result = body();
    } catch (error) {
      guard.dispose();
      throw error;
    }
    if (result instanceof Promise) return result.finally(guard.dispose);
    guard.dispose();
    return result;
  }) as Mode;
}

/**
 * Turns recording off, as `torch.no_grad`.
 *
 * @example
 * ```ts
 * const y = noGrad(() => net(x));
 * { using _ = noGrad(); y.add_(1); }
 * ```
 */
export const noGrad: Mode = mode(false, false);

/** Turns recording on inside {@linkcode noGrad}, as `torch.enable_grad`. */
export const enableGrad: Mode = mode(true, false);

/** As {@linkcode noGrad}, and what is made inside can never join a graph, as `torch.inference_mode`. */
export const inferenceMode: Mode = mode(false, true);

/**
 * Turns recording on or off for good, or for the guard's life, as `torch.set_grad_enabled`.
 *
 * @param enabled Whether operations are recorded from now on.
 */
export function setGradEnabled(enabled: boolean): ModeGuard {
  const before = gradMode.enabled;
  gradMode.enabled = enabled;
  const dispose = () => {
    gradMode.enabled = before;
  };
  return { dispose, [Symbol.dispose]: dispose };
}
