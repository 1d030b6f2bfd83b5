/**
 * Padding: ZeroPad, ConstantPad, ReflectionPad, ReplicationPad, CircularPad, each in one to three dimensions.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import type { PadMode, Tensor } from "@flambeau/tensor";
import * as F from "../functional.ts";
import { Module } from "../module.ts";
import { pythonRepr, pythonTuple } from "../python.ts";
import { type ModuleArgs, repeated, settingsOf, type SizePerDim } from "./factory.ts";

/** Elements on every side, or before and after for the last dimension, then for the one before it, and so on. */
export type Padding = SizePerDim | { readonly padding: SizePerDim };

function sizesOf(name: string, n: number, padding: Padding): Shape {
  const given = typeof padding === "object" && "padding" in padding ? padding.padding : padding;
  return repeated(name, "padding", given, 2 * n, -Infinity);
}

/** What paddings without a value are. */
export abstract class PadNd extends Module {
  /** Elements before and after, for the last dimension first. */
  padding: Shape;
  /** What is put there. */
  mode: PadMode;

  /** Makes a module for `n` dimensions. */
  constructor(name: string, n: number, padding: Padding, mode: PadMode) {
    super();
    this.padding = sizesOf(name, n, padding);
    this.mode = mode;
  }

  /** Pads. */
  override forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, this.mode);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return pythonTuple(this.padding);
  }
}

/** Settings of {@linkcode ConstantPad2d} and its kin. */
export interface ConstantPadSettings {
  /** Elements on every side, or before and after for each dimension, the last one first. */
  readonly padding: SizePerDim;
  /** What is put there. */
  readonly value: number;
}

/** Arguments of {@linkcode ConstantPad2d} and its kin. */
export type ConstantPadArgs = ModuleArgs<
  [padding: SizePerDim, value: number],
  ConstantPadSettings,
  Record<never, never>,
  []
>;

/** What paddings with a value are. */
export abstract class ConstantPadNd extends Module {
  /** Elements before and after, for the last dimension first. */
  padding: Shape;
  /** What is put there. */
  value: number;

  /** Makes a module for `n` dimensions. */
  constructor(name: string, n: number, args: readonly unknown[]) {
    super();
    const { padding, value } = settingsOf<ConstantPadSettings, Record<never, never>>(
      name,
      args,
      ["padding", "value"],
      [],
    );
    this.padding = sizesOf(name, n, padding);
    this.value = value;
  }

  /** Pads. */
  override forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, "constant", this.value);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `padding=${pythonTuple(this.padding)}, value=${pythonRepr(this.value)}`;
  }
}

/**
 * Zeros around one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad1d.html
 */
export class ZeroPad1d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ZeroPad1d", 1, padding, "constant");
  }
}

/**
 * Zeros around images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html
 */
export class ZeroPad2d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ZeroPad2d", 2, padding, "constant");
  }
}

/**
 * Zeros around volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html
 */
export class ZeroPad3d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ZeroPad3d", 3, padding, "constant");
  }
}

/**
 * A number around one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html
 */
export class ConstantPad1d extends ConstantPadNd {
  /** Makes the module. */
  constructor(...args: ConstantPadArgs) {
    super("ConstantPad1d", 1, args);
  }
}

/**
 * A number around images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
 */
export class ConstantPad2d extends ConstantPadNd {
  /** Makes the module. */
  constructor(...args: ConstantPadArgs) {
    super("ConstantPad2d", 2, args);
  }
}

/**
 * A number around volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html
 */
export class ConstantPad3d extends ConstantPadNd {
  /** Makes the module. */
  constructor(...args: ConstantPadArgs) {
    super("ConstantPad3d", 3, args);
  }
}

/**
 * The mirrored inside around one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html
 */
export class ReflectionPad1d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReflectionPad1d", 1, padding, "reflect");
  }
}

/**
 * The mirrored inside around images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html
 */
export class ReflectionPad2d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReflectionPad2d", 2, padding, "reflect");
  }
}

/**
 * The mirrored inside around volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html
 */
export class ReflectionPad3d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReflectionPad3d", 3, padding, "reflect");
  }
}

/**
 * The edge around one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html
 */
export class ReplicationPad1d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReplicationPad1d", 1, padding, "replicate");
  }
}

/**
 * The edge around images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html
 */
export class ReplicationPad2d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReplicationPad2d", 2, padding, "replicate");
  }
}

/**
 * The edge around volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html
 */
export class ReplicationPad3d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("ReplicationPad3d", 3, padding, "replicate");
  }
}

/**
 * The other end around one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html
 */
export class CircularPad1d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("CircularPad1d", 1, padding, "circular");
  }
}

/**
 * The other end around images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html
 */
export class CircularPad2d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("CircularPad2d", 2, padding, "circular");
  }
}

/**
 * The other end around volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html
 */
export class CircularPad3d extends PadNd {
  /** Makes the module. */
  constructor(padding: Padding) {
    super("CircularPad3d", 3, padding, "circular");
  }
}
