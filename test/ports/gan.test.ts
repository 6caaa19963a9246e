import { autograd, onesLike, sub, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { fill, given, owned, port } from './port.js';

// Wasserstein GAN with gradient penalty (Gulrajani et al. 2017).
port('gan', () => {
  const generator = fill(
    new nn.Sequential(
      new nn.Linear(4, 16),
      new nn.BatchNorm1d(16),
      new nn.ReLU(true),
      new nn.Linear(16, 2),
      new nn.Tanh(),
    ),
  );
  const critic = fill(
    new nn.Sequential(
      new nn.Linear(2, 16),
      new nn.LeakyReLU(0.2),
      new nn.Linear(16, 16),
      new nn.Tanh(),
      new nn.Linear(16, 1),
    ),
  );
  const optimizerG = owned(new Adam(generator.parameters(), { lr: 1e-2, betas: [0, 0.9] }));
  const optimizerD = owned(new Adam(critic.parameters(), { lr: 1e-2, betas: [0, 0.9] }));
  const real = given(90, [8, 2]);
  const [lossesD, lossesG, penalties]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
  for (let step = 0; step < 10; step++) {
    const fake = generator.forward(given(100 + step, [8, 4]));
    const alpha = given(200 + step, [8, 1], 0, 1);
    const between = alpha.mul(real).add(sub(1, alpha).mul(fake.detach())).requiresGrad_(true);
    const scores = critic.forward(between);
    const [gradients] = autograd.grad(scores, between, {
      gradOutputs: onesLike(scores),
      createGraph: true,
      retainGraph: true,
    });
    const penalty = gradients.norm(2, { dim: 1 }).sub(1).pow(2).mean();
    const lossD = critic.forward(fake.detach()).mean().sub(critic.forward(real).mean()).add(penalty.mul(10));
    optimizerD.zeroGrad();
    lossD.backward();
    optimizerD.step();

    for (const p of critic.parameters()) p.requiresGrad_(false);
    const lossG = critic.forward(fake).mean().neg();
    optimizerG.zeroGrad();
    lossG.backward();
    optimizerG.step();
    for (const p of critic.parameters()) p.requiresGrad_(true);
    lossesD.push(lossD);
    lossesG.push(lossG);
    penalties.push(penalty);
  }
  return {
    lossesD,
    lossesG,
    penalties,
    critic: critic.at<nn.Linear>(0).weight,
    generator: generator.at<nn.Linear>(0).weight,
  };
});
