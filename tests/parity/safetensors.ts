/**
 * Reads the safetensors files of the fixtures, with nothing of the library under test in between.
 *
 * @module
 */

/** One tensor of a file: its dtype as the file writes it (`F32`, `I64`, `BOOL`, …), its shape and its bytes. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The element values of a tensor with what it is called in PyTorch. Half types and complex pairs are widened. */
export interface Raw {
  /** PyTorch's name: `float32`, `int64`, `bool`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const NAMES: Readonly<Record<string, string>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

/** Splits a safetensors file into its tensors; the bytes are views of the file. */
export function parseSafetensors(file: Uint8Array): Map<string, StoredTensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, data_offsets: [begin, end] }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    tensors.set(name, { dtype, shape, bytes: file.subarray(start + begin, start + end) });
  }
  return tensors;
}

/** The value of the 16 bits of a float16. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

/** The value of the 16 bits of a bfloat16. */
export function fromBfloat16(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}

/** The values of a stored tensor. Every int64 of the fixtures that is given to a call fits a double. */
export function decode({ dtype, shape, bytes }: StoredTensor): Raw {
  const name = NAMES[dtype];
  if (name === undefined) {
    throw new Error(`The fixture holds the dtype ${dtype}, which this reader does not know`);
  }
  return { dtype: name, shape, data: values(dtype, new Uint8Array(bytes).buffer) };
}

function values(dtype: string, buffer: ArrayBuffer): ArrayLike<number> {
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer);
    case "F32":
      return new Float32Array(buffer);
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), fromFloat16);
    case "BF16":
      return Float32Array.from(new Uint16Array(buffer), fromBfloat16);
    case "I64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case "I32":
      return new Int32Array(buffer);
    case "I16":
      return new Int16Array(buffer);
    case "I8":
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

/** Number of elements of a shape. */
export function numel(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
