import { fail } from '../../core/errors.js';
import type { StepKind, TrainingOptions } from './step.js';
import { type Cluster, clusterStep } from './steps/cluster.js';
import { type Distill, distillStep } from './steps/distill.js';
import { type Factorize, factorizeStep } from './steps/factorize.js';
import { type Prune, pruneStep } from './steps/prune.js';
import { type Quantize, quantizeStep } from './steps/quantize.js';
import { type Custom, customStep, retrainStep, type Shrink, shrinkStep } from './steps/simple.js';
import { type Sparsify, sparsifyStep } from './steps/sparsify.js';

/** A step of a recipe: the name of a method, and its options. */
export type Step =
  | { readonly prune: Prune }
  | { readonly shrink: Shrink }
  | { readonly distill: Distill }
  | { readonly quantize: Quantize }
  | { readonly factorize: Factorize }
  | { readonly cluster: Cluster }
  | { readonly sparsify: Sparsify }
  | { readonly retrain: TrainingOptions }
  | { readonly custom: Custom };

type Named<S> = S extends S ? { [K in keyof S]: StepKind<S[K]> } : never;
type Together<U> = (U extends U ? (u: U) => void : never) extends (i: infer I) => void ? I : never;

const KINDS: Together<Named<Step>> = {
  prune: pruneStep,
  shrink: shrinkStep,
  distill: distillStep,
  quantize: quantizeStep,
  factorize: factorizeStep,
  cluster: clusterStep,
  sparsify: sparsifyStep,
  retrain: retrainStep,
  custom: customStep,
};

/** A step with what knows how to do it. */
export interface KnownStep {
  readonly name: string;
  readonly kind: StepKind<unknown>;
  readonly options: unknown;
}

/** The steps, looked up. Throws for what is none. */
export function knownSteps(by: string, steps: readonly Step[]): KnownStep[] {
  if (!Array.isArray(steps)) fail('argument', `${by}: expected an array of steps, as [{ prune: { sparsity: 0.9 } }].`);
  return steps.map((step: unknown, i) => {
    const keys = typeof step === 'object' && step !== null ? Object.keys(step) : [];
    const [name] = keys;
    if (name === undefined || keys.length !== 1) {
      return fail(
        'argument',
        `${by}: step ${i + 1} must be an object with one method, as { prune: { sparsity: 0.9 } }, got ${keys.length} keys.`,
      );
    }
    if (!Object.hasOwn(KINDS, name)) {
      fail(
        'argument',
        `${by}: step ${i + 1}: there is no method '${name}'. There are ${Object.keys(KINDS).join(', ')}.`,
      );
    }
    const options = (step as Record<string, unknown>)[name];
    return { name, kind: KINDS[name as keyof typeof KINDS] as StepKind<unknown>, options };
  });
}
