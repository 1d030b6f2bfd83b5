/**
 * Model files: safetensors and PyTorch's `.pt` to write and read, NumPy's `.npy` and `.npz` to read. Files are data here:
 * nothing in them is ever run, and a damaged or hostile one is refused with the byte or the key.
 *
 * @module
 */

export type { LoadSource } from "./src/files.ts";
export { load } from "./src/load.ts";
export { loadNpy } from "./src/numpy/npy.ts";
export { loadNpz } from "./src/numpy/npz.ts";
export { save, type SaveOptions } from "./src/save.ts";
export {
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from "./src/safetensors/header.ts";
export { type LoadOptions, loadSafetensors } from "./src/safetensors/read.ts";
export { type Metadata, type NamedTensors, saveSafetensors } from "./src/safetensors/write.ts";
export { loadTorch } from "./src/torch_file/load.ts";
export { saveTorch } from "./src/torch_file/save.ts";
export type { TorchKey, TorchValue } from "./src/torch_file/unpickle.ts";
