import { arange, cat, multinomial, noGrad, ones, type Tensor, topk, tril } from 'fettle';
import * as nn from 'fettle/nn';
import { AdamW, clipGradNorm, lrScheduler } from 'fettle/optim';
import { fill, labels, owned, port } from './port.js';

const F = nn.functional;
const [WORDS, WIDTH, HEADS, TIME] = [13, 16, 4, 8];

class Attention extends nn.Module {
  attn = new nn.Linear(WIDTH, 3 * WIDTH);
  proj = new nn.Linear(WIDTH, WIDTH);
  mask = new nn.Buffer(tril(ones([TIME, TIME])).view(1, 1, TIME, TIME));

  override forward(x: Tensor): Tensor {
    const [B, T, C] = x.size() as [number, number, number];
    const split = this.attn.forward(x).split(C, { dim: 2 });
    const [q, k, v] = split.map((y) => y.view(B, T, HEADS, C / HEADS).transpose(1, 2)) as [Tensor, Tensor, Tensor];
    let att = q.matmul(k.transpose(-2, -1)).mul(1 / Math.sqrt(k.size(-1)));
    att = att.maskedFill(this.mask.index([':', ':', `:${T}`, `:${T}`]).eq(0), -Infinity);
    att = F.softmax(att, { dim: -1 });
    return this.proj.forward(att.matmul(v).transpose(1, 2).contiguous().view(B, T, C));
  }
}

class Block extends nn.Module {
  ln1 = new nn.LayerNorm(WIDTH);
  attn = new Attention();
  ln2 = new nn.LayerNorm(WIDTH);
  mlp = new nn.Sequential(new nn.Linear(WIDTH, 4 * WIDTH), new nn.GELU(), new nn.Linear(4 * WIDTH, WIDTH));

  override forward(input: Tensor): Tensor {
    const x = input.add(this.attn.forward(this.ln1.forward(input)));
    return x.add(this.mlp.forward(this.ln2.forward(x)));
  }
}

class GPT extends nn.Module {
  wte = new nn.Embedding(WORDS, WIDTH);
  wpe = new nn.Embedding(TIME, WIDTH);
  h = new nn.ModuleList<Block>([new Block(), new Block()]);
  lnf = new nn.LayerNorm(WIDTH);
  head = new nn.Linear(WIDTH, WORDS, { bias: false });

  constructor() {
    super();
    this.wte.weight.dispose();
    this.wte.weight = this.head.weight;
  }

  override forward(idx: Tensor): Tensor {
    const pos = arange(0, idx.size(1), { dtype: 'int32' }).unsqueeze(0);
    let x = this.wte.forward(idx).add(this.wpe.forward(pos));
    for (const block of this.h) x = block.forward(x);
    return this.head.forward(this.lnf.forward(x));
  }

  generate(begin: Tensor, count: number, temperature: number, topK: number): Tensor {
    let idx = begin;
    for (let i = 0; i < count; i++) {
      const cond = idx.size(1) <= TIME ? idx : idx.index([':', `-${TIME}:`]);
      const logits = this.forward(cond).index([':', -1, ':']).div(temperature);
      const v = topk(logits, Math.min(topK, logits.size(-1)))[0];
      logits.indexPut_(logits.lt(v.index([':', [-1]])), -Infinity);
      const probs = F.softmax(logits, { dim: -1 });
      idx = cat([idx, multinomial(probs, { numSamples: 1 })], { dim: 1 });
    }
    return idx;
  }
}

port('gpt', () => {
  const model = fill(new GPT());
  const decay = { params: model.parameters().filter((p) => p.dim() >= 2), weightDecay: 0.1 };
  const rest = { params: model.parameters().filter((p) => p.dim() < 2), weightDecay: 0 };
  const optimizer = owned(new AdamW([decay, rest], { lr: 1e-2, betas: [0.9, 0.95] }));
  const scheduler = new lrScheduler.CosineAnnealingLR(optimizer, { TMax: 12, etaMin: 1e-3 });
  const tokens = labels(90, [4, 9], 13);
  const targets = tokens.index([':', '1:']);
  const [losses, norms, rates]: [Tensor[], Tensor[], number[]] = [[], [], []];
  for (let step = 0; step < 12; step++) {
    const logits = model.forward(tokens.index([':', ':-1']));
    const loss = F.crossEntropy(logits.view(-1, logits.size(-1)), targets.reshape(-1), { ignoreIndex: -1 });
    optimizer.zeroGrad({ setToNone: true });
    loss.backward();
    norms.push(clipGradNorm(model.parameters(), 1));
    optimizer.step();
    scheduler.step();
    losses.push(loss);
    rates.push(scheduler.getLastLr()[0] as number);
  }
  model.eval();
  const said = noGrad(() => model.generate(tokens.index([':2', ':3']), 8, 0.8, 1));
  return { losses, norms, rates, wte: model.wte.weight, said };
});
