/**
 * Loading what PyTorch's `torch.save` wrote: zip archives, and the single-file form from before PyTorch 1.6.
 *
 * Both hold one pickle, which names storages, and the bytes of the storages. The pickle is run twice: first to learn which
 * storages there are, then, when their bytes are at hand and checked, to build the tensors. Tensors that shared memory do
 * so again.
 *
 * @module
 */

import type { Backend, Shape } from "@flambeau/core";
import { backendOf, type Tensor } from "@flambeau/tensor";
import { makeTensor } from "@flambeau/tensor/internal";
import { tensorOf } from "../elements.ts";
import { quote, refuse } from "../refuse.ts";
import type { LoadOptions } from "../safetensors/read.ts";
import { isZip, Zip } from "../zip.ts";
import { PENDING, requireGrad, StorageType, torchNames, type ViewOfStorage } from "./names.ts";
import { type Fail, type PickleWorld, type TorchValue, unpickle } from "./unpickle.ts";

/** A storage as a pickle describes it. */
interface StorageId {
  readonly type: StorageType;
  readonly key: string;
  readonly numel: number;
}

/** The bytes of storages by key. */
type Records = ReadonlyMap<string, { readonly bytes: Uint8Array; readonly where: string }>;

/** The integer in front of a file from before PyTorch 1.6, and the version behind it. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;
/** The first bytes of such a file: protocol 2 and the magic number as a 10-byte integer. */
const LEGACY_START: readonly number[] = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20];
const MAX_RANK = 64;

/** True for bytes that begin as a file of `torch.save` from before PyTorch 1.6. */
export function isLegacyTorch(bytes: Uint8Array): boolean {
  return LEGACY_START.every((byte, i) => bytes[i] === byte);
}

/**
 * The object in a file that PyTorch's `torch.save` wrote: usually a state dict, as a map from names to tensors.
 *
 * No code in the file is run: only tensors, parameters, numbers, text, bytes, lists, tuples, dicts and sets are built, and a
 * file that names anything else is refused. Tensors that share memory in the file share it here. Whole modules cannot be
 * loaded: save their `state_dict()`.
 *
 * @param bytes The whole file.
 * @throws {FormatError} If the file is damaged, or holds anything else; the message says where.
 *
 * @example
 * ```ts
 * const stateDict = await loadTorch<Map<string, Tensor>>(await Deno.readFile("net.pt"));
 * ```
 */
export function loadTorch<T = TorchValue>(bytes: Uint8Array, options: LoadOptions = {}): Promise<T> {
  return readTorch("PyTorch bytes", bytes, backendOf(options.mapLocation)) as Promise<T>;
}

/** As {@linkcode loadTorch}, with a name for messages. */
export async function readTorch(file: string, bytes: Uint8Array, backend: Backend): Promise<TorchValue> {
  if (isZip(bytes)) return await readArchive(file, new Zip(file, bytes), backend);
  if (isLegacyTorch(bytes)) return readLegacy(file, bytes, backend);
  refuse(file, "a file of torch.save must begin as a zip archive or with the magic number, got neither");
}

/** The object in a zip archive of `torch.save`. */
export async function readArchive(file: string, zip: Zip, backend: Backend): Promise<TorchValue> {
  const main = [...zip.entries.values()].filter(({ name }) => /^[^/]*\/?data\.pkl$/.test(name));
  const [entry] = main;
  if (entry === undefined || main.length > 1) {
    refuse(file, `the archive must have one record data.pkl, got ${main.length}`);
  }
  const folder = entry.name.slice(0, -"data.pkl".length);
  if (zip.entries.has(`${folder}constants.pkl`)) {
    refuse(
      file,
      "it must hold data, got a TorchScript program (constants.pkl): save the state_dict() instead",
    );
  }
  const pickle = await zip.read(entry);
  const order = zip.entries.get(`${folder}byteorder`);
  const bigEndian = order !== undefined && new TextDecoder().decode(await zip.read(order)).trim() === "big";
  const records = new Map<string, { bytes: Uint8Array; where: string }>();
  for (const id of survey(file, pickle, 0).storages.values()) {
    const where = `record ${quote(`${folder}data/${id.key}`)}`;
    const record = zip.entries.get(`${folder}data/${id.key}`);
    if (record === undefined) refuse(file, `${where} is missing`);
    const needed = id.numel * id.type.dtype.itemsize;
    if (record.size !== needed) {
      refuse(file, `${where} must have ${needed} bytes for ${id.numel} elements, got ${record.size}`);
    }
    records.set(id.key, { bytes: await zip.read(record), where });
  }
  return build(file, pickle, 0, records, backend, bigEndian);
}

function readLegacy(file: string, bytes: Uint8Array, backend: Backend): TorchValue {
  const nothing: PickleWorld = {
    find: () => undefined,
    persistent: (_, fail) => fail("nothing may stand outside here"),
  };
  const magic = unpickle(file, bytes, 0, nothing);
  const version = unpickle(file, bytes, magic.end, nothing);
  if (magic.value !== LEGACY_MAGIC || version.value !== LEGACY_VERSION) {
    refuse(file, `a file of torch.save must have version ${LEGACY_VERSION}, got ${String(version.value)}`);
  }
  const system = unpickle(file, bytes, version.end, nothing);
  const bigEndian = system.value instanceof Map && system.value.get("little_endian") === false;
  const start = system.end;
  const { storages, end } = survey(file, bytes, start);
  const keys = unpickle(file, bytes, end, nothing);
  const records = legacyRecords(file, bytes, keys.value, keys.end, storages);
  return build(file, bytes, start, records, backend, bigEndian);
}

