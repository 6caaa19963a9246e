import { fail, show } from '../../core/errors.js';
import type { Tensor } from '../../tensor.js';
import type { Fill } from './numbers.js';
import { type Line, partOfLine, pick } from './pick.js';
import { callable, imagesOf, type Transform } from './transform.js';

/** One width for all borders, [left and right, top and bottom], or [left, top, right, bottom]. Negative ones cut off. */
export type Padding =
  | number
  | readonly [number]
  | readonly [number, number]
  | readonly [number, number, number, number];

/**
 * What a border shows: `fill`, the pixel at the edge, or the image mirrored without ('reflect') or with ('symmetric') the
 * pixel at the edge.
 */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

const MODES: readonly PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric'];

export interface PadOptions {
  /** The value of a constant border: one, or one for each channel. Default 0. */
  readonly fill?: Fill;
  /** Default 'constant'. */
  readonly paddingMode?: PaddingMode;
}

/** Borders as [left, top, right, bottom]. */
export function bordersOf(name: string, padding: Padding): readonly [number, number, number, number] {
  const list = typeof padding === 'number' ? [padding] : padding;
  const [a, b = a, c = a, d = b] = list as [number, number?, number?, number?];
  if (![1, 2, 4].includes(list.length) || ![a, b, c, d].every(Number.isInteger)) {
    fail('argument', `${name}: padding must be 1, 2 or 4 whole numbers, got ${show(list)}.`);
  }
  return [a, b, c, d];
}

export function checkMode(name: string, mode: PaddingMode): PaddingMode {
  if (!MODES.includes(mode))
    fail('argument', `${name}: paddingMode must be one of ${MODES.join(', ')}, got '${mode}'.`);
  return mode;
}

/** The places of a line of `size` pixels with a border before and behind it. */
export function borderedLine(name: string, size: number, before: number, behind: number, mode: PaddingMode): Line {
  const first = Math.max(0, -before);
  const last = size - 1 - Math.max(0, -behind);
  const kept = last - first + 1;
  const most = Math.max(before, behind);
  const room = mode === 'reflect' ? kept - 1 : mode === 'symmetric' ? kept : Number.POSITIVE_INFINITY;
  if (kept <= 0 || most > room) {
    fail(
      'argument',
      `${name}: a line of ${size} pixels cannot be padded by ${before} and ${behind} in mode '${mode}'` +
        `${kept > 0 ? `, which mirrors at most ${room}` : ''}.`,
    );
  }
  const line = partOfLine(size, -before, size + before + behind);
  if (mode === 'constant') return line;
  const mirror = mode === 'symmetric' ? 1 : 0;
  return line.map((_, i) => {
    const at = i - before;
    if (at < first) return mode === 'edge' ? first : 2 * first - at - mirror;
    if (at > last) return mode === 'edge' ? last : 2 * last - at + mirror;
    return at;
  });
}

/** A border around each image; torchvision's `functional.pad`. */
export function pad(input: Tensor, padding: Padding, options: PadOptions = {}): Tensor {
  return padded('pad', input, padding, options);
}

function padded(name: string, input: Tensor, padding: Padding, options: PadOptions): Tensor {
  const { height, width } = imagesOf(name, input);
  const [left, top, right, bottom] = bordersOf(name, padding);
  const mode = checkMode(name, options.paddingMode ?? 'constant');
  const rows = borderedLine(name, height, top, bottom, mode);
  const columns = borderedLine(name, width, left, right, mode);
  return pick(name, input, [rows], [columns], options.fill);
}

class PadTransform implements Transform {
  constructor(
    private readonly padding: Padding,
    private readonly options: PadOptions = {},
  ) {
    bordersOf('Pad', padding);
    checkMode('Pad', options.paddingMode ?? 'constant');
  }

  forward(input: Tensor): Tensor {
    return padded('Pad', input, this.padding, this.options);
  }
}

/** A border around each image. */
export const Pad = /* @__PURE__ */ callable('Pad', PadTransform);
export type Pad = PadTransform;
