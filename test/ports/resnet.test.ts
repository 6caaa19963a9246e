import { noGrad, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { lrScheduler, SGD } from 'fettle/optim';
import { fill, given, labels, owned, port } from './port.js';

const F = nn.functional;

class Shortcut extends nn.Module {
  constructor(readonly more: number) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return F.pad(x.index([':', ':', '::2', '::2']), [0, 0, 0, 0, this.more / 2, this.more / 2], 'constant', 0);
  }
}

class Block extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  shortcut: Shortcut | nn.Sequential;

  constructor(planesIn: number, planes: number, stride = 1) {
    super();
    this.conv1 = new nn.Conv2d(planesIn, planes, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = new nn.Conv2d(planes, planes, 3, { stride: 1, padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(planes);
    this.shortcut = stride !== 1 ? new Shortcut(planes - planesIn) : new nn.Sequential();
  }

  override forward(x: Tensor): Tensor {
    let out = F.relu(this.bn1.forward(this.conv1.forward(x)));
    out = this.bn2.forward(this.conv2.forward(out));
    out.add_(this.shortcut.forward(x));
    return F.relu(out);
  }
}

class ResNet extends nn.Module {
  conv1 = new nn.Conv2d(3, 4, 3, { padding: 1, bias: false });
  bn1 = new nn.BatchNorm2d(4);
  layers: nn.Sequential;
  linear = new nn.Linear(16, 5);

  constructor() {
    super();
    const stage = (planesIn: number, planes: number, stride: number) => [
      new Block(planesIn, planes, stride),
      new Block(planes, planes),
      new Block(planes, planes),
    ];
    this.layers = new nn.Sequential(...stage(4, 4, 1), ...stage(4, 8, 2), ...stage(8, 16, 2));
  }

  override forward(x: Tensor): Tensor {
    let out = F.relu(this.bn1.forward(this.conv1.forward(x)));
    out = this.layers.forward(out);
    out = F.avgPool2d(out, out.size(3));
    return this.linear.forward(out.view(out.size(0), -1));
  }
}

port('resnet', () => {
  const model = fill(new ResNet());
  const criterion = new nn.CrossEntropyLoss({ labelSmoothing: 0.1 });
  const optimizer = owned(new SGD(model.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-4, nesterov: true }));
  const scheduler = new lrScheduler.MultiStepLR(optimizer, { milestones: [4, 7], gamma: 0.1 });
  const [x, y] = [given(90, [8, 3, 8, 8]), labels(91, [8], 5)];
  const [losses, correct]: [Tensor[], Tensor[]] = [[], []];
  for (let epoch = 0; epoch < 9; epoch++) {
    model.train();
    optimizer.zeroGrad();
    const out = model.forward(x);
    const loss = criterion.forward(out, y);
    loss.backward();
    optimizer.step();
    scheduler.step();
    losses.push(loss);
    correct.push(out.max(1)[1].eq(y).sum());
  }
  model.eval();
  const logits = noGrad(() => model.forward(x));
  const running_var = model.bn1.getBuffer('running_var');
  const batches = model.bn1.getBuffer('num_batches_tracked');
  return { losses, correct, logits, running_var, batches, rate: optimizer.paramGroups[0]?.lr as number };
});