/** The storages behind the pickles, each with its number of elements in front. */
function legacyRecords(
  file: string,
  bytes: Uint8Array,
  keys: unknown,
  start: number,
  storages: ReadonlyMap<string, StorageId>,
): Records {
  if (!Array.isArray(keys)) refuse(file, `the storage keys must be a list, before byte ${start}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = new Map<string, { bytes: Uint8Array; where: string }>();
  let at = start;
  for (const key of keys) {
    const id = typeof key === "string" ? storages.get(key) : undefined;
    if (id === undefined) {
      refuse(file, `the storage key ${quote(String(key))} must be one that a tensor uses`);
    }
    const where = `storage ${quote(id.key)}`;
    if (at + 8 > bytes.length) {
      refuse(file, `${where} must begin at byte ${at}, the file has ${bytes.length} bytes`);
    }
    const numel = view.getBigInt64(at, true);
    if (numel !== BigInt(id.numel)) {
      refuse(file, `${where} must have ${id.numel} elements, got ${numel} at byte ${at}`);
    }
    const end = at + 8 + id.numel * id.type.dtype.itemsize;
    if (end > bytes.length) refuse(file, `${where} ends at byte ${end}, the file has ${bytes.length} bytes`);
    records.set(id.key, { bytes: bytes.subarray(at + 8, end), where });
    at = end;
  }
  for (const key of storages.keys()) {
    if (!records.has(key)) refuse(file, `storage ${quote(key)} is missing`);
  }
  return records;
}

/** Runs the pickle at byte `start` for the storages that it names; no tensor is built. */
function survey(
  file: string,
  pickle: Uint8Array,
  start: number,
): { storages: Map<string, StorageId>; end: number } {
  const storages = new Map<string, StorageId>();
  const { end } = unpickle(file, pickle, start, {
    find: torchNames(() => PENDING),
    persistent(raw, fail) {
      const id = storageId(raw, fail);
      const known = storages.get(id.key);
      if (known !== undefined && (known.numel !== id.numel || known.type.dtype !== id.type.dtype)) {
        fail(`storage ${quote(id.key)} must be the same wherever it is named`);
      }
      storages.set(id.key, id);
      return id;
    },
  });
  return { storages, end };
}

function build(
  file: string,
  pickle: Uint8Array,
  start: number,
  records: Records,
  backend: Backend,
  bigEndian: boolean,
): TorchValue {
  const made = new Map<string, Tensor>();
  const world: PickleWorld = {
    find: torchNames(rebuildTensor),
    persistent(raw, fail) {
      const { key, numel, type } = storageId(raw, fail);
      let flat = made.get(key);
      if (flat === undefined) {
        const { bytes, where } = records.get(key)!;
        const elements = { kind: type.dtype, bytes, shape: [numel], bigEndian };
        made.set(key, flat = tensorOf(file, where, elements, backend));
      }
      return flat;
    },
  };
  return unpickle(file, pickle, start, world).value as TorchValue;
}

function storageId(id: unknown, fail: Fail): StorageId {
  if (!Array.isArray(id) || id[0] !== "storage") fail("only storages may stand outside of the pickle");
  const [, type, key, , numel, view] = id as unknown[];
  if (!(type instanceof StorageType)) fail("a storage must have a type");
  if (typeof key !== "string") fail("the key of a storage must be text");
  if (!isSize(numel) || !Number.isSafeInteger(numel * type.dtype.itemsize)) {
    fail(`storage ${quote(key)} must have a number of elements, got ${String(numel)}`);
  }
  if (view !== undefined && view !== null) {
    fail(`storage ${quote(key)} is a part of another, which is not supported`);
  }
  return { type, key, numel };
}

function rebuildTensor(view: ViewOfStorage, fail: Fail): Tensor {
  const { storage, offset, size, stride, requiresGrad } = view;
  const flat = storage as Tensor;
  if (!isSize(offset)) {
    fail(`the offset of a tensor must be a whole number that is not negative, got ${String(offset)}`);
  }
  const shape = sizes("size", size, fail);
  const strides = sizes("stride", stride, fail);
  if (shape.length !== strides.length || shape.length > MAX_RANK) {
    fail(
      `a tensor must have as many strides as sizes, at most ${MAX_RANK}, got ${strides.length} and ${shape.length}`,
    );
  }
  const last = shape.includes(0) ? -1 : shape.reduce((sum, n, d) => sum + (n - 1) * strides[d]!, offset);
  const numel = flat.shape[0]!;
  if (last >= numel || offset > numel) {
    fail(
      `a tensor must lie within its storage of ${numel} elements, got size [${shape.join(", ")}], stride [${
        strides.join(", ")
      }] from element ${offset}`,
    );
  }
  const out = makeTensor(flat.storage, shape, strides, offset, flat.dtype);
  if (requiresGrad === true) requireGrad(out, fail);
  return out;
}

function sizes(what: string, value: unknown, fail: Fail): Shape {
  if (!Array.isArray(value)) fail(`the ${what} of a tensor must be a tuple`);
  for (const n of value) {
    if (!isSize(n)) {
      fail(`the ${what} of a tensor must hold whole numbers that are not negative, got ${String(n)}`);
    }
  }
  return value as Shape;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
