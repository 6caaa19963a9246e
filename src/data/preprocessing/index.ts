export type { Category } from './category.js';
export { LabelEncoder, type LabelEncoderJSON } from './labelencoder.js';
export { MaxAbsScaler, type MaxAbsScalerJSON } from './maxabsscaler.js';
export { MinMaxScaler, type MinMaxScalerJSON, type MinMaxScalerOptions } from './minmaxscaler.js';
export { Normalizer, type NormalizerJSON, type NormalizerOptions } from './normalizer.js';
export {
  type CategorySamples,
  OneHotEncoder,
  type OneHotEncoderJSON,
  type OneHotEncoderOptions,
} from './onehotencoder.js';
export { PCA, type PCAJSON, type PCAOptions } from './pca.js';
export { Pipeline, type PipelineJSON } from './pipeline.js';
export { PowerTransformer, type PowerTransformerJSON, type PowerTransformerOptions } from './powertransformer.js';
export { type Batch, Preprocessor, type PreprocessorJSON } from './preprocessor.js';
export {
  QuantileTransformer,
  type QuantileTransformerJSON,
  type QuantileTransformerOptions,
} from './quantiletransformer.js';
export { encoderFromJSON, preprocessorFromJSON } from './restore.js';
export { RobustScaler, type RobustScalerJSON, type RobustScalerOptions } from './robustscaler.js';
export { SimpleImputer, type SimpleImputerJSON, type SimpleImputerOptions } from './simpleimputer.js';
export { StandardScaler, type StandardScalerJSON, type StandardScalerOptions } from './standardscaler.js';
export type { Samples, SamplesLike } from './table.js';
