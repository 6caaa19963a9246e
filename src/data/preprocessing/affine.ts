import { add, div, mul, sub } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { floats, mapRows, perFeature, roundedOff, type Samples, type SamplesLike } from './table.js';

/** (x − centre) / scale, feature by feature, and back. Tensors go through it on their device, in float32. */
export interface Affine {
  /** Null where nothing is subtracted. */
  readonly centre: Float64Array | null;
  /** Null where nothing is divided. */
  readonly scale: Float64Array | null;
}

export function standardize<X extends Samples>(x: X, { centre, scale }: Affine): SamplesLike<X> {
  if (!(x instanceof Tensor)) {
    return mapRows(x, (value, f) => {
      const centred = centre === null ? value : value - (centre[f] as number);
      return scale === null ? centred : centred / (scale[f] as number);
    }) as SamplesLike<X>;
  }
  let y = floats(x) as Tensor;
  if (centre !== null) y = sub(sub(y, perFeature(x, centre)), perFeature(x, roundedOff(centre)));
  if (scale !== null) y = div(y, perFeature(x, scale));
  return y as SamplesLike<X>;
}

export function unstandardize<X extends Samples>(x: X, { centre, scale }: Affine): SamplesLike<X> {
  if (!(x instanceof Tensor)) {
    return mapRows(x, (value, f) => {
      const wide = scale === null ? value : value * (scale[f] as number);
      return centre === null ? wide : wide + (centre[f] as number);
    }) as SamplesLike<X>;
  }
  let y = floats(x) as Tensor;
  if (scale !== null) y = mul(y, perFeature(x, scale));
  if (centre !== null) y = add(add(y, perFeature(x, roundedOff(centre))), perFeature(x, centre));
  return y as SamplesLike<X>;
}

/** Scales with those of constant features, which rounding alone may have made, set to 1. */
export function withoutZeros(scale: Float64Array): Float64Array {
  return scale.map((s) => (s < 10 * Number.EPSILON ? 1 : s));
}
