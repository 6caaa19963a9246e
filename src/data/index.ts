/** fettle/data: datasets, loaders, samplers, splits, preprocessing, transforms, readers. */
export { type Collated, defaultCollate, type HostArray } from './collate.js';
export { type CsvFormat, CsvParser, type CsvRecord, parseCsv } from './csv.js';
export { type ColumnType, CSVDataset, type CsvColumn, type CsvOptions, type CsvTable } from './csvdataset.js';
export { ConcatDataset, type Dataset, type Pass, Subset, TensorDataset } from './dataset.js';
export { Digits, digits } from './digits.js';
export { readIdx } from './idx.js';
export { ImageDataset, type ImageOptions, type LabelledImages } from './images.js';
export type { Labels } from './labels.js';
export { DataLoader, type DataLoaderOptions, type LoaderState } from './loader.js';
export { MinMaxScaler, type MinMaxScalerJSON, type MinMaxScalerOptions } from './minmaxscaler.js';
export { FashionMNIST, type IdxPair, MNIST, type MnistOptions } from './mnist.js';
export { type Preprocessor, preprocessorFromJSON } from './preprocessing.js';
export {
  balancedWeights,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  StratifiedSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from './sampler.js';
export type { Source } from './source.js';
export {
  type Fold,
  KFold,
  type KFoldOptions,
  type Randomness,
  randomSplit,
  StratifiedKFold,
  stratifiedSplit,
} from './split.js';
export { StandardScaler, type StandardScalerJSON, type StandardScalerOptions } from './standardscaler.js';
export type { Samples, SamplesLike } from './table.js';
export * from './transforms/index.js';
export * as transforms from './transforms/index.js';
