/**
 * What may make a weight or a unit worth keeping. Scores are such that the lowest goes first.
 *
 * - `magnitude`: |w|, and for units the 2-norm (S. Han et al. 2015, "Learning both weights and connections for efficient neural
 *   networks"; H. Li et al. 2017, "Pruning filters for efficient ConvNets").
 * - `activation`: |w| · mean |x| for weights (M. Sun et al. 2023, "A simple and effective pruning approach for large language
 *   models", with the mean magnitude in place of the norm); mean |output| for units.
 * - `taylor`: |w · g|, the first-order change of the loss where the weight goes; for units |Σ w · g|; means over batches
 *   (P. Molchanov et al. 2017, "Pruning convolutional neural networks for resource efficient inference"; 2019, "Importance
 *   estimation for neural network pruning").
 * - `bnScale`: |γ| of the norm behind a unit (Z. Liu et al. 2017, "Learning efficient convolutional networks through network
 *   slimming").
 * - `fpgm`: the sum of a unit's distances from the others of its layer, which is small near their geometric median (Y. He et
 *   al. 2019, "Filter pruning via geometric median for deep convolutional neural networks acceleration").
 * - `apoz`: the share of a unit's activations that are not 0, where they are read (H. Hu et al. 2016, "Network trimming: a
 *   data-driven neuron pruning approach towards efficient deep architectures").
 * - `hessian`: w² · h / 2, the second-order change of the loss (Y. LeCun, J. Denker, S. Solla 1990, "Optimal brain damage"),
 *   with the empirical Fisher information, the mean of g² over batches, as the diagonal h; batches of one make it exact.
 * - `movement`: −Σ w · g over training: weights that move away from 0 stay (V. Sanh, T. Wolf, A. Rush 2020, "Movement pruning:
 *   adaptive sparsity by fine-tuning"). `MovementScores` gathers it during training.
 * - `random`: nothing; the baseline to compare with.
 * - `snip`: |w · Σ g|, for networks that have not been trained (N. Lee, T. Ajanthan, P. Torr 2019, "SNIP: single-shot network
 *   pruning based on connection sensitivity").
 * - `grasp`: w · Hg, what a weight adds to the flow of gradients (C. Wang, G. Zhang, R. Grosse 2020, "Picking winning tickets
 *   before training by preserving gradient flow").
 * - `synflow`: w · ∂R/∂w with R the sum of outputs of the network of absolute weights for an input of ones; needs no data, and
 *   many steps of `iterative` (H. Tanaka et al. 2020, "Pruning neural networks without any data by iteratively conserving
 *   synaptic flow").
 */
export const criteria = [
  'magnitude',
  'activation',
  'taylor',
  'bnScale',
  'fpgm',
  'apoz',
  'hessian',
  'movement',
  'random',
  'snip',
  'grasp',
  'synflow',
] as const;

export type Criterion = (typeof criteria)[number];

/** Criteria that rank units, and say nothing of single weights. */
export const unitCriteria: ReadonlySet<string> = new Set<Criterion>(['bnScale', 'fpgm', 'apoz']);

/** Criteria made from gradients of a loss. */
export const gradientCriteria: ReadonlySet<string> = new Set<Criterion>([
  'taylor',
  'hessian',
  'movement',
  'snip',
  'grasp',
]);

/** Criteria made from what flows through the model. */
export const activationCriteria: ReadonlySet<string> = new Set<Criterion>(['activation', 'apoz']);

/** Criteria whose scale is each layer's own: units of different layers compare by their share of the layer's mean. */
export const relativeCriteria: ReadonlySet<string> = new Set<Criterion>(['magnitude', 'activation', 'fpgm']);
