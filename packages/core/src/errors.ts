/**
 * The errors that Flambeau throws, each with a class to catch it by.
 *
 * A message says what could not be done, on what, what must hold and what is:
 * `Cannot matmul float32[2, 3] and float32[4, 5]: inner sizes must match, got 3 and 4`.
 *
 * @module
 */

/** Base class of every error that Flambeau throws on purpose. PyTorch's `RuntimeError`. */
export class TorchError extends Error {
  /** The name of this class, also where code is minified. */
  override name = "TorchError";
}

/** Shapes or sizes that do not go together. */
export class ShapeError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "ShapeError";
}

/** An element type that an operation does not take, or does not exist. */
export class DTypeError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "DTypeError";
}

/** An index or a dimension that is out of range. PyTorch's `IndexError`. */
export class IndexError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "IndexError";
}

/** An argument with the right type and a wrong value. PyTorch's `ValueError`. */
export class ValueError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "ValueError";
}

/** An argument of the wrong type, such as a string where a tensor is expected. PyTorch's `TypeError`. */
export class ArgumentTypeError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "ArgumentTypeError";
}

/** Tensors on different devices, or something that a device cannot do. */
export class DeviceError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "DeviceError";
}

/**
 * A device that was there and is gone, with all that was on it: a GPU whose driver was restarted or that was unplugged, or a
 * tensor that was on it.
 */
export class DeviceLostError extends DeviceError {
  /** The name of this class, also where code is minified. */
  override name = "DeviceLostError";
}

/** A backward pass or a gradient rule that cannot be followed. */
export class GradError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "GradError";
}

/** Use of a tensor whose memory was given back. */
export class DisposedError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "DisposedError";
}

/** Memory that could not be had. `bytes` is what was asked for. */
export class OutOfMemoryError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "OutOfMemoryError";
  /** Bytes that the failing allocation asked for. */
  readonly bytes: number;

  /**
   * Makes the error.
   *
   * @param message What could not be done, in words.
   * @param bytes Bytes that the failing allocation asked for.
   */
  constructor(message: string, bytes: number) {
    super(message);
    this.bytes = bytes;
  }
}

/** A file or a text that does not follow its format. */
export class FormatError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "FormatError";
}

/** Something that PyTorch has and Flambeau does not (yet), or a missing part of the library. */
export class NotImplementedError extends TorchError {
  /** The name of this class, also where code is minified. */
  override name = "NotImplementedError";
}
