import type { Launch } from '../../../core/device.js';

/** Groups of so few channels of the result are computed without tiles. */
export const FEW = 4;

/** Products from which a text of its own pays for each size of the kernel: numbers that are known when it is compiled divide faster. */
export const MANY = 1 << 22;

/** The integers of conv2d_f32 behind its pointers. */
export interface Shape {
  readonly n: number;
  readonly c: number;
  readonly image: Two;
  readonly oc: number;
  readonly out: Two;
  readonly kernel: Two;
  readonly stride: Two;
  readonly padding: Two;
  readonly dilation: Two;
  readonly groups: number;
  readonly relu: number;
}

export type Two = readonly [number, number];

export function shapeOf({ ints = [] }: Launch): Shape {
  const two = (i: number): Two => [ints[i] as number, ints[i + 1] as number];
  const [n, c, , , oc] = ints as [number, number, number, number, number];
  const [image, out, kernel, stride, padding, dilation] = [2, 5, 7, 9, 11, 13].map(two) as [
    Two,
    Two,
    Two,
    Two,
    Two,
    Two,
  ];
  return { n, c, image, oc, out, kernel, stride, padding, dilation, groups: ints[15] as number, relu: ints[16] ?? 0 };
}
