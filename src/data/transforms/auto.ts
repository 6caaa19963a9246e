import { fail } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { add, cast, clamp, mul, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { dirichlet } from './numbers.js';
import { type Change, type Choices, changed, choicesOf, type Extent } from './operations.js';
import { isPolicy, type Operation, type PolicyName, type PolicyStep, policyOf } from './policies.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import type { Plane, WarpOptions } from './warp.js';

/**
 * Augmentation policies: operations that are drawn for each image, with magnitudes from a table. Ranges and draws are
 * torchvision's. It takes bytes; float images are taken for brightness 0 … 1 and keep their dtype.
 */

const NOTHING: Change = { operation: 'Identity', magnitude: 0 };

/** The change of an operation with the magnitude at place `level`, and a sign where it has one. */
function drawn(operation: Operation, { magnitudes, signed }: Choices, level: number, stream: Generator): Change {
  const magnitude = magnitudes === null ? 0 : (magnitudes[level] as number);
  return { operation, magnitude: signed && stream.below(2) === 1 ? -magnitude : magnitude };
}

function oneOf<T>(list: readonly T[], stream: Generator): T {
  return list[stream.below(list.length)] as T;
}

/** Changes one after another: the first of every image, then the second, … */
function inTurn(name: string, input: Tensor, plans: readonly (readonly Change[])[], options: WarpOptions): Tensor {
  const length = Math.max(0, ...plans.map((plan) => plan.length));
  let x = input;
  for (let k = 0; k < length; k++) {
    const own = plans.map((plan) => plan[k] ?? NOTHING);
    const y = changed(name, x, own, options);
    if (x !== input && y !== x) x.dispose();
    x = y;
  }
  return x;
}

function checkCount(name: string, what: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    fail('argument', `${name}: ${what} must be a whole number ≥ ${least}, got ${value}.`);
  }
  return value;
}

/** The shares of a 331 pixel wide image that the policies were learned with, and up to 30 degrees. */
const learned = ({ height, width }: Plane): Extent => ({
  shear: 0.3,
  translate: [(150 / 331) * width, (150 / 331) * height],
  rotate: 30,
  factor: 0.9,
  posterize: [8, 4],
});

class AutoAugmentTransform implements Transform {
  private readonly pairs: readonly (readonly PolicyStep[])[];

  constructor(
    policy: PolicyName = 'imagenet',
    private readonly options: WarpOptions = {},
  ) {
    if (!isPolicy(policy)) {
      fail('argument', `AutoAugment: policy must be imagenet, cifar10 or svhn, got '${String(policy)}'.`);
    }
    this.pairs = policyOf(policy);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('AutoAugment', input);
    const choices = choicesOf(learned(images), 10);
    const plans = streamsFor('AutoAugment', images.count, streams).map((stream) =>
      oneOf(this.pairs, stream).map(({ operation, p, level }) => {
        const applies = stream.uniform() <= p;
        const change = drawn(operation, choices[operation], level ?? 0, stream);
        return applies ? change : NOTHING;
      }),
    );
    return inTurn('AutoAugment', input, plans, this.options);
  }
}

/** One of 25 learned pairs of operations for each image: the policy for 'imagenet' (default), 'cifar10' or 'svhn'. */
export const AutoAugment = /* @__PURE__ */ callable('AutoAugment', AutoAugmentTransform);
export type AutoAugment = AutoAugmentTransform;

/** The operations that RandAugment and TrivialAugment draw from, in torchvision's order. */
const OPERATIONS: readonly Operation[] = [
  'Identity',
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Brightness',
  'Color',
  'Contrast',
  'Sharpness',
  'Posterize',
  'Solarize',
  'AutoContrast',
  'Equalize',
];

export interface RandAugmentOptions extends WarpOptions {
  /** Operations one after another. Default 2. */
  readonly numOps?: number;
  /** How much they do: a place among the magnitudes. Default 9. */
  readonly magnitude?: number;
  /** How many magnitudes there are. Default 31. */
  readonly numMagnitudeBins?: number;
}

class RandAugmentTransform implements Transform {
  readonly numOps: number;
  readonly magnitude: number;
  readonly numMagnitudeBins: number;

  constructor(private readonly options: RandAugmentOptions = {}) {
    this.numOps = checkCount('RandAugment', 'numOps', options.numOps ?? 2, 0);
    this.numMagnitudeBins = checkCount('RandAugment', 'numMagnitudeBins', options.numMagnitudeBins ?? 31, 2);
    this.magnitude = checkCount('RandAugment', 'magnitude', options.magnitude ?? 9, 0);
    if (this.magnitude >= this.numMagnitudeBins) {
      fail(
        'argument',
        `RandAugment: magnitude must be < numMagnitudeBins ${this.numMagnitudeBins}, got ${this.magnitude}.`,
      );
    }
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandAugment', input);
    const choices = choicesOf(learned(images), this.numMagnitudeBins);
    const plans = streamsFor('RandAugment', images.count, streams).map((stream) =>
      Array.from({ length: this.numOps }, () => {
        const operation = oneOf(OPERATIONS, stream);
        return drawn(operation, choices[operation], this.magnitude, stream);
      }),
    );
    return inTurn('RandAugment', input, plans, this.options);
  }
}

/** Random operations of one magnitude (Cubuk et al., "RandAugment", NeurIPS 2020). */
export const RandAugment = /* @__PURE__ */ callable('RandAugment', RandAugmentTransform);
export type RandAugment = RandAugmentTransform;

export interface TrivialAugmentOptions extends WarpOptions {
  /** How many magnitudes there are. Default 31. */
  readonly numMagnitudeBins?: number;
}

