/**
 * Writing files that PyTorch's `torch.load` reads: a zip archive of one pickle and the bytes of the storages.
 *
 * @module
 */

import { bytesOf } from "../elements.ts";
import { data, type Tensor } from "@flambeau/tensor";
import { makeTensor } from "@flambeau/tensor/internal";
import { collect } from "../files.ts";
import { zipPieces, type ZipRecord } from "../zip_write.ts";
import { storageNames } from "./names.ts";
import { pickle, type StorageRef } from "./pickle.ts";

/** The folder of all records in the archive; PyTorch takes any. */
const FOLDER = "archive";
/** The version of PyTorch's format, in which `torch.save` has written since 1.6. */
const VERSION = "3\n";

/**
 * A file that PyTorch's `torch.load` reads: for checkpoints that hold more than named tensors.
 *
 * Arrays become lists, maps and plain objects dicts (without entries that are undefined), whole numbers integers. Tensors
 * that share memory share it in the file, and all of that memory is written.
 *
 * @param value Tensors, numbers, bigints, booleans, text, null, bytes and dtypes, in arrays, maps, sets and plain objects.
 * @throws {ArgumentTypeError} If a part is of another kind; the message says where it is.
 * @throws {ValueError} If the file would be 4 GiB or more.
 *
 * @example
 * ```ts
 * const bytes = await saveTorch({ epoch: 3, model: net.stateDict(), optimizer: optimizer.stateDict() });
 * ```
 */
export async function saveTorch(value: unknown): Promise<Uint8Array> {
  return await collect(torchPieces(value));
}

/** The file of {@linkcode saveTorch} piece by piece. The value is checked at the call. */
export function torchPieces(value: unknown): AsyncIterable<Uint8Array> {
  const storages: { readonly ref: StorageRef; readonly flat: Tensor }[] = [];
  const main = pickle(value, ({ storage, dtype }) => {
    // In PyTorch's files a storage has a dtype: views of another one get a storage of their own.
    const known = storages.find(({ flat }) => flat.storage === storage && flat.dtype === dtype);
    if (known !== undefined) return known.ref;
    const numel = Math.floor(storage.bytes / dtype.itemsize);
    const ref = { key: String(storages.length), type: storageNames.get(dtype)!, numel };
    storages.push({ ref, flat: makeTensor(storage, [numel], [1], 0, dtype) });
    return ref;
  });
  const encoder = new TextEncoder();
  const record = (name: string, size: number, content: ZipRecord["content"]): ZipRecord => ({
    name: `${FOLDER}/${name}`,
    size,
    content,
  });
  const whole = (name: string, bytes: Uint8Array): ZipRecord =>
    record(name, bytes.length, () => Promise.resolve(bytes));
  return zipPieces([
    whole("data.pkl", main),
    whole("byteorder", encoder.encode("little")),
    ...storages.map(({ ref, flat }) =>
      record(`data/${ref.key}`, ref.numel * flat.dtype.itemsize, async () => bytesOf(await data(flat)))
    ),
    whole("version", encoder.encode(VERSION)),
  ]);
}
