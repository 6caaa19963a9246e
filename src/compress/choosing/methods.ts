import { fail } from '../../core/errors.js';
import { percent } from './step.js';
import type { Step } from './steps.js';

/** How strongly a method is applied. */
export interface Rung {
  /** In a few words, as 'prune 90 %'. */
  readonly label: string;
  /** Unique in the ladder; where the method has a `between`, it is its number. */
  readonly value: number;
  readonly steps: readonly Step[];
}

/** A method as the search tries it. */
export interface Method {
  readonly name: string;
  /** Methods follow one another in a chain by rising order; those of the same order exclude one another. */
  readonly order: number;
  /** From mild to strong: each is to cost less than the one before, and to lose no less. */
  readonly rungs: readonly Rung[];
  /** A rung between two neighbours, for the fine search; missing where there is none. */
  readonly between?: (mild: Rung, strong: Rung) => Rung;
}

/** What the search minimizes. */
export type Objective = 'size' | 'latency' | 'flops';

export interface Training {
  readonly epochs: number;
  readonly lr: number;
}

function ladder(
  name: string,
  order: number,
  values: readonly number[],
  { label, steps, digits }: { label: (v: number) => string; steps: (v: number) => Step[]; digits: number },
): Method {
  const rung = (value: number): Rung => ({ label: label(value), value, steps: steps(value) });
  const between = (mild: Rung, strong: Rung): Rung => rung(Number(((mild.value + strong.value) / 2).toFixed(digits)));
  return { name, order, rungs: values.map(rung), between };
}

function single(name: string, order: number, rungs: readonly (readonly [label: string, steps: Step[]])[]): Method {
  return { name, order, rungs: rungs.map(([label, steps], value) => ({ label, value, steps })) };
}

/** The methods that the search knows, with ladders of strengths. */
const KNOWN: Readonly<Record<string, (training: Training, objective: Objective) => Method>> = {
  factorize: (training) =>
    ladder('factorize', 1, [0.75, 0.5, 0.35, 0.2], {
      label: (v) => `factorize to ${percent(v)}`,
      steps: (ratio) => [{ factorize: { ratio, ...training, epochs: 2 * training.epochs } }],
      digits: 3,
    }),
  shrink: (training) =>
    ladder('shrink', 2, [0.25, 0.5, 0.65, 0.8], {
      label: (v) => `shrink ${percent(v)} of units`,
      steps: (sparsity) => [
        { prune: { sparsity, granularity: 'neuron', epochs: 0 } },
        { shrink: { ...training, epochs: 2 * training.epochs } },
      ],
      digits: 3,
    }),
  prune: (training) =>
    ladder('prune', 3, [0.5, 0.7, 0.8, 0.9, 0.95, 0.98], {
      label: (v) => `prune ${percent(v)}`,
      steps: (sparsity) => [{ prune: { sparsity, rounds: 2, ...training } }],
      digits: 4,
    }),
  cluster: (training) =>
    single(
      'cluster',
      5,
      [6, 5, 4, 3, 2].map((bits) => [`${bits}-bit codebooks`, [{ cluster: { bits, ...training } }]]),
    ),
  sparsify: () => single('sparsify', 5, [['sparse layers', [{ sparsify: {} }]]]),
  quantize: () => single('quantize', 5, [['int8', [{ quantize: { mode: 'static' } }]]]),
};

/** Methods that can lower what the objective counts. */
const FOR: Readonly<Record<Objective, readonly string[]>> = {
  size: ['factorize', 'shrink', 'prune', 'cluster', 'quantize'],
  latency: ['factorize', 'shrink', 'prune', 'sparsify', 'quantize'],
  flops: ['factorize', 'shrink'],
};

/** The names of the methods that the search knows. */
export const METHOD_NAMES: readonly string[] = Object.keys(KNOWN);

/** The methods to try, by rising order: those named, given, or, by default, those that can lower the objective. */
export function methodsFor(
  objective: Objective,
  given: readonly (string | Method)[] | undefined,
  training: Training,
): Method[] {
  const methods = (given ?? FOR[objective]).map((one): Method => {
    if (typeof one !== 'string') return checkMethod(one);
    const known = Object.hasOwn(KNOWN, one) ? KNOWN[one] : undefined;
    return (
      known?.(training, objective) ??
      fail('argument', `search: there is no method '${one}'. There are ${METHOD_NAMES.join(', ')}.`)
    );
  });
  const names = methods.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail('argument', `search: the method '${twice}' is given twice.`);
  if (methods.length === 0) fail('argument', `search: expected at least one method of ${METHOD_NAMES.join(', ')}.`);
  return methods.sort((a, b) => a.order - b.order);
}

function checkMethod(method: Method): Method {
  const { name, order, rungs } = (method ?? {}) as Partial<Method>;
  if (typeof name !== 'string' || typeof order !== 'number' || !Array.isArray(rungs) || rungs.length === 0) {
    fail('argument', 'search: a method of your own must be { name, order, rungs: [{ label, value, steps }, …] }.');
  }
  return method;
}
