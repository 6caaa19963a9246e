import { fail } from '../../core/errors.js';
import { type Batch, Preprocessor, samplesOf } from './preprocessor.js';
import type { Samples, SamplesLike, Table } from './table.js';

export interface PipelineJSON {
  readonly kind: 'Pipeline';
  readonly steps: readonly unknown[];
}

/**
 * Preprocessors one after another, each fitted to what those before it make of the samples; scikit-learn's Pipeline. Fit
 * it on the training part, and nothing of the other parts leaks into it.
 */
export class Pipeline extends Preprocessor<object> {
  readonly kind = 'Pipeline';
  readonly steps: readonly Preprocessor[];

  constructor(steps: readonly Preprocessor[]) {
    super();
    const wrong = steps.findIndex((step) => !(step instanceof Preprocessor));
    if (wrong >= 0) fail('argument', `Pipeline: step ${wrong} is no preprocessor.`);
    if (steps.length === 0) fail('argument', 'Pipeline: expected at least one step.');
    this.steps = [...steps];
  }

  override get fitted(): boolean {
    return this.steps.every((step) => step.fitted);
  }

  override fit(x: Samples): this {
    this.fitTransform(x);
    return this;
  }

  /** Only where every step can go on from what it knows: the first step's statistics change what the second has seen. */
  override partialFit(x: Samples): this {
    if (this.steps.length === 1) this.steps[0]?.partialFit(x);
    else if (this.fitted) {
      fail(
        'unsupported',
        'Pipeline.partialFit: what the first step learns anew changes the samples that the next has already seen. ' +
          'Fit it whole, or each step on the stream by itself.',
      );
    } else this.fit(x);
    return this;
  }

  /**
   * Fits the first step to the stream, the second to what the first makes of it, and so on: a pass for each step, so `batches`
   * must be iterable anew each time, as a DataLoader is.
   */
  override async fitStream(batches: AsyncIterable<Batch> | Iterable<Samples>): Promise<this> {
    for (const [i, step] of this.steps.entries()) {
      const before = this.steps.slice(0, i);
      await step.fitStream(through(before, batches));
    }
    return this;
  }

  override fitTransform<X extends Samples>(x: X): SamplesLike<X> {
    return this.steps.reduce<Samples>((value, step) => step.fitTransform(value), x) as SamplesLike<X>;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    return this.steps.reduce<Samples>((value, step) => step.transform(value), x) as SamplesLike<X>;
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    return this.steps.reduceRight<Samples>((value, step) => step.inverseTransform(value), x) as SamplesLike<X>;
  }

  protected learn(_table: Table): object {
    return {};
  }

  protected featuresOf(_state: object): number {
    return fail('state', 'Pipeline: its first step knows how many features it takes.');
  }

  toJSON(): PipelineJSON {
    return { kind: 'Pipeline', steps: this.steps.map((step) => step.toJSON()) };
  }
}

/** The stream as the steps before leave it. */
async function* through(
  steps: readonly Preprocessor[],
  batches: AsyncIterable<Batch> | Iterable<Samples>,
): AsyncGenerator<Samples> {
  for await (const batch of batches) {
    yield steps.reduce<Samples>((value, step) => step.transform(value), samplesOf(batch));
  }
}
