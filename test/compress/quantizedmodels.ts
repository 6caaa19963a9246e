import { noGrad, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';

/** Models and measures that the tests of quantization share. */

export type Net = nn.Module & { forward(x: Tensor): Tensor };

export const run = (model: Net, x: Tensor): Float32Array => noGrad(() => model.forward(x)).dataSync() as Float32Array;

/** Signal to noise in decibels: 20 dB is an error of a tenth, 40 dB of a hundredth. */
export function sqnr(exact: ArrayLike<number>, approximate: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    signal += (exact[i] as number) ** 2;
    noise += ((exact[i] as number) - (approximate[i] as number)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** A residual block whose batch norms stand in no Sequential. */
export class Block extends nn.Module {
  readonly conv1: nn.Module & { forward(x: Tensor): Tensor };
  readonly bn1: Net;
  readonly conv2: Net;
  readonly bn2: Net;

  constructor(readonly channels: number) {
    super();
    this.conv1 = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(channels);
    this.conv2 = new nn.Conv2d(channels, channels, 3, { padding: 1 });
    this.bn2 = new nn.BatchNorm2d(channels);
  }

  forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2.forward(this.conv2.forward(y)).add(x).relu();
  }
}

/** A convolution whose output two modules read, so that its batch norm must stay. */
export class Forked extends nn.Module {
  readonly conv = new nn.Conv2d(3, 3, 1);
  readonly bn: Net = new nn.BatchNorm2d(3);

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.bn.forward(y).add(y);
  }
}

export function resnet(): nn.Sequential {
  return new nn.Sequential({
    stem: new nn.Conv2d(3, 6, 3, { padding: 1, bias: false }),
    bn: new nn.BatchNorm2d(6),
    relu: new nn.ReLU(),
    block: new Block(6),
    pool: new nn.AdaptiveAvgPool2d(1),
    flatten: new nn.Flatten(),
    fc: new nn.Linear(6, 4),
    norm: new nn.BatchNorm1d(4),
  });
}

/** Runs batches through a model in training, so that its batch norms have seen something. */
export function settle(model: Net, batches: readonly Tensor[]): void {
  model.train();
  for (const x of batches) run(model, x);
}
