import { noGrad, stack, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { RMSprop } from 'fettle/optim';
import { fill, given, labels, owned, port } from './port.js';

const F = nn.functional;

class QNet extends nn.Module {
  layers = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3));

  override forward(x: Tensor): Tensor {
    return this.layers.forward(x);
  }
}

interface Transition {
  state: Tensor;
  action: number;
  after: Tensor;
  reward: number;
  done: boolean;
}

port('dqn', () => {
  const policy = fill(new QNet());
  const target = owned(nn.cloneModule(policy));
  target.loadStateDict(policy.stateDict());
  for (const p of target.parameters()) p.requiresGrad = false;
  const optimizer = owned(new RMSprop(policy.parameters(), { lr: 5e-3 }));
  const replay = Array.from(
    { length: 24 },
    (_, k): Transition => ({
      state: given(100 + k, [4]),
      action: labels(200 + k, [1], 3).item(),
      after: given(300 + k, [4]),
      reward: given(400 + k, [1]).item(),
      done: k % 5 === 4,
    }),
  );
  const [losses, values]: [Tensor[], Tensor[]] = [[], []];
  for (let step = 0; step < 12; step++) {
    const batch = Array.from({ length: 8 }, (_, k) => replay.at((7 * step + 5 * k) % replay.length) as Transition);
    const state = stack(batch.map((m) => m.state));
    const after = stack(batch.map((m) => m.after));
    const action = tensor(
      batch.map((m) => m.action),
      { dtype: 'int32' },
    ).unsqueeze(1);
    const reward = tensor(batch.map((m) => m.reward));
    const alive = tensor(batch.map((m) => m.done)).logicalNot();
    const q = policy.forward(state).gather(1, action);
    const expected = zeros([8]);
    noGrad(() => {
      expected.indexPut_(alive, target.forward(after.index(alive)).max(1)[0]);
    });
    const loss = F.smoothL1Loss(q, expected.mul(0.99).add(reward).unsqueeze(1));
    optimizer.zeroGrad();
    loss.backward();
    for (const p of policy.parameters()) p.grad?.clamp_(-1, 1);
    optimizer.step();
    noGrad(() => {
      const fresh = policy.parameters();
      for (const [k, slow] of target.parameters().entries()) slow.mul_(0.9).add_(fresh[k] as Tensor, { alpha: 0.1 });
    });
    losses.push(loss);
    values.push(q.mean());
  }
  return {
    losses,
    values,
    target: target.layers.at<nn.Linear>(0).weight,
    policy: policy.layers.at<nn.Linear>(2).weight,
  };
});
