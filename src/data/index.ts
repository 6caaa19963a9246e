/** fettle/data: datasets, loaders, samplers, splits, preprocessing, transforms, readers. */
export * from './audio/index.js';
export { type CheckOptions, checkData, checkSplit, type DataReport, type SplitReport } from './check.js';
export { CIFAR10, CIFAR100, type Cifar100Options, type CifarOptions } from './cifar.js';
export { type Collated, defaultCollate, type HostArray } from './collate.js';
export {
  byScore,
  type CoresetOptions,
  CoresetSampler,
  el2nScores,
  herding,
  type KCenterOptions,
  kCenter,
  type ScoreOptions,
} from './coreset.js';
export { type CrossValidateOptions, type CrossValidation, crossValidate, type FoldData } from './crossvalidate.js';
export { type CsvFormat, CsvParser, type CsvRecord, parseCsv } from './csv.js';
export { CSVDataset } from './csvdataset.js';
export type { ColumnType, CsvColumn, CsvOptions, CsvTable } from './csvtable.js';
export { ConcatDataset, type Dataset, type Pass, Subset, TensorDataset } from './dataset.js';
export { Digits, digits } from './digits.js';
export {
  DistributedSampler,
  type DistributedSamplerArguments,
  type DistributedSamplerOptions,
} from './distributedsampler.js';
export {
  type Fold,
  GroupKFold,
  KFold,
  type KFoldOptions,
  StratifiedKFold,
  TimeSeriesSplit,
  type TimeSeriesSplitOptions,
} from './folds.js';
export { readIdx } from './idx.js';
export { type DecodedImage, type DecodeOptions, decodeImage, readImage } from './images/decode.js';
export { encodePng } from './images/encode.js';
export { ImageDataset, type ImageOptions, type LabelledImages } from './images/imagedataset.js';
export {
  ImageFolder,
  type ImageFolderOptions,
  type ImageList,
  type ImageSample,
  type PackedSamples,
  type SkippedImage,
} from './images/imagefolder.js';
export type { ImageMode } from './images/pixels.js';
export type { Labels } from './labels.js';
export { DataLoader, type DataLoaderOptions, type LoaderState } from './loader.js';
export { FashionMNIST, type IdxPair, MNIST, type MnistOptions } from './mnist.js';
export { holdOut, keepOrder } from './parts.js';
export * from './preprocessing/index.js';
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
export { SparseDataset, type SparseOptions, type SparseTable } from './sparsedataset.js';
export {
  type Randomness,
  randomSplit,
  stratifiedSplit,
} from './split.js';
export * from './text/index.js';
export * from './transforms/index.js';
export * as transforms from './transforms/index.js';
export { fromModule } from './workers/frommodule.js';
export { serveLoader } from './workers/serve.js';
