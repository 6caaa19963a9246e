import { type SparsifyOptions, sparsify } from '../../sparsity/sparsify.js';
import { checkKeys, type StepKind } from '../step.js';

/** Options of `sparsify`, whose example inputs are the recipe's. */
export type Sparsify = Omit<SparsifyOptions, 'exampleInputs'>;

const KEYS: readonly (keyof Sparsify)[] = ['format', 'batchSize', 'minimumGain', 'measure'];

export const sparsifyStep: StepKind<Sparsify> = {
  check(where, options) {
    checkKeys(where, options, KEYS);
  },
  label: () => 'sparse layers',
  async apply(model, options, { data }) {
    return { report: sparsify(model, { ...options, exampleInputs: data.inputs }) };
  },
};
