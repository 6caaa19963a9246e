import { readFileSync } from 'node:fs';
import { FettleError, noGrad, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, test } from 'vitest';
import { elements } from '../golden/inputs.js';

/** Batch norms folded into convolutions, as torch.nn.utils.fusion.fuse_conv_bn_eval folds them. */

interface Golden {
  readonly name: string;
  readonly size: number[];
  readonly weight: unknown;
  readonly bias: unknown;
  readonly y: unknown;
}

const golden = JSON.parse(readFileSync(new URL('../golden/fusion.json', import.meta.url), 'utf8')) as Golden[];

const made: nn.Module[] = [];

/** A module that is freed after its test. */
function own<M extends nn.Module>(module: M): M {
  made.push(module);
  return module;
}

afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

type Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d;
type BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d;

/** Layers as fusion.py makes them. */
const LAYERS: Readonly<Record<string, () => [Conv, BatchNorm]>> = {
  Conv2d: () => [new nn.Conv2d(3, 5, 3, { padding: 1 }), new nn.BatchNorm2d(5)],
  'Conv2d without bias': () => [
    new nn.Conv2d(4, 6, 3, { stride: 2, groups: 2, bias: false }),
    new nn.BatchNorm2d(6, { eps: 1e-3 }),
  ],
  Conv1d: () => [new nn.Conv1d(2, 3, 4), new nn.BatchNorm1d(3, { affine: false })],
  Conv3d: () => [new nn.Conv3d(1, 2, 2), new nn.BatchNorm3d(2)],
};

const filled = (seed: number, shape: readonly number[], low = -1, high = 1): Tensor =>
  tensor(elements(seed, { shape, low, high }), shape, { dtype: 'float32' });

function fill(conv: Conv, bn: BatchNorm): void {
  noGrad(() => {
    conv.weight.copy_(filled(1, conv.weight.shape));
    conv.bias?.copy_(filled(2, conv.bias.shape));
    bn.runningMean?.copy_(filled(3, bn.runningMean.shape));
    bn.runningVar?.copy_(filled(4, bn.runningVar.shape, 0.25, 2));
    bn.weight?.copy_(filled(5, bn.weight.shape));
    bn.bias?.copy_(filled(6, bn.bias.shape));
  });
}

function close(got: Tensor, expected: unknown): void {
  const values = [expected].flat(Infinity as 1) as number[];
  const data = got.dataSync();
  expect(data.length).toBe(values.length);
  values.forEach((value, i) => {
    expect(Math.abs((data[i] as number) - value)).toBeLessThan(4e-6 * Math.max(1, Math.abs(value)));
  });
}

describe('fuseConvBn', () => {
  test.each(golden)('$name gives what PyTorch gives', ({ name, size, weight, bias, y }) => {
    const layers = LAYERS[name]?.();
    if (layers === undefined) throw new Error(`no layers for ${name}`);
    const [conv, bn] = layers;
    own(conv).eval();
    own(bn).eval();
    fill(conv, bn);
    const before = conv.weight.dataSync();
    const fused = own(nn.utils.fuseConvBn(conv, bn));
    close(fused.weight, weight);
    close(fused.bias as Tensor, bias);
    const x = filled(7, size);
    close(
      noGrad(() => fused.forward(x)),
      y,
    );
    // The layers themselves stay as they were, and compute the same one after the other.
    expect(conv.weight.dataSync()).toEqual(before);
    close(
      noGrad(() => bn.forward(conv.forward(x))),
      y,
    );
  });

  test('refuses what depends on the batch', () => {
    const [conv, bn] = [own(new nn.Conv2d(1, 2, 3)), own(new nn.BatchNorm2d(2))];
    expect(() => nn.utils.fuseConvBn(conv, bn)).toThrow(FettleError);
    conv.eval();
    const untracked = own(new nn.BatchNorm2d(2, { trackRunningStats: false })).eval();
    expect(() => nn.utils.fuseConvBn(conv, untracked)).toThrow(/running statistics/);
    const other = own(new nn.BatchNorm2d(3)).eval();
    expect(() => nn.utils.fuseConvBn(conv, other)).toThrow(/3 features/);
  });
});
