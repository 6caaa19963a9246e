import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { type InterpolateMode, interpolate } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { float, python } from './repr.js';

type Numbers = number | readonly number[] | null;

export interface UpsampleOptions {
  /** The result's size: one number for all directions, or one for each. */
  readonly size?: Numbers;
  /** How many times the input's size the result has, rounded down. */
  readonly scaleFactor?: Numbers;
  /** Default 'nearest'. */
  readonly mode?: InterpolateMode;
  /** Whether the centres of corner pixels, and not their corners, coincide; for linear and cubic modes. */
  readonly alignCorners?: boolean | null;
  /** Whether places are computed from the rounded size instead of from `scaleFactor`. */
  readonly recomputeScaleFactor?: boolean | null;
}

/** The layer's arguments, by position or by name. */
export type UpsampleArguments =
  | readonly [options?: UpsampleOptions]
  | readonly [
      size?: Numbers,
      scaleFactor?: Numbers | UpsampleOptions,
      mode?: InterpolateMode | UpsampleOptions,
      alignCorners?: boolean | null | UpsampleOptions,
      recomputeScaleFactor?: boolean | null | UpsampleOptions,
    ];

/** Resizing of [N, C, …]; see `interpolate`. */
export class Upsample extends Module {
  readonly size: Numbers;
  readonly scaleFactor: Numbers;
  readonly mode: InterpolateMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(...rest: UpsampleArguments) {
    super();
    const names = ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor'] as const;
    const given = readArguments<UpsampleOptions>('Upsample', rest, names);
    const {
      size = null,
      scaleFactor = null,
      mode = 'nearest',
      alignCorners = null,
      recomputeScaleFactor = null,
    } = given;
    this.size = size;
    this.scaleFactor = scaleFactor;
    this.mode = mode;
    this.alignCorners = alignCorners;
    this.recomputeScaleFactor = recomputeScaleFactor;
  }

  forward(x: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return interpolate(x, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  protected override extraRepr(): string {
    const { size, scaleFactor, mode } = this;
    if (scaleFactor === null) return `size=${python(size)}, mode=${mode}`;
    const factors = typeof scaleFactor === 'number' ? float(scaleFactor) : `(${scaleFactor.map(float).join(', ')})`;
    return `scale_factor=${factors}, mode=${mode}`;
  }
}

export interface UpsamplingOptions {
  readonly size?: Numbers;
  readonly scaleFactor?: Numbers;
}

export type UpsamplingArguments = readonly [
  size?: Numbers | UpsamplingOptions,
  scaleFactor?: Numbers | UpsamplingOptions,
];

function readUpsampling(name: string, rest: UpsamplingArguments): UpsamplingOptions {
  const given = readArguments<UpsamplingOptions>(name, rest, ['size', 'scaleFactor']);
  if ((given.size ?? null) === null && (given.scaleFactor ?? null) === null) {
    fail('argument', `${name}: expected size or scaleFactor.`);
  }
  return given;
}

/** Resizing of images [N, C, H, W] by their nearest pixels. */
export class UpsamplingNearest2d extends Upsample {
  constructor(...rest: UpsamplingArguments) {
    super({ ...readUpsampling('UpsamplingNearest2d', rest), mode: 'nearest' });
  }
}

/** Linear resizing of images [N, C, H, W] whose corner pixels stay where they are. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(...rest: UpsamplingArguments) {
    super({ ...readUpsampling('UpsamplingBilinear2d', rest), mode: 'bilinear', alignCorners: true });
  }
}
