import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { checkProbability } from './numbers.js';
import { type Line, pick, wholeLine } from './pick.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';

/** Left and right exchanged. */
export function hflip(input: Tensor): Tensor {
  const { height, width } = imagesOf('hflip', input);
  return pick('hflip', input, [wholeLine(height)], [wholeLine(width).reverse()]);
}

/** Top and bottom exchanged. */
export function vflip(input: Tensor): Tensor {
  const { height, width } = imagesOf('vflip', input);
  return pick('vflip', input, [wholeLine(height).reverse()], [wholeLine(width)]);
}

/** The line, or its reverse with probability p, for each stream. */
function flipped(size: number, p: number, streams: readonly Generator[]): Line[] {
  const whole = wholeLine(size);
  const reverse = whole.slice().reverse();
  return streams.map((stream) => (stream.uniform() < p ? reverse : whole));
}

class RandomHorizontalFlipTransform implements Transform {
  constructor(readonly p = 0.5) {
    checkProbability('RandomHorizontalFlip', p);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { count, height, width } = imagesOf('RandomHorizontalFlip', input);
    const columns = flipped(width, this.p, streamsFor('RandomHorizontalFlip', count, streams));
    return pick('RandomHorizontalFlip', input, [wholeLine(height)], columns);
  }
}

class RandomVerticalFlipTransform implements Transform {
  constructor(readonly p = 0.5) {
    checkProbability('RandomVerticalFlip', p);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const { count, height, width } = imagesOf('RandomVerticalFlip', input);
    const rows = flipped(height, this.p, streamsFor('RandomVerticalFlip', count, streams));
    return pick('RandomVerticalFlip', input, rows, [wholeLine(width)]);
  }
}

/** Left and right exchanged with probability p (default 0.5), for each image by itself. */
export const RandomHorizontalFlip = /* @__PURE__ */ callable('RandomHorizontalFlip', RandomHorizontalFlipTransform);
export type RandomHorizontalFlip = RandomHorizontalFlipTransform;

/** Top and bottom exchanged with probability p (default 0.5), for each image by itself. */
export const RandomVerticalFlip = /* @__PURE__ */ callable('RandomVerticalFlip', RandomVerticalFlipTransform);
export type RandomVerticalFlip = RandomVerticalFlipTransform;
