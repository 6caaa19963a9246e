/** The functions of fixed parameters against torchvision and Pillow: golden/transforms.py says which is the reference. */
import { type Tensor, tensor } from 'fettle';
import { transforms } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import { type Change, changed, choicesOf } from '../../src/data/transforms/operations.js';
import { policyOf } from '../../src/data/transforms/policies.js';
import colors from './golden/colors.json' with { type: 'json' };
import policies from './golden/policies.json' with { type: 'json' };
import places from './golden/transforms.json' with { type: 'json' };

interface Packed {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

function arrayOf({ dtype, data }: Packed): Uint8Array | Float32Array {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return dtype === 'uint8' ? bytes : new Float32Array(bytes.buffer);
}

const unpacked = (packed: Packed): Tensor => tensor(arrayOf(packed), packed.shape);
const images = places.images as Readonly<Record<string, Packed>>;

interface Case extends Packed {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly image: string;
}

const cases = [...places.cases, ...colors.cases] as readonly Case[];

/** Arguments as functions take them: tensors stand packed among them. */
const argumentOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'tensor' in value ? unpacked(value.tensor as Packed) : value;

type Call = (input: Tensor, ...rest: unknown[]) => Tensor;
const { functional } = transforms;

/** What moves pixels or looks them up must be exact; what weighs them may round the other way. */
const EXACT = new Set([
  'hflip',
  'vflip',
  'crop',
  'centerCrop',
  'pad',
  'erase',
  'posterize',
  'solarize',
  'equalize',
  'invert',
]);

function toleranceOf(name: string, args: readonly unknown[], dtype: string): number {
  const last = args[args.length - 1];
  const mode =
    typeof last === 'object' && last !== null && 'interpolation' in last ? String(last.interpolation) : undefined;
  if (EXACT.has(name) || mode?.startsWith('nearest') || (name === 'affine' && mode === undefined)) return 0;
  return dtype === 'uint8' ? 1 : 2e-5;
}

function farthest(values: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(values.length).toBe(wanted.length);
  return Array.from(wanted).reduce((most, v, k) => Math.max(most, Math.abs(v - (values[k] as number))), 0);
}

describe('functions with fixed parameters', () => {
  it.each(cases.map((one) => [`${one.name}(${JSON.stringify(one.args).slice(0, 70)}) of ${one.image}`, one] as const))(
    '%s',
    (_title, { name, args, image, ...wanted }) => {
      const call = functional[name as keyof typeof functional] as unknown as Call;
      const x = unpacked(images[image] as Packed);
      const got = call(x, ...args.map(argumentOf));
      expect([got.dtype, got.shape]).toEqual([wanted.dtype, wanted.shape]);
      const values = got.dataSync();
      expect(farthest(values, arrayOf(wanted))).toBeLessThanOrEqual(toleranceOf(name, args, wanted.dtype));

      // Of two images in a batch, each comes out as it does alone.
      const other = x.flip([2]);
      const batch = call(
        tensor([...x.dataSync(), ...other.dataSync()], [2, ...x.shape]).to(x.dtype),
        ...args.map(argumentOf),
      );
      const alone = call(other, ...args.map(argumentOf));
      expect([...batch.dataSync()]).toEqual([...values, ...alone.dataSync()]);
    },
  );
});

describe('augmentation policies', () => {
  it.each(policies.operations.map((one) => [one.operation, one] as const))(
    '%s is torchvision’s',
    (_name, { operation, magnitude, ...wanted }) => {
      const x = unpacked(policies.image);
      const y = changed('test', x, [{ operation, magnitude } as Change], {});
      expect(farthest(y.dataSync(), arrayOf(wanted))).toBe(0);
      // Floats go through the same, and a threshold of 255 means white.
      const float = changed('test', x.float().div(255), [{ operation, magnitude } as Change], {});
      expect(float.dtype).toBe('float32');
      // Bytes lose their fraction, and a blur of them is rounded.
      expect(farthest(float.mul(255).dataSync(), arrayOf(wanted))).toBeLessThanOrEqual(1.5);
    },
  );

  const [height, width] = [240, 333];
  const learned = {
    shear: 0.3,
    translate: [(150 / 331) * width, (150 / 331) * height],
    rotate: 30,
    factor: 0.9,
  } as const;
  const spaces = {
    AutoAugment: choicesOf({ ...learned, posterize: [8, 4] }, 10),
    RandAugment: choicesOf({ ...learned, posterize: [8, 4] }, 31),
    TrivialAugment: choicesOf({ shear: 0.99, translate: [32, 32], rotate: 135, factor: 0.99, posterize: [8, 6] }, 31),
    AugMix: choicesOf({ ...learned, translate: [width / 3, height / 3], posterize: [4, 4] }, 10),
  };

  it.each(Object.entries(policies.spaces))('%s draws from torchvision’s magnitudes', (name, wanted) => {
    const own = spaces[name as keyof typeof spaces];
    for (const [operation, { magnitudes, signed }] of Object.entries(wanted)) {
      const choices = own[operation as keyof typeof own];
      expect(choices.signed, operation).toBe(signed);
      expect(choices.magnitudes?.length, operation).toBe(magnitudes?.length);
      choices.magnitudes?.forEach((v, i) => {
        expect(Math.abs(v - Number(magnitudes?.[i])), `${operation} ${i}`).toBeLessThan(2e-5);
      });
    }
  });

  it.each(['imagenet', 'cifar10', 'svhn'] as const)('the policy for %s is torchvision’s', (name) => {
    const own = policyOf(name).map((pair) => pair.map(({ operation, p, level }) => [operation, p, level]));
    expect(own).toEqual(policies.policies[name]);
  });
});
