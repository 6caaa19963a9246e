import { fail } from '../../../core/errors.js';
import { type FactorizeOptions, factorize } from '../../lowrank/factorize.js';
import { checkKeys, checkTraining, LEARNING_RATE, percent, type StepKind, type TrainingOptions } from '../step.js';

/** Options of `factorize`, and training of the factors after it, none by default. */
export type Factorize = FactorizeOptions & TrainingOptions;

const KEYS: readonly (keyof Factorize)[] = ['rank', 'energy', 'ratio', 'layers', 'method', 'epochs', 'lr'];

export const factorizeStep: StepKind<Factorize> = {
  check(where, options, _, data) {
    checkKeys(where, options, KEYS);
    const given = [options.rank, options.energy, options.ratio].filter((value) => value !== undefined);
    if (given.length !== 1) fail('argument', `${where}: expected one of rank, energy and ratio, got ${given.length}.`);
    checkTraining(where, options, data);
  },
  label: ({ energy, ratio }) =>
    typeof energy === 'number'
      ? `factorize, ${percent(energy)} of the energy`
      : typeof ratio === 'number'
        ? `factorize to ${percent(ratio)}`
        : 'factorize',
  async apply(model, { epochs = 0, lr = LEARNING_RATE, ...options }, { retrain }) {
    const report = factorize(model, options);
    await retrain(model, { name: 'factorize', epochs, lr });
    return { report };
  },
};
