import type { PoolField } from './poolfield.js';
import { at, build, type Reference } from './sheet.js';

/** `of` the values inside each window, in row-major order, with null for padding; and what the window would be without. */
export function referencePool(
  a: Reference,
  f: PoolField,
  of: (values: readonly (number | null)[], begin: readonly number[]) => number,
): Reference {
  const rank = f.image.length;
  const lead = a.shape.slice(0, -rank);
  return build([...lead, ...f.out], (index) => {
    const begin = index.slice(-rank).map((o, i) => o * (f.stride[i] as number) - (f.padding[i] as number));
    const values: (number | null)[] = [];
    build(f.kernel, (k) => {
      const from = begin.map((b, i) => b + (k[i] as number) * (f.dilation[i] as number));
      const isInside = from.every((v, i) => v >= 0 && v < (f.image[i] as number));
      values.push(isInside ? at(a, [...index.slice(0, -rank), ...from]) : null);
      return 0;
    });
    return of(values, begin);
  });
}
