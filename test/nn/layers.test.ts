import { relu, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { checkModels } from '../golden/nn.js';

class LeNet extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(1, 3, 3, { padding: 1 }),
    new nn.BatchNorm2d(3),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(3, 4, 3),
    new nn.Tanh(),
    new nn.AvgPool2d(2),
  );
  flatten = new nn.Flatten();
  fc1 = new nn.Linear(4, 5);
  drop = new nn.Dropout(0.25);
  fc2 = new nn.Linear(5, 3);

  forward(x: Tensor): Tensor {
    const y = this.flatten.forward(this.features.forward(x));
    return this.fc2.forward(this.drop.forward(relu(this.fc1.forward(y))));
  }
}

class Residual extends nn.Module {
  blocks = new nn.ModuleList([
    new nn.Sequential(new nn.Linear(4, 4), new nn.LayerNorm(4), new nn.GELU()),
    new nn.Sequential(new nn.Linear(4, 4, { bias: false }), new nn.SiLU()),
  ]);
  scale = new nn.Parameter(tensor([0.5, 2]));
  head = new nn.Linear(4, 2);

  forward(x: Tensor): Tensor {
    const y = [...this.blocks].reduce((v, block) => v.add((block as nn.Sequential).forward(v)), x);
    return this.head.forward(y).mul(this.scale);
  }
}

class Tied extends nn.Module {
  encode = new nn.Linear(3, 3);
  act = new nn.Tanh();
  decode = this.encode;

  forward(x: Tensor): Tensor {
    return this.decode.forward(this.act.forward(this.encode.forward(x)));
  }
}

checkModels('layers', {
  linear: () => new nn.Linear(5, 3),
  'linear without bias': () => new nn.Linear(5, 3, { bias: false }),
  conv: () => new nn.Conv2d(2, 3, 3),
  'conv with options': () => new nn.Conv2d(4, 6, [3, 2], { stride: 2, padding: [1, 0], groups: 2, bias: false }),
  'conv, dilated': () => new nn.Conv2d(1, 2, 3, { padding: 1, dilation: 2 }),
  'batch norm 1d': () => new nn.BatchNorm1d(4),
  'batch norm 2d': () => new nn.BatchNorm2d(3),
  'batch norm with options': () => new nn.BatchNorm2d(3, { eps: 1e-3, momentum: 0.25 }),
  'batch norm, cumulative': () => new nn.BatchNorm1d(3, { momentum: null }),
  'batch norm, not affine': () => new nn.BatchNorm1d(3, { affine: false }),
  'batch norm without statistics': () => new nn.BatchNorm1d(3, { trackRunningStats: false }),
  'layer norm': () => new nn.LayerNorm(5),
  'layer norm over two': () => new nn.LayerNorm([3, 4], { eps: 1e-7 }),
  'layer norm, not affine': () => new nn.LayerNorm([5], { eps: 0.01, elementwiseAffine: false }),
  dropout: () => new nn.Dropout(0.3),
  'dropout of nothing': () => new nn.Dropout(0),
  'dropout of all': () => new nn.Dropout(1),
  'max pool': () => new nn.MaxPool2d(2),
  'max pool with options': () => new nn.MaxPool2d([3, 2], { stride: 2, padding: [1, 0], ceilMode: true }),
  'max pool, dilated': () => new nn.MaxPool2d(2, { stride: [1, 2], dilation: 2 }),
  'avg pool': () => new nn.AvgPool2d(2),
  'avg pool with options': () =>
    new nn.AvgPool2d([3, 2], { stride: [2, 1], padding: 1, countIncludePad: false, ceilMode: true }),
  'adaptive avg pool': () => new nn.AdaptiveAvgPool2d(1),
  'adaptive avg pool to a size': () => new nn.AdaptiveAvgPool2d([3, 4]),
  'adaptive avg pool along one side': () => new nn.AdaptiveAvgPool2d([null, 2]),
  relu: () => new nn.ReLU(),
  sigmoid: () => new nn.Sigmoid(),
  tanh: () => new nn.Tanh(),
  silu: () => new nn.SiLU(),
  gelu: () => new nn.GELU(),
  'gelu, tanh': () => new nn.GELU({ approximate: 'tanh' }),
  relu6: () => new nn.ReLU6(),
  'leaky relu': () => new nn.LeakyReLU(),
  'leaky relu with a slope': () => new nn.LeakyReLU(0.2),
  elu: () => new nn.ELU(),
  'elu with alpha': () => new nn.ELU(0.5),
  selu: () => new nn.SELU(),
  celu: () => new nn.CELU(2),
  mish: () => new nn.Mish(),
  softplus: () => new nn.Softplus(),
  'softplus with options': () => new nn.Softplus(2, 3),
  softsign: () => new nn.Softsign(),
  'log sigmoid': () => new nn.LogSigmoid(),
  hardsigmoid: () => new nn.Hardsigmoid(),
  hardswish: () => new nn.Hardswish(),
  hardtanh: () => new nn.Hardtanh(),
  'hardtanh with bounds': () => new nn.Hardtanh(-0.5, 1.5),
  threshold: () => new nn.Threshold(0.1, 20),
  glu: () => new nn.GLU(),
  'glu along a dimension': () => new nn.GLU(1),
  prelu: () => new nn.PReLU(),
  'prelu for channels': () => new nn.PReLU(4, 0.1),
  softmax: () => new nn.Softmax(1),
  'log softmax': () => new nn.LogSoftmax(-1),
  flatten: () => new nn.Flatten(),
  'flatten in part': () => new nn.Flatten(0, 1),
  identity: () => new nn.Identity(),
  'empty sequential': () => new nn.Sequential(),
  sequential: () =>
    new nn.Sequential(
      new nn.Linear(4, 6),
      new nn.ReLU(),
      new nn.Dropout(0.5),
      new nn.Linear(6, 3),
      new nn.LogSoftmax(1),
    ),
  'named sequential': () =>
    new nn.Sequential({
      conv: new nn.Conv2d(1, 2, 3, { bias: false }),
      norm: new nn.BatchNorm2d(2),
      act: new nn.ReLU(),
      rest: new nn.Sequential(new nn.Flatten(), new nn.Linear(8, 2)),
    }),
  LeNet: () => new LeNet(),
  Residual: () => new Residual(),
  Tied: () => new Tied(),
});
