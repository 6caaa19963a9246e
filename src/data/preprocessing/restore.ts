import { fail } from '../../core/errors.js';
import { LabelEncoder } from './labelencoder.js';
import { MaxAbsScaler } from './maxabsscaler.js';
import { MinMaxScaler } from './minmaxscaler.js';
import { Normalizer } from './normalizer.js';
import { OneHotEncoder } from './onehotencoder.js';
import { PCA } from './pca.js';
import { Pipeline } from './pipeline.js';
import { PowerTransformer } from './powertransformer.js';
import type { Preprocessor } from './preprocessor.js';
import { QuantileTransformer } from './quantiletransformer.js';
import { RobustScaler } from './robustscaler.js';
import { SimpleImputer } from './simpleimputer.js';
import { StandardScaler } from './standardscaler.js';

/** Restores a kind from its JSON. */
const KINDS: Readonly<Record<string, (json: unknown) => Preprocessor>> = {
  StandardScaler: StandardScaler.fromJSON,
  MinMaxScaler: MinMaxScaler.fromJSON,
  MaxAbsScaler: MaxAbsScaler.fromJSON,
  RobustScaler: RobustScaler.fromJSON,
  Normalizer: Normalizer.fromJSON,
  PowerTransformer: PowerTransformer.fromJSON,
  QuantileTransformer: QuantileTransformer.fromJSON,
  SimpleImputer: SimpleImputer.fromJSON,
  PCA: PCA.fromJSON,
  Pipeline: pipelineFromJSON,
};

function kindOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'kind' in json ? json.kind : undefined;
}

/** Restores a preprocessor from what its `toJSON` gave, whichever it is. */
export function preprocessorFromJSON(json: unknown): Preprocessor {
  const kind = kindOf(json);
  if (typeof kind === 'string' && Object.hasOwn(KINDS, kind)) {
    return (KINDS[kind] as (json: unknown) => Preprocessor)(json);
  }
  const known = Object.keys(KINDS).join(', ');
  return fail('format', `preprocessorFromJSON: unknown kind ${JSON.stringify(kind)}. Known are ${known}.`);
}

/** Restores an encoder of categories from what its `toJSON` gave. */
export function encoderFromJSON(json: unknown): LabelEncoder | OneHotEncoder {
  const kind = kindOf(json);
  if (kind === 'LabelEncoder') return LabelEncoder.fromJSON(json);
  if (kind === 'OneHotEncoder') return OneHotEncoder.fromJSON(json);
  return fail(
    'format',
    `encoderFromJSON: unknown kind ${JSON.stringify(kind)}. Known are LabelEncoder and OneHotEncoder.`,
  );
}

function pipelineFromJSON(json: unknown): Pipeline {
  const steps = typeof json === 'object' && json !== null && 'steps' in json ? json.steps : undefined;
  if (!Array.isArray(steps)) return fail('format', 'Pipeline: its JSON must have a list of steps.');
  return new Pipeline(steps.map(preprocessorFromJSON));
}
