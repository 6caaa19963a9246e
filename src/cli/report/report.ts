/**
 * What a run of the demonstration found out. `Report` is the content of `report.json`, a format that other programs
 * read; `ReportDetails` is what the HTML page shows beyond it.
 */

/** One network that the run made. */
export interface ReportVariant {
  /** Unique in the report, such as 'teacher' or 'int8'. */
  readonly name: string;
  /** How it was made, in a few words. */
  readonly method: string;
  /** Fractions in [0, 1]. */
  readonly accuracy: { readonly validation: number; readonly test: number };
  /** Numbers that are stored, zeros included. */
  readonly parameters: number;
  readonly nonzero: number;
  /** Size of `file` on disk. */
  readonly bytes: number;
  /** Median time of one forward pass, for 1 and for 64 samples at once. */
  readonly latencyMs: { readonly batch1: number; readonly batch64: number };
  /** Name of the model file, relative to the report. */
  readonly file: string;
}

/** The content of `report.json`. */
export interface Report {
  /** Version of fettle. */
  readonly version: string;
  /** What it was trained on, as on the command line: 'digits', 'mnist:DIR'. */
  readonly data: string;
  readonly seed: number;
  /** What computed, such as 'wasm (relaxed simd)'. */
  readonly device: string;
  /** What ran it, such as 'node 20.20.2 linux x64'. */
  readonly runtime: string;
  readonly variants: readonly ReportVariant[];
  /** Name of the variant to take. */
  readonly recommended: string;
  /**
   * Completes the sentence 'Take NAME because …', without a full stop: 'it is the smallest within half a point of the
   * teacher'.
   */
  readonly reason?: string;
  /** Duration of the whole run. */
  readonly seconds: number;
}

/** The name by which the report knows the network that all others are compared with. */
export const TEACHER = 'teacher';

/** One epoch of a training. Losses may be NaN where they were not measured. */
export interface EpochRecord {
  /** Counted from 1 within its stage. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validationLoss: number;
  /** Fraction in [0, 1]. */
  readonly validationAccuracy: number;
}

/** A training without interruption; an iterative method has one stage per round. */
export interface TrainingStage {
  /** Such as 'train' or 'retrain at 70 %'. */
  readonly name: string;
  readonly epochs: readonly EpochRecord[];
}

/** How a variant was trained. */
export interface LearningCurve {
  /** Name of the variant. */
  readonly variant: string;
  readonly stages: readonly TrainingStage[];
}

/** How many weights of a layer are zero. */
export interface LayerSparsity {
  /** Name of the parameter, such as 'fc1.weight'. */
  readonly layer: string;
  readonly weights: number;
  readonly zeros: number;
}

/** What is left of the layers of a variant. */
export interface VariantSparsity {
  /** Name of the variant. */
  readonly variant: string;
  readonly layers: readonly LayerSparsity[];
}

/** A sample of the test part that the recommended variant gets wrong. */
export interface WrongSample {
  /** The image as `encodePng` takes it: 0 (black) to 255, plane by plane, and [1 or 3, height, width]. */
  readonly data: Uint8Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Index of the true class. */
  readonly label: number;
  /** Index of the class that the model chose. */
  readonly predicted: number;
  /** Probability that the model gave to its choice, in [0, 1]. */
  readonly confidence: number;
}

/** What the page shows beyond `report.json`. */
export interface ReportDetails {
  /** The command that makes this report again. */
  readonly command: string;
  /** When the run began. */
  readonly date?: Date;
  /** Names of the classes, by index. */
  readonly classes: readonly string[];
  /** Number of samples in each part of the data. */
  readonly split: { readonly train: number; readonly validation: number; readonly test: number };
  readonly curves: readonly LearningCurve[];
  /** With the teacher's layers among them, the page also shows what shrinking took away. */
  readonly sparsity: readonly VariantSparsity[];
  /** Test samples of the recommended variant: `confusion[true class][chosen class]`. */
  readonly confusion: readonly (readonly number[])[];
  /** The page shows the most confident ones. */
  readonly wrong: readonly WrongSample[];
}
