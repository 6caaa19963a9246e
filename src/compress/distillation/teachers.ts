import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { cloneModule, Module } from '../../nn/index.js';
import { add, copy_, lerp_, logSoftmax, logsumexp, mul, stack } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { checkLogits } from './soft.js';

/** A model that takes one tensor and gives logits. */
export type Classifier = Module & { forward(x: Tensor): Tensor };

/** Shares of several teachers, which add up to 1. */
export function sharesOf(by: string, teachers: number, weights: readonly number[] | undefined): number[] {
  if (weights === undefined) return new Array<number>(teachers).fill(1 / teachers);
  const total = weights.reduce((a, b) => a + b, 0);
  if (weights.length !== teachers || !weights.every((w) => w >= 0 && Number.isFinite(w)) || !(total > 0)) {
    fail(
      'argument',
      `${by}: expected a weight ≥ 0 for each of ${teachers} teachers, not all of them 0, got [${weights.join(', ')}].`,
    );
  }
  return weights.map((w) => w / total);
}

/**
 * Logits that at temperature T say what several teachers say on average: T · log of the weighted mean of their softened
 * predictions (Hinton, Vinyals, Dean 2015, section 1: the arithmetic mean of an ensemble). One teacher's stay as they are.
 */
export function averageLogits(logits: readonly Tensor[], shares: readonly number[], temperature: number): Tensor {
  const [first, ...others] = logits as readonly [Tensor, ...Tensor[]];
  if (others.length === 0) return first;
  for (const other of others) checkLogits('Distiller: two teachers differ', first, other);
  // In logarithms, so that what all of them hold for impossible does not become −∞.
  const parts = logits.flatMap((l, i) => {
    const share = shares[i] as number;
    return share === 0 ? [] : [add(logSoftmax(mul(l, 1 / temperature), 1), elementary.log(share))];
  });
  return mul(logsumexp(stack(parts), 0), temperature);
}

/**
 * A teacher that is the average of its student's past weights: teacher ← decay · teacher + (1 − decay) · student at each
 * step; running statistics are copied. Tarvainen and Valpola 2017, "Mean teachers are better role models: weight-averaged
 * consistency targets improve semi-supervised deep learning results".
 */
export class MeanTeacher extends Module {
  readonly average: Classifier;
  private readonly decay: number;
  private readonly followed: () => Classifier;

  constructor(student: Classifier, { decay = 0.999 }: { readonly decay?: number } = {}) {
    super();
    if (!(decay >= 0 && decay < 1)) fail('argument', `MeanTeacher: decay must be in [0, 1), got ${decay}.`);
    this.average = cloneModule(student);
    this.decay = decay;
    // Behind a function, because a module that is a property would be part of this one.
    this.followed = () => student;
  }

  forward(x: Tensor): Tensor {
    return this.average.forward(x);
  }

  /** Takes the student's weights into the average. A Distiller does so at each step. */
  update(): void {
    const student = this.followed();
    noGrad(() => {
      const theirs = student.parameters();
      this.average.parameters().forEach((mine, i) => lerp_(mine, theirs[i] as Tensor, 1 - this.decay));
      const buffers = student.buffers();
      this.average.buffers().forEach((mine, i) => copy_(mine, buffers[i] as Tensor));
    });
  }
}
