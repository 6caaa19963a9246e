import { autograd, sin, type Tensor, tanh, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { given, owned, port } from './port.js';

const F = nn.functional;

type Weights = [Tensor, Tensor, Tensor, Tensor];

function net(x: Tensor, params: Weights): Tensor {
  const hidden = tanh(F.linear(x, params[0], params[1]));
  return F.linear(hidden, params[2], params[3]);
}

// Two inner steps of gradient descent, and the derivative through them (Finn et al. 2017).
port('maml', () => {
  const shapes = [[8, 1], [8], [1, 8], [1]];
  const params = shapes.map((shape, k) => given(k + 1, shape).requiresGrad_()) as Weights;
  const optimizer = owned(new SGD(params, { lr: 0.05 }));
  const losses: Tensor[] = [];
  for (let step = 0; step < 10; step++) {
    optimizer.zeroGrad();
    let total: Tensor = tensor(0);
    for (let task = 0; task < 2; task++) {
      const phase = 0.5 + task + 0.1 * step;
      const x = given(100 + 2 * step + task, [6, 1], -2, 2);
      const y = sin(x.add(phase));
      let fast = params;
      for (let i = 0; i < 2; i++) {
        const inner = F.mseLoss(net(x.index(':3'), fast), y.index(':3'));
        const grads = autograd.grad(inner, fast, { createGraph: true });
        fast = fast.map((p, k) => p.sub((grads[k] as Tensor).mul(0.1))) as Weights;
      }
      total = F.mseLoss(net(x.index('3:'), fast), y.index('3:')).add(total);
    }
    total.backward();
    optimizer.step();
    losses.push(total);
  }
  return { losses, first: params[0], last: params[2], grad: params[0].grad as Tensor };
});