const WIDE: Extent = { shear: 0.99, translate: [32, 32], rotate: 135, factor: 0.99, posterize: [8, 6] };

class TrivialAugmentTransform implements Transform {
  readonly numMagnitudeBins: number;

  constructor(private readonly options: TrivialAugmentOptions = {}) {
    this.numMagnitudeBins = checkCount('TrivialAugment', 'numMagnitudeBins', options.numMagnitudeBins ?? 31, 2);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const choices = choicesOf(WIDE, this.numMagnitudeBins);
    const own = streamsFor('TrivialAugment', imagesOf('TrivialAugment', input).count, streams);
    const plans = own.map((stream) => {
      const operation = oneOf(OPERATIONS, stream);
      const level = stream.below(this.numMagnitudeBins);
      return [drawn(operation, choices[operation], level, stream)];
    });
    return inTurn('TrivialAugment', input, plans, this.options);
  }
}

/** One random operation of random magnitude (Müller and Hutter, "TrivialAugment", ICCV 2021, with its wide ranges). */
export const TrivialAugment = /* @__PURE__ */ callable('TrivialAugment', TrivialAugmentTransform);
export type TrivialAugment = TrivialAugmentTransform;

/** TrivialAugment under the name that torchvision has for it. */
export const TrivialAugmentWide = /* @__PURE__ */ callable('TrivialAugmentWide', TrivialAugmentTransform);
export type TrivialAugmentWide = TrivialAugmentTransform;

export interface AugMixOptions extends WarpOptions {
  /** How much operations do at most, 1 … 10. Default 3. */
  readonly severity?: number;
  /** Chains of operations that are mixed. Default 3. */
  readonly mixtureWidth?: number;
  /** Operations in a chain; 0 or less draws 1 … 3 for each. Default −1. */
  readonly chainDepth?: number;
  /** How evenly images are mixed: the parameter of Dirichlet's distribution. Default 1. */
  readonly alpha?: number;
  /** Whether brightness, colour, contrast and sharpness are among the operations. Default true. */
  readonly allOps?: boolean;
}

const LEVELS = 10;
const PLAIN: readonly Operation[] = [
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Posterize',
  'Solarize',
  'AutoContrast',
  'Equalize',
];
const COLORS: readonly Operation[] = ['Brightness', 'Color', 'Contrast', 'Sharpness'];

class AugMixTransform implements Transform {
  private readonly settings: Required<Pick<AugMixOptions, 'severity' | 'mixtureWidth' | 'chainDepth' | 'alpha'>>;
  private readonly operations: readonly Operation[];
  private readonly options: WarpOptions;

  constructor(options: AugMixOptions = {}) {
    const { severity = 3, mixtureWidth = 3, chainDepth = -1, alpha = 1, allOps = true } = options;
    if (checkCount('AugMix', 'severity', severity, 1) > LEVELS) {
      fail('argument', `AugMix: severity must be 1 … ${LEVELS}, got ${severity}.`);
    }
    checkCount('AugMix', 'mixtureWidth', mixtureWidth, 1);
    checkCount('AugMix', 'chainDepth', chainDepth, Number.NEGATIVE_INFINITY);
    if (!(alpha > 0)) fail('argument', `AugMix: alpha must be > 0, got ${alpha}.`);
    this.settings = { severity, mixtureWidth, chainDepth, alpha };
    this.operations = allOps ? [...PLAIN, ...COLORS] : PLAIN;
    this.options = { interpolation: 'bilinear', ...options };
  }

  /** The operations of one chain for one image. */
  private chain(choices: Readonly<Record<Operation, Choices>>, stream: Generator): Change[] {
    const { chainDepth, severity } = this.settings;
    const depth = chainDepth > 0 ? chainDepth : 1 + stream.below(3);
    return Array.from({ length: depth }, () => {
      const operation = oneOf(this.operations, stream);
      return drawn(operation, choices[operation], stream.below(severity), stream);
    });
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('AugMix', input);
    const { count, height, width } = images;
    const { alpha, mixtureWidth } = this.settings;
    if (count === 0) return input;
    const extent: Extent = { ...learned(images), translate: [width / 3, height / 3], posterize: [4, 4] };
    const choices = choicesOf(extent, LEVELS);
    const recipes = streamsFor('AugMix', count, streams).map((stream) => {
      const [kept, augmented] = dirichlet(stream, alpha, 2) as [number, number];
      const shares = dirichlet(stream, alpha, mixtureWidth).map((share) => share * augmented);
      return { kept, shares, chains: shares.map(() => this.chain(choices, stream)) };
    });
    const each = (values: readonly number[]): Tensor =>
      tensor(Float32Array.from(values), input.ndim === 4 ? [count, 1, 1, 1] : [1, 1, 1]);
    return scope(() => {
      let mix = mul(cast(input, 'float32'), each(recipes.map(({ kept }) => kept)));
      for (let k = 0; k < mixtureWidth; k++) {
        const plans = recipes.map(({ chains }) => chains[k] as Change[]);
        const augmented = cast(inTurn('AugMix', input, plans, this.options), 'float32');
        mix = add(mix, mul(augmented, each(recipes.map(({ shares }) => shares[k] as number))));
      }
      // Shares that add up to 1 but for rounding may leave a byte just below what it was.
      return input.dtype === 'uint8' ? cast(clamp(add(mix, 1e-3), 0, 255), 'uint8') : cast(mix, input.dtype);
    });
  }
}

/** A mix of each image with several chains of operations on it (Hendrycks et al., "AugMix", ICLR 2020). */
export const AugMix = /* @__PURE__ */ callable('AugMix', AugMixTransform);
export type AugMix = AugMixTransform;
