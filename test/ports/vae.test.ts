import { exp, sum, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { fill, given, owned, port } from './port.js';

const F = nn.functional;

class VAE extends nn.Module {
  encoder = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { stride: 2, padding: 1 }),
    new nn.LeakyReLU(0.2, { inplace: true }),
    new nn.Conv2d(4, 8, 3, 2, 1),
    new nn.LeakyReLU(0.2),
    new nn.Flatten(),
  );
  mu: nn.Linear;
  logvar: nn.Linear;
  decoder: nn.Sequential;

  constructor(latent: number) {
    super();
    this.mu = new nn.Linear(32, latent);
    this.logvar = new nn.Linear(32, latent);
    this.decoder = new nn.Sequential(
      new nn.Linear(latent, 32),
      new nn.ReLU(),
      new nn.Unflatten(1, [8, 2, 2]),
      new nn.ConvTranspose2d(8, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }),
      new nn.ReLU(),
      new nn.ConvTranspose2d(4, 1, 4, 2, 1),
      new nn.Sigmoid(),
    );
  }

  override forward(x: Tensor, eps: Tensor): [Tensor, Tensor, Tensor] {
    const h = this.encoder.forward(x);
    const [mu, logvar] = [this.mu.forward(h), this.logvar.forward(h)];
    const std = exp(logvar.mul(0.5));
    return [this.decoder.forward(mu.add(eps.mul(std))), mu, logvar];
  }
}

port('vae', () => {
  const model = fill(new VAE(3));
  const optimizer = owned(new Adam(model.parameters(), { lr: 1e-2 }));
  const x = given(90, [6, 1, 8, 8], 0, 1);
  const [losses, divergences]: [Tensor[], Tensor[]] = [[], []];
  for (let step = 0; step < 12; step++) {
    const [recon, mu, logvar] = model.forward(x, given(100 + step, [6, 3]));
    const bce = F.binaryCrossEntropy(recon, x, { reduction: 'sum' });
    const kld = sum(logvar.add(1).sub(mu.pow(2)).sub(logvar.exp())).mul(-0.5);
    const loss = bce.add(kld);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss);
    divergences.push(kld);
  }
  return { losses, divergences, weight: model.decoder.at<nn.ConvTranspose2d>(-2).weight };
});
