// Type-checked against the installed package, never run.
import { noGrad, scope, type Tensor, tensor } from 'fettle';
import * as compress from 'fettle/compress';
import * as data from 'fettle/data';
import * as io from 'fettle/io';
import * as nn from 'fettle/nn';
import * as ops from 'fettle/ops';
import * as optim from 'fettle/optim';
import * as train from 'fettle/train';

class Net extends nn.Module {
  fc1 = new nn.Linear(2, 3);
  fc2 = new nn.Linear(3, 1);
  override forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).relu());
  }
}

const model = new Net();
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3, betas: [0.9, 0.999] });
const x: Tensor = tensor([
  [1, 2],
  [3, 4],
]);
model.forward(x).sum().backward();
optimizer.step();
{
  using _scope = scope();
  using _mode = noGrad();
  using doubled = x.mul(2);
  doubled.sum();
}
export const shape: readonly number[] = x.shape;
export const entries: readonly object[] = [compress, data, io, ops, train];
