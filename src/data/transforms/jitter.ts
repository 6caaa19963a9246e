import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { type ColorStep, checkBits, recolored, rgbToGrayscale, steps } from './adjust.js';
import { between, checkProbability, type Range } from './numbers.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';

export interface ColorJitterOptions {
  /** Factor of brightness, drawn from [max(0, 1 − brightness), 1 + brightness] or from the range given. Default 0: none. */
  readonly brightness?: number | Range;
  /** The same of contrast. */
  readonly contrast?: number | Range;
  /** The same of saturation. */
  readonly saturation?: number | Range;
  /** Turn of hues, drawn from [−hue, hue] or from the range given, within [−0.5, 0.5]. Default 0: none. */
  readonly hue?: number | Range;
}

/** The range that `value` stands for around `center`; null where it changes nothing. */
function jitterRange(what: string, value: number | Range, center: number, [least, most]: Range): Range | null {
  if (typeof value === 'number' && !(value >= 0)) fail('argument', `ColorJitter: ${what} must be ≥ 0, got ${value}.`);
  const [low, high] = typeof value === 'number' ? [center - value, center + value] : value;
  const range: Range = typeof value === 'number' && center === 1 ? [Math.max(0, low), high] : [low, high];
  if (!(range[0] >= least && range[0] <= range[1] && range[1] <= most)) {
    fail('argument', `ColorJitter: ${what} must lie within ${show([least, most])}, got ${show(range)}.`);
  }
  return range[0] === center && range[1] === center ? null : range;
}

class ColorJitterTransform implements Transform {
  private readonly ranges: readonly (Range | null)[];

  constructor(options: ColorJitterOptions = {}) {
    const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options;
    const factors: Range = [0, Number.POSITIVE_INFINITY];
    this.ranges = [
      jitterRange('brightness', brightness, 1, factors),
      jitterRange('contrast', contrast, 1, factors),
      jitterRange('saturation', saturation, 1, factors),
      jitterRange('hue', hue, 0, [-0.5, 0.5]),
    ];
  }

  /** What is done to one image, in an order of its own. */
  parameters(stream: Generator): ColorStep[] {
    const order = [...stream.permutation(4)];
    const makers = [steps.brightness, steps.contrast, steps.saturation, steps.hue];
    const drawn = this.ranges.map(
      (range, i) => range && (makers[i] as (x: number) => ColorStep)(between(stream, range)),
    );
    return order.map((i) => drawn[i]).filter((step): step is ColorStep => step !== null && step !== undefined);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('ColorJitter', imagesOf('ColorJitter', input).count, streams);
    return recolored(
      'ColorJitter',
      input,
      own.map((stream) => this.parameters(stream)),
    );
  }
}

/** Brightness, contrast, saturation and hue changed at random and in random order, for each image by itself. */
export const ColorJitter = /* @__PURE__ */ callable('ColorJitter', ColorJitterTransform);
export type ColorJitter = ColorJitterTransform;

class GrayscaleTransform implements Transform {
  constructor(private readonly numOutputChannels = 1) {
    if (numOutputChannels !== 1 && numOutputChannels !== 3) {
      fail('argument', `Grayscale: numOutputChannels must be 1 or 3, got ${numOutputChannels}.`);
    }
  }

  forward(input: Tensor): Tensor {
    return rgbToGrayscale(input, this.numOutputChannels);
  }
}

/** Colourless images, of one channel or of three alike. */
export const Grayscale = /* @__PURE__ */ callable('Grayscale', GrayscaleTransform);
export type Grayscale = GrayscaleTransform;

/** One step with probability p, for each image by itself. */
class RandomStepTransform implements Transform {
  constructor(
    private readonly name: string,
    private readonly stepFor: (input: Tensor) => ColorStep,
    readonly p: number,
  ) {
    checkProbability(name, p);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { name } = this;
    const step = this.stepFor(input);
    const own = streamsFor(name, imagesOf(name, input).count, streams);
    return recolored(
      name,
      input,
      own.map((stream) => (stream.uniform() < this.p ? [step] : [])),
    );
  }
}

class RandomGrayscaleTransform extends RandomStepTransform {
  constructor(p = 0.1) {
    super('RandomGrayscale', () => steps.grayscale, p);
  }
}

/** Colourless images of as many channels, with probability p (default 0.1). */
export const RandomGrayscale = /* @__PURE__ */ callable('RandomGrayscale', RandomGrayscaleTransform);
export type RandomGrayscale = RandomGrayscaleTransform;

class RandomInvertTransform extends RandomStepTransform {
  constructor(p = 0.5) {
    super('RandomInvert', () => steps.invert, p);
  }
}

/** Negatives, with probability p (default 0.5). */
export const RandomInvert = /* @__PURE__ */ callable('RandomInvert', RandomInvertTransform);
export type RandomInvert = RandomInvertTransform;

class RandomPosterizeTransform extends RandomStepTransform {
  constructor(bits: number, p = 0.5) {
    checkBits('RandomPosterize', bits);
    super('RandomPosterize', () => steps.posterize(bits), p);
  }
}

/** The upper `bits` of eight of each value, with probability p (default 0.5). */
export const RandomPosterize = /* @__PURE__ */ callable('RandomPosterize', RandomPosterizeTransform);
export type RandomPosterize = RandomPosterizeTransform;

class RandomSolarizeTransform extends RandomStepTransform {
  constructor(threshold: number, p = 0.5) {
    super(
      'RandomSolarize',
      ({ dtype }) => {
        const most = dtype === 'uint8' ? 255 : 1;
        if (!(threshold <= most)) {
          fail('argument', `RandomSolarize: the threshold must be ≤ ${most} for ${dtype}, got ${threshold}.`);
        }
        return steps.solarize(threshold);
      },
      p,
    );
  }
}

/** The negative of pixels as bright as `threshold` or brighter (of 255 for bytes, of 1 for floats), with probability p. */
export const RandomSolarize = /* @__PURE__ */ callable('RandomSolarize', RandomSolarizeTransform);
export type RandomSolarize = RandomSolarizeTransform;

class RandomAdjustSharpnessTransform extends RandomStepTransform {
  constructor(sharpnessFactor: number, p = 0.5) {
    if (!(sharpnessFactor >= 0))
      fail('argument', `RandomAdjustSharpness: the factor must be ≥ 0, got ${sharpnessFactor}.`);
    super('RandomAdjustSharpness', () => steps.sharpness(sharpnessFactor), p);
  }
}

/** Blurred (factor 0) to sharpened (above 1), with probability p (default 0.5). */
export const RandomAdjustSharpness = /* @__PURE__ */ callable('RandomAdjustSharpness', RandomAdjustSharpnessTransform);
export type RandomAdjustSharpness = RandomAdjustSharpnessTransform;

class RandomAutocontrastTransform extends RandomStepTransform {
  constructor(p = 0.5) {
    super('RandomAutocontrast', () => steps.autocontrast, p);
  }
}

/** Each channel stretched from black to white, with probability p (default 0.5). */
export const RandomAutocontrast = /* @__PURE__ */ callable('RandomAutocontrast', RandomAutocontrastTransform);
export type RandomAutocontrast = RandomAutocontrastTransform;

class RandomEqualizeTransform extends RandomStepTransform {
  constructor(p = 0.5) {
    super('RandomEqualize', () => steps.equalize, p);
  }
}

/** Each channel's values spread to be equally frequent, with probability p (default 0.5). */
export const RandomEqualize = /* @__PURE__ */ callable('RandomEqualize', RandomEqualizeTransform);
export type RandomEqualize = RandomEqualizeTransform;
