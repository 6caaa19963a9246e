import { type ClusterOptions, cluster } from '../../codebook/cluster.js';
import { checkKeys, checkTraining, LEARNING_RATE, type StepKind, type TrainingOptions } from '../step.js';

/** Options of `cluster`, and training of the centroids after it, none by default. */
export type Cluster = ClusterOptions & TrainingOptions;

const KEYS: readonly (keyof Cluster)[] = [
  'bits',
  'init',
  'update',
  'except',
  'iterations',
  'generator',
  'epochs',
  'lr',
];

export const clusterStep: StepKind<Cluster> = {
  check(where, options, _, data) {
    checkKeys(where, options, KEYS);
    checkTraining(where, options, data);
  },
  label: ({ bits = 5 }) => (typeof bits === 'number' ? `${bits}-bit codebooks` : 'codebooks'),
  async apply(model, { epochs = 0, lr = LEARNING_RATE, ...options }, { retrain }) {
    const report = cluster(model, options);
    await retrain(model, { name: 'cluster', epochs, lr });
    return { report };
  },
};
