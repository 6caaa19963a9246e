import { noGrad } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { gt } from './compare.js';
import { ones } from './create.js';
import { cast, squeeze, unsqueeze } from './movement.js';
import { checkTensor } from './op.js';
import { overwrite } from './overwrite.js';
import { type DropoutOptions, dropout } from './random.js';

/** Dropout of whole channels, and dropout that keeps mean and variance. */

export interface DropoutNdOptions extends DropoutOptions {
  /** Whether the result takes the place of input. Default false. */
  readonly inplace?: boolean;
}

const NAMES = ['p', 'training', 'inplace', 'generator'] as const;
export type AlphaDropoutArguments = NamedArguments<DropoutNdOptions, typeof NAMES>;

interface Plan {
  readonly p: number;
  readonly training: boolean;
  readonly inplace: boolean;
  readonly generator: Generator;
}

function read(name: string, input: Tensor, rest: AlphaDropoutArguments, training: boolean): Plan {
  checkTensor(name, input);
  const given = readArguments<DropoutNdOptions>(name, rest, NAMES);
  const { p = 0.5, inplace = false, generator = defaultGenerator } = given;
  if (!(p >= 0 && p <= 1)) fail('argument', `${name}: p must be in [0, 1], got ${p}.`);
  return { p, inplace, generator, training: given.training ?? training };
}

/** The shape of one number for each channel of input. */
function channelShape(name: string, input: Tensor): number[] {
  if (input.ndim < 2) fail('shape', `${name}: input must have at least 2 dimensions, got ${show(input.shape)}.`);
  return input.shape.map((size, i) => (i < 2 ? size : 1));
}

/** 1 / (1 − p) with probability 1 − p and 0 otherwise, in each place of `shape`. */
function mask(shape: readonly number[], { p, generator }: Plan): Tensor {
  return noGrad(() => dropout(ones(shape), { p, generator }));
}

/** Multiplies whole channels [N, C] of input by 0 or 1 / (1 − p). */
function dropChannels(name: string, input: Tensor, plan: Plan): Tensor {
  const shape = channelShape(name, input);
  if (!plan.training || plan.p === 0) return input;
  return overwrite(input, plan.inplace, (x) => mul(x, mask(shape, plan)));
}

function channels(name: string, dims: readonly number[], unbatched: number | null) {
  return (input: Tensor, ...rest: AlphaDropoutArguments): Tensor => {
    const plan = read(name, input, rest, true);
    if (!dims.includes(input.ndim)) {
      fail('shape', `${name}: input must have ${dims.join(' or ')} dimensions, got ${show(input.shape)}.`);
    }
    if (input.ndim !== unbatched) return dropChannels(name, input, plan);
    const batch = unsqueeze(input, 0);
    const y = dropChannels(name, batch, plan);
    return plan.inplace || y === batch ? input : squeeze(y, 0);
  };
}

/** Drops whole channels of [N, C, L] or [C, L] with probability p, and scales the others (Tompson et al. 2015). */
export const dropout1d = /* @__PURE__ */ channels('dropout1d', [2, 3], 2);
/** Drops whole channels of [N, C, H, W] or [N, C, L] with probability p, and scales the others. */
export const dropout2d = /* @__PURE__ */ channels('dropout2d', [3, 4], null);
/** Drops whole channels of [N, C, D, H, W] or [C, D, H, W] with probability p, and scales the others. */
export const dropout3d = /* @__PURE__ */ channels('dropout3d', [4, 5], 4);

/** −α · scale of SELU: what it tends to far below 0. */
const SATURATION = -1.7580993408473766;

/** Sets what `shape` drops to SELU's lower end, and brings mean and variance back to what they were. */
function dropAlpha(input: Tensor, shape: readonly number[], plan: Plan): Tensor {
  const { p, training, inplace } = plan;
  if (!training || p === 0 || input.numel() === 0) return input;
  if (p === 1) return overwrite(input, inplace, (x) => mul(x, 0));
  const a = 1 / Math.sqrt((SATURATION * SATURATION * p + 1) * (1 - p));
  const [kept, lift] = noGrad(() => {
    const isKept = cast(gt(mask(shape, plan), 0), 'float32');
    // Dropped elements become a · saturation, and all move by −a · saturation · p.
    return [mul(isKept, a), sub(mul(sub(1, isKept), SATURATION * a), SATURATION * a * p)];
  });
  return overwrite(input, inplace, (x) => add(mul(x, kept), lift));
}

/** Dropout for SELU: elements go to its lower end, and mean and variance stay (Klambauer et al. 2017). Off by default. */
export function alphaDropout(input: Tensor, ...rest: AlphaDropoutArguments): Tensor {
  const plan = read('alphaDropout', input, rest, false);
  return dropAlpha(input, input.shape, plan);
}

/** `alphaDropout` of whole channels [N, C, …]. Off by default. */
export function featureAlphaDropout(input: Tensor, ...rest: AlphaDropoutArguments): Tensor {
  const plan = read('featureAlphaDropout', input, rest, false);
  return dropAlpha(input, channelShape('featureAlphaDropout', input), plan);
}
