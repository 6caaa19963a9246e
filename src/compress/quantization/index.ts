/** `quantize`: models in fewer bits. */
export { fakeQuantizePerChannelAffine, fakeQuantizePerTensorAffine } from '../../ops/fakequantize.js';
export type { Batch, Batches } from './batches.js';
export { EntropyObserver, MSEObserver } from './clipping.js';
export { QATConv2d, QATEmbedding, QATLinear } from './fakelayers.js';
export { FakeQuantize, type FakeQuantizeOptions } from './fakequantize.js';
export { HistogramObserver } from './histogram.js';
export { type MixedOptions, type MixedReport, mixed } from './mixed.js';
export {
  MinMaxObserver,
  MovingAverageMinMaxObserver,
  type ObserverName,
  PerChannelMinMaxObserver,
} from './observer.js';
export type { Observer, ObserverOptions } from './observing.js';
export { convert, type QATOptions, qat } from './qat.js';
export { type DynamicOptions, dynamic, type StaticOptions, static } from './quantize.js';
export { type LayerReport, type QuantizationReport, report } from './report.js';
export { halve, type WeightOnlyOptions, weightOnly } from './weightonly.js';
