/** The options of losses in the order in which PyTorch takes them by position; functions and layers share them. */

export const LOSS_NAMES = ['sizeAverage', 'reduce', 'reduction'] as const;
export const NLL_NAMES = ['weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction'] as const;
export const CROSS_ENTROPY_NAMES = [...NLL_NAMES, 'labelSmoothing'] as const;
export const HUBER_NAMES = ['reduction', 'delta'] as const;
export const SMOOTH_NAMES = [...LOSS_NAMES, 'beta'] as const;
export const KL_NAMES = [...LOSS_NAMES, 'logTarget'] as const;
export const KL_REDUCTIONS = ['mean', 'sum', 'none', 'batchmean'] as const;
export const BCE_NAMES = ['weight', ...LOSS_NAMES] as const;
export const BCE_WITH_LOGITS_NAMES = [...BCE_NAMES, 'posWeight'] as const;
export const POISSON_NAMES = ['logInput', 'full', 'sizeAverage', 'eps', 'reduce', 'reduction'] as const;
export const GAUSSIAN_NAMES = ['full', 'eps', 'reduction'] as const;
export const MARGIN_NAMES = ['margin', ...LOSS_NAMES] as const;
export const TRIPLET_NAMES = ['margin', 'p', 'eps', 'swap', ...LOSS_NAMES] as const;
export const TRIPLET_DISTANCE_NAMES = ['distanceFunction', 'margin', 'swap', 'reduction'] as const;
export const MULTI_MARGIN_NAMES = ['p', 'margin', 'weight', ...LOSS_NAMES] as const;
export const SOFT_NAMES = ['weight', ...LOSS_NAMES] as const;
export const CTC_NAMES = ['blank', 'reduction', 'zeroInfinity'] as const;
