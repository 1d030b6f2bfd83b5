/**
 * Datasets, samplers and loaders: PyTorch's `torch.utils.data`.
 *
 * @module
 */

export { type Collated, defaultCollate, type NumberArray } from "./src/collate.ts";
export { Dataset, type DatasetLike, IterableDataset, type IterableDatasetLike } from "./src/dataset.ts";
export { ConcatDataset, randomSplit, Subset, TensorDataset } from "./src/datasets.ts";
export { DataLoader, type DataLoaderOptions } from "./src/loader.ts";
export {
  BatchSampler,
  type GeneratorOption,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  type Sized,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from "./src/samplers.ts";
