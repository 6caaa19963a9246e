import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import type { Tensor } from '../../tensor.js';
import { checkProbability, type Fill, wholeBetween } from './numbers.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';
import { type Interpolation, type Plane, type WarpOptions, warp } from './warp.js';

/** Four places in pixels: top left, top right, bottom right, bottom left. */
export type Corners = readonly [Point, Point, Point, Point];
type Point = readonly [x: number, y: number];

/** The map that shows an image as it is. */
const SAME: readonly number[] = [1, 0, 0, 0, 1, 0, 0, 0];

/**
 * The numbers a … h of the map (x, y) → ((a x + b y + c) / q, (d x + e y + f) / q), q = g x + h y + 1, that takes each of `to`
 * to its partner in `from`: two equations, linear in a … h, for each of four points, solved by elimination with pivots.
 */
function coefficients(from: Corners, to: Corners): number[] {
  const rows = to.flatMap(([x, y], i) => {
    const [u, v] = from[i] as Point;
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ];
  });
  const entry = (i: number, j: number): number => (rows[i] as number[])[j] as number;
  for (let k = 0; k < 8; k++) {
    let pivot = k;
    for (let i = k + 1; i < 8; i++) if (Math.abs(entry(i, k)) > Math.abs(entry(pivot, k))) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot] as number[], rows[k] as number[]];
    // Three corners in a line leave nothing to divide by but what rounding has left.
    if (!(Math.abs(entry(k, k)) > 1e-9)) {
      fail('argument', `perspective: no three of the end points may lie in a line, got ${to.map(show).join(', ')}.`);
    }
    const own = rows[k] as number[];
    for (let i = 0; i < 8; i++) {
      if (i === k) continue;
      const factor = entry(i, k) / (own[k] as number);
      rows[i] = (rows[i] as number[]).map((v, j) => v - factor * (own[j] as number));
    }
  }
  return rows.map((row, k) => (row[8] as number) / (row[k] as number));
}

export interface PerspectiveOptions {
  /** Default 'bilinear', as torchvision's. */
  readonly interpolation?: Interpolation;
  /** The value of what lies outside the source. Default 0. */
  readonly fill?: Fill;
}

const bilinear = (options: PerspectiveOptions): WarpOptions => ({ interpolation: 'bilinear', ...options });

/** Images in which what is at `startPoints` moves to `endPoints`; torchvision's `functional.perspective`. */
export function perspective(
  input: Tensor,
  startPoints: Corners,
  endPoints: Corners,
  options: PerspectiveOptions = {},
): Tensor {
  const { count } = imagesOf('perspective', input);
  for (const points of [startPoints, endPoints]) {
    if (points.length !== 4 || !points.every((point) => point.length === 2 && point.every(Number.isFinite))) {
      fail('argument', `perspective: expected four points [x, y], got ${points.map(show).join(', ')}.`);
    }
  }
  const map = coefficients(startPoints, endPoints);
  const maps = Float32Array.from({ length: 8 * count }, (_, i) => map[i % 8] as number);
  return warp('perspective', input, 'Projective', maps, bilinear(options));
}

export interface RandomPerspectiveOptions extends PerspectiveOptions {
  /** How far a corner may move inwards, as a share of half the image. Default 0.5. */
  readonly distortionScale?: number;
  /** The probability that an image is changed. Default 0.5. */
  readonly p?: number;
}

class RandomPerspectiveTransform implements Transform {
  readonly distortionScale: number;
  readonly p: number;

  constructor(private readonly options: RandomPerspectiveOptions = {}) {
    this.distortionScale = options.distortionScale ?? 0.5;
    this.p = checkProbability('RandomPerspective', options.p ?? 0.5);
    if (!(this.distortionScale >= 0 && this.distortionScale <= 1)) {
      fail('argument', `RandomPerspective: distortionScale must be in [0, 1], got ${this.distortionScale}.`);
    }
  }

  /** Where the corners of one image come from and go to, drawn in torchvision's order. */
  parameters(stream: Generator, { height, width }: Plane): { startPoints: Corners; endPoints: Corners } {
    const reachX = Math.trunc(this.distortionScale * Math.floor(width / 2));
    const reachY = Math.trunc(this.distortionScale * Math.floor(height / 2));
    const left = (): number => wholeBetween(stream, 0, reachX);
    const right = (): number => wholeBetween(stream, width - reachX - 1, width - 1);
    const top = (): number => wholeBetween(stream, 0, reachY);
    const bottom = (): number => wholeBetween(stream, height - reachY - 1, height - 1);
    const [w, h] = [width - 1, height - 1];
    return {
      startPoints: [
        [0, 0],
        [w, 0],
        [w, h],
        [0, h],
      ],
      endPoints: [
        [left(), top()],
        [right(), top()],
        [right(), bottom()],
        [left(), bottom()],
      ],
    };
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const images = imagesOf('RandomPerspective', input);
    const { height, width } = images;
    if (height < 2 || width < 2) return input;
    let changed = false;
    const maps = streamsFor('RandomPerspective', images.count, streams).map((stream) => {
      if (stream.uniform() >= this.p) return SAME;
      changed = true;
      const { startPoints, endPoints } = this.parameters(stream, images);
      return coefficients(startPoints, endPoints);
    });
    if (!changed) return input;
    return warp('RandomPerspective', input, 'Projective', Float32Array.from(maps.flat()), bilinear(this.options));
  }
}

/** Images seen at an angle, with probability p: their corners move inwards by random numbers of pixels. */
export const RandomPerspective = /* @__PURE__ */ callable('RandomPerspective', RandomPerspectiveTransform);
export type RandomPerspective = RandomPerspectiveTransform;
