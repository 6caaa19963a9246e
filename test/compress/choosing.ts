import { Generator } from '../../src/core/random.js';
import { manualSeed, randn, type Tensor, tensor } from '../../src/index.js';
import { BatchNorm1d, Linear, ReLU, Sequential } from '../../src/nn/index.js';
import { tracked } from './modules.js';

/** A problem that a small network learns in a moment: which of three corners a point of the plane lies near. */

const CORNERS = [
  [0, 1.5],
  [1.3, -0.8],
  [-1.3, -0.8],
] as const;

function points(count: number, seed: number): [Tensor, Tensor] {
  const generator = new Generator(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const places = Float32Array.from({ length: 2 * count }, (_, i) => {
    const corner = CORNERS[labels[i >> 1] as number] as readonly [number, number];
    return (corner[i % 2] as number) + 0.45 * generator.normal();
  });
  return [tensor(places, [count, 2]), tensor(labels)];
}

/** Batches to train on, and others to validate on. */
export function plane(): { train: [Tensor, Tensor][]; validation: [Tensor, Tensor][] } {
  return {
    train: Array.from({ length: 6 }, (_, i) => points(32, i + 1)),
    validation: Array.from({ length: 2 }, (_, i) => points(60, i + 50)),
  };
}

/** A network far too large for the plane. */
export function planeNet(seed = 1) {
  manualSeed(seed);
  return tracked(
    new Sequential({
      fc1: new Linear(2, 32),
      bn: new BatchNorm1d(32),
      relu1: new ReLU(),
      fc2: new Linear(32, 24),
      relu2: new ReLU(),
      fc3: new Linear(24, 3),
    }),
  );
}

export const example = (): Tensor => randn([4, 2]);
