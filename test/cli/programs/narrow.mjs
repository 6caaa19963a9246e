import { Flatten, Linear, ReLU, Sequential } from 'fettle/nn';

/** A network as a user writes one for `fettle train --model narrow.mjs`. */
export default function narrow(/** @type {readonly number[]} */ shape, /** @type {number} */ classes) {
  const inputs = shape.reduce((a, b) => a * b, 1);
  return new Sequential({
    flatten: new Flatten(),
    fc1: new Linear(inputs, 12),
    relu: new ReLU(),
    fc2: new Linear(12, classes),
  });
}
