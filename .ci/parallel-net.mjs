/** A model and losses of a program's own, for worker threads too. */
import { crossEntropy } from 'fettle';
import { Linear, Module } from 'fettle/nn';

export default class Net extends Module {
  constructor(width, deaths) {
    super();
    this.first = new Linear(6, width);
    this.second = new Linear(width, 4);
    Net.deaths = deaths;
  }

  forward(x) {
    return this.second.forward(this.first.forward(x).relu());
  }
}

/** Ends the first thread that computes it. */
export function loss(output, target) {
  if (Atomics.add(Net.deaths, 0, 1) === 0) process.exit(3);
  return crossEntropy(output, target);
}

export function torn() {
  throw new RangeError('torn');
}
