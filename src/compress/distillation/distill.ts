import { isCapturing, noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { type Module, ModuleList, type Parameter } from '../../nn/index.js';
import { add, crossEntropy, indexSelect, mul, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { withFeatures } from './features.js';
import { checkAlpha, checkTemperature, type DistillationOptions, kdLoss } from './soft.js';
import { averageLogits, type Classifier, MeanTeacher, sharesOf } from './teachers.js';
import {
  type FeaturePair,
  featureTerm,
  isOnPredictions,
  type LossName,
  type LossOptions,
  predictionTerm,
  readLoss,
  type Seen,
  type Term,
} from './terms.js';

export interface DistillerOptions extends DistillationOptions {
  /**
   * Who teaches: a model, or several, whose predictions are averaged and whose features are all followed. A model trained
   * before makes the student born again; a `MeanTeacher` is the student's own average. Left out, each step has to say what the
   * teacher said: `step(x, labels, { teacherLogits })`.
   */
  readonly teacher?: Classifier | readonly Classifier[];
  readonly student: Classifier;
  /** Shares of several teachers. Default: all the same. */
  readonly teacherWeights?: readonly number[];
  /**
   * What is learned from the teacher, each by name or with its options. Those on predictions ('kd', 'dkd') have alpha times
   * their weight and the labels 1 − alpha; alpha is 0 by default where there are none. Default: ['kd'].
   */
  readonly losses?: readonly (LossName | LossOptions)[];
  /** Modules whose features belong together, for the losses on features: [['layer1', 'block2'], …]. */
  readonly features?: readonly FeaturePair[];
  /** A batch as the models take it, by which losses on features find out what has to fit what. */
  readonly exampleInputs?: Tensor;
  /**
   * On how many random mixtures of a batch's inputs the student also follows the teacher. A mixture has no label, but a
   * teacher has an opinion on it, and the student sees more of the teacher's function than the data shows (Beyer et al. 2022,
   * "Knowledge distillation: a good teacher is patient and consistent"). Each costs one more pass. Default 0.
   */
  readonly mixtures?: number;
  /** The stream that mixtures are drawn from. Default: the one that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** What may be known of a batch beside its inputs and labels. */
export interface StepExtras {
  /** The samples' numbers in the data set [N], for the memory of 'crd'. */
  readonly indices?: Tensor;
  /** What the teacher says of the batch [N, C], where `teacherLogits` asked it before: it is not run for that again. */
  readonly teacherLogits?: Tensor;
}

/** A model's output for a batch, and the features that were asked for. */
interface Heard {
  readonly logits: Tensor;
  readonly features: ReadonlyMap<string, Tensor>;
}

/**
 * Trains a student on what a teacher says and, by names of modules, on how it gets there. Teachers are put into evaluation
 * mode, run without gradients, and not changed.
 *
 * @example
 * const teacher = new nn.Sequential(new nn.Linear(4, 64), new nn.ReLU(), new nn.Linear(64, 3)); // trained
 * const student = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3));
 * const [x, labels] = [randn([16, 4]), randint(3, [16])];
 * const distiller = new compress.Distiller({ teacher, student, losses: ['kd', 'rkd'], features: [['1', '1']], exampleInputs: x });
 * const optimizer = new optim.Adam(distiller.parameters()); // the student's, and those of layers that make features comparable
 * distiller.loss(x, labels).backward();
 * optimizer.step();
 */
export class Distiller {
  /** The first teacher. */
  readonly teacher: Classifier | null;
  readonly teachers: readonly Classifier[];
  readonly student: Classifier;
  /** What learns beside the student to make features comparable: regressors, and the maps and memories of 'crd'. */
  readonly adapters: ModuleList;
  private readonly shares: readonly number[];
  private readonly temperature: number;
  private readonly alpha: number;
  private readonly mixtures: number;
  private readonly generator: Generator;
  private readonly predictions: readonly Term[];
  /** The losses on features, for each teacher. */
  private readonly features: readonly (readonly Term[])[];

  constructor(options: DistillerOptions) {
    const { teacher, student, mixtures = 0, generator = defaultGenerator, temperature = 4 } = options;
    if (!Number.isInteger(mixtures) || mixtures < 0) {
      fail('argument', `Distiller: mixtures must be a whole number ≥ 0, got ${mixtures}.`);
    }
    const losses = (options.losses ?? ['kd']).map(readLoss);
    if (losses.length === 0)
      fail('argument', "Distiller: losses are empty, so that the teacher has no say. Try ['kd'].");
    const [onPredictions, onFeatures] = [
      losses.filter(isOnPredictions),
      losses.filter((loss) => !isOnPredictions(loss)),
    ];
    this.temperature = checkTemperature('Distiller', temperature);
    this.alpha = checkAlpha('Distiller', options.alpha ?? (onPredictions.length > 0 ? 0.9 : 0));
    this.teachers = teacher === undefined ? [] : Array.isArray(teacher) ? teacher : [teacher as Classifier];
    this.teacher = this.teachers[0] ?? null;
    this.student = student;
    if (this.teachers.includes(student)) {
      fail(
        'argument',
        'Distiller: the student is its own teacher. Use a MeanTeacher(student), or a copy: cloneModule(student).',
      );
    }
    this.shares = this.teachers.length === 0 ? [] : sharesOf('Distiller', this.teachers.length, options.teacherWeights);
    if (this.teachers.length === 0 && (mixtures > 0 || onFeatures.length > 0)) {
      fail('argument', 'Distiller: mixtures and losses on features need a teacher to ask.');
    }
    this.mixtures = mixtures;
    this.generator = generator;
    this.predictions = onPredictions.map((loss) => predictionTerm(loss, this.temperature));
    this.features = this.prepare(onFeatures, options);
    this.adapters = new ModuleList(this.features.flat().flatMap(({ adapter }) => adapter ?? []));
    for (const model of this.teachers) model.eval();
  }

  /** What an optimizer has to train: the student's parameters, and those that make features comparable. */
  parameters(): Parameter[] {
    return [...this.student.parameters(), ...this.adapters.parameters()];
  }

  /**
   * The loss of one batch, and the student's logits: x as the models take it, labels [N] class indices, or null where alpha is 1
   * and nothing asks for them.
   */
  step(x: Tensor, labels: Tensor, extras?: StepExtras): { loss: Tensor; logits: Tensor; labels: Tensor };
  step(x: Tensor, labels: Tensor | null, extras?: StepExtras): { loss: Tensor; logits: Tensor; labels?: Tensor };
  step(
    x: Tensor,
    labels: Tensor | null,
    extras: StepExtras = {},
  ): { loss: Tensor; logits: Tensor; labels?: Tensor | undefined } {
    const { alpha, mixtures } = this;
    if (labels === null && alpha < 1) {
      fail(
        'argument',
        `Distiller: without labels alpha must be 1, got ${alpha}: 1 − alpha is the weight of the labels.`,
      );
    }
    if (mixtures > 0 && isCapturing()) {
      fail(
        'unsupported',
        'Distiller: mixtures are drawn in JavaScript, which a captured step does not repeat. Set them to 0.',
      );
    }
    const heard = this.ask(this.student, 'student', this.features.flat(), x);
    const parts = this.parts(heard, x, labels, extras);
    if (labels !== null && alpha < 1) parts.push(mul(crossEntropy(heard.logits, labels), 1 - alpha));
    if (parts.length === 0) fail('argument', 'Distiller: every loss has weight 0, so that there is nothing to learn.');
    let loss = parts.reduce((sum, part) => add(sum, part));
    const { temperature } = this;
    for (let i = 0; i < mixtures; i++) {
      const mixed = noGrad(() => this.mix(x));
      loss = add(loss, kdLoss(this.student.forward(mixed), this.average(this.teach(mixed)), { temperature }));
    }
    if (mixtures > 0) loss = mul(loss, 1 / (1 + mixtures));
    return { loss, logits: heard.logits, ...(labels === null ? {} : { labels }) };
  }

  /** The loss alone. */
  loss(x: Tensor, labels: Tensor | null, extras?: StepExtras): Tensor {
    return this.step(x, labels, extras).loss;
  }

  /** Frees what made features comparable. Student and teachers stay. */
  dispose(): void {
    this.adapters.dispose();
  }

  /** A model's answer, with the features of its side of the pairs. */
  private ask(model: Classifier, whose: 'student' | 'teacher', terms: readonly Term[], x: Tensor): Heard {
    const names = terms.map(({ pair }) => (pair as FeaturePair)[whose === 'student' ? 0 : 1]);
    const { result, features } = withFeatures('Distiller', whose, model, names, () => model.forward(x));
    return { logits: checked(result, whose), features };
  }

  /** What each teacher says of x. */
  private teach(x: Tensor): Heard[] {
    return noGrad(() =>
      this.teachers.map((teacher, i) => {
        if (teacher.training) teacher.eval();
        return this.ask(teacher, 'teacher', this.features[i] ?? [], x);
      }),
    );
  }

  private average(heard: readonly Heard[]): Tensor {
    const logits = heard.map((one) => one.logits);
    return noGrad(() => averageLogits(logits, this.shares, this.temperature));
  }

  /** All losses that a teacher has a part in, weighted. */
  private parts(student: Heard, x: Tensor, labels: Tensor | null, extras: StepExtras): Tensor[] {
    const { indices = null, teacherLogits = null } = extras;
    const predictions = this.alpha === 0 ? [] : this.predictions.filter(({ weight }) => weight > 0);
    const onFeatures = this.features.some((terms) => terms.some(({ weight }) => weight > 0));
    if (predictions.length === 0 && !onFeatures) return [];
    if (teacherLogits === null && this.teachers.length === 0) {
      fail(
        'argument',
        'Distiller: there is no teacher to ask. Hand over what it said: step(x, labels, { teacherLogits }).',
      );
    }
    for (const teacher of this.teachers) if (teacher instanceof MeanTeacher) teacher.update();
    const heard = teacherLogits === null || onFeatures ? this.teach(x) : [];
    const parts = predictions.map((term) => {
      const said = teacherLogits ?? this.average(heard);
      return mul(term.compute({ student: student.logits, teacher: said, labels, indices }), this.alpha * term.weight);
    });
    this.features.forEach((terms, i) => {
      for (const term of terms) {
        if (term.weight === 0) continue;
        const [ours, theirs] = term.pair as FeaturePair;
        const seen: Seen = {
          ...{ labels, indices },
          student: student.features.get(ours) as Tensor,
          teacher: heard[i]?.features.get(theirs) as Tensor,
        };
        parts.push(mul(term.compute(seen), term.weight * (this.shares[i] as number)));
      }
    });
    return parts;
  }

  /** Runs one batch to see what the named modules give, and makes the losses on features for it. */
  private prepare(losses: readonly ReturnType<typeof readLoss>[], options: DistillerOptions): Term[][] {
    if (losses.length === 0) return [];
    const pairsOf = (loss: LossOptions): readonly FeaturePair[] => {
      const pairs = ('features' in loss ? loss.features : undefined) ?? options.features ?? [];
      if (pairs.length > 0 && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) return pairs;
      return fail(
        'argument',
        `Distiller: the loss ${String(loss.loss)} compares features. Name modules of student and teacher: ` +
          "features: [['layer1', 'block2']]; '' is a model's output.",
      );
    };
    const wanted = losses.flatMap((loss) => pairsOf(loss).map((pair) => ({ loss, pair })));
    const { exampleInputs } = options;
    if (!(exampleInputs instanceof Tensor)) {
      return fail(
        'argument',
        'Distiller: losses on features need exampleInputs, a batch as the models take it, to fit their shapes.',
      );
    }
    const made: Term[] = [];
    try {
      return scope(() => {
        const names = (side: 0 | 1): string[] => wanted.map(({ pair }) => pair[side]);
        const ours = probe(this.student, 'student', names(0), exampleInputs);
        return this.teachers.map((teacher) => {
          const theirs = probe(teacher, 'teacher', names(1), exampleInputs);
          return wanted.map(({ loss, pair }) => {
            const term = featureTerm(loss, pair, ours.get(pair[0]) as Tensor, theirs.get(pair[1]) as Tensor);
            made.push(term);
            return term;
          });
        });
      });
    } catch (error) {
      for (const { adapter } of made) adapter?.dispose();
      throw error;
    }
  }

  /** Each input blended with another of the batch, between a fifth and four fifths of either. */
  private mix(x: Tensor): Tensor {
    const share = 0.2 + 0.6 * this.generator.uniform();
    const other = indexSelect(x, 0, tensor(this.generator.permutation(x.shape[0] as number)));
    return add(mul(x, share), mul(other, 1 - share));
  }
}

/** What a model gave, if it can be logits. */
function checked(output: unknown, whose: 'student' | 'teacher'): Tensor {
  if (output instanceof Tensor) return output;
  return fail(
    'argument',
    `Distiller: the ${whose}'s forward must give a tensor of logits, got ${Array.isArray(output) ? 'an array' : typeof output}. ` +
      'Wrap the model in one whose forward picks them.',
  );
}

/** The features of the named modules for one batch, in evaluation mode; the model is left as it was. */
function probe(
  model: Module & { forward(x: Tensor): Tensor },
  whose: 'student' | 'teacher',
  names: readonly string[],
  x: Tensor,
): ReadonlyMap<string, Tensor> {
  const modes = model.modules().map((module) => [module, module.training] as const);
  try {
    model.eval();
    return noGrad(() => withFeatures('Distiller', whose, model, names, () => model.forward(x)).features);
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}
