import { fail } from '../core/errors.js';
import { MinMaxScaler } from './minmaxscaler.js';
import { StandardScaler } from './standardscaler.js';
import type { Samples, SamplesLike } from './table.js';

/** What every preprocessor can do; `fit` on the training part alone, `transform` on any. */
export interface Preprocessor {
  readonly fitted: boolean;
  fit(x: Samples): this;
  partialFit(x: Samples): this;
  transform<X extends Samples>(x: X): SamplesLike<X>;
  fitTransform<X extends Samples>(x: X): SamplesLike<X>;
  inverseTransform<X extends Samples>(x: X): SamplesLike<X>;
  toJSON(): { readonly kind: string };
}

/** Restores a preprocessor from what its `toJSON` gave, whichever it is. */
export function preprocessorFromJSON(json: unknown): Preprocessor {
  const kind = typeof json === 'object' && json !== null && 'kind' in json ? json.kind : undefined;
  switch (kind) {
    case 'StandardScaler':
      return StandardScaler.fromJSON(json);
    case 'MinMaxScaler':
      return MinMaxScaler.fromJSON(json);
    default:
      return fail(
        'format',
        `preprocessorFromJSON: unknown kind ${JSON.stringify(kind)}. Known are StandardScaler and MinMaxScaler.`,
      );
  }
}
