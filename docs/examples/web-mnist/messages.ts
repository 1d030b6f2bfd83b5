/**
 * What the page and its worker say to each other.
 *
 * @module
 */

/** Devices to compute on; `auto` is the best that there is. */
export type DeviceChoice = "auto" | "cpu" | "webgpu";

/** What the network is doing. */
export type State = "idle" | "training" | "done";

/** From the page to the worker. */
export type Command =
  | { readonly type: "open"; readonly device: DeviceChoice; readonly seed: number }
  | { readonly type: "train" }
  | { readonly type: "pause" }
  | { readonly type: "reset" }
  /** 784 values from 0 (paper) to 1 (ink). The answer has the same id. */
  | { readonly type: "predict"; readonly id: number; readonly pixels: Float32Array };

/** What the worker has, once it is ready. */
export interface Setup {
  /** The device in use. */
  readonly device: string;
  /** The device in words. */
  readonly deviceInWords: string;
  /** Devices that can be chosen. */
  readonly devices: readonly DeviceChoice[];
  readonly parameters: number;
  readonly trainCount: number;
  readonly testCount: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Digits in a step. */
  readonly batchSize: number;
  /** Some of the digits to test with: grey levels, 784 each, and what they show. */
  readonly samples: { readonly images: Uint8Array; readonly labels: Uint8Array };
}

/** From the worker to the page. */
export type Report =
  | { readonly type: "loading"; readonly share: number }
  | { readonly type: "ready"; readonly setup: Setup }
  | { readonly type: "state"; readonly state: State }
  /** What was learned is forgotten; nothing about it follows. */
  | { readonly type: "forgotten" }
  | { readonly type: "step"; readonly step: number; readonly loss: number; readonly imagesPerSecond: number }
  | {
    readonly type: "test";
    readonly step: number;
    /** Share of the digits to test with that are right. */
    readonly accuracy: number;
    /** What the samples are taken for, and how sure that is. */
    readonly predicted: readonly number[];
    readonly confidence: readonly number[];
  }
  | { readonly type: "prediction"; readonly id: number; readonly shares: readonly number[] }
  | { readonly type: "error"; readonly message: string };
