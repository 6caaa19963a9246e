import { bmm, cat, full, stack, type Tensor, tanh, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { fill, labels, owned, port } from './port.js';

const F = nn.functional;
const { packPaddedSequence, padPackedSequence, padSequence } = nn.utils.rnn;
const [PAD, START, WIDTH, HIDDEN] = [0, 1, 6, 8];

type State = [Tensor, Tensor];

class Encoder extends nn.Module {
  embedding = new nn.Embedding(11, WIDTH, { paddingIdx: PAD });
  lstm = new nn.LSTM(WIDTH, HIDDEN, { numLayers: 1, batchFirst: true, bidirectional: true });
  bridge = new nn.Linear(2 * HIDDEN, HIDDEN);

  override forward(source: Tensor, lengths: Tensor): [Tensor, State] {
    const packed = packPaddedSequence(this.embedding.forward(source), lengths, {
      batchFirst: true,
      enforceSorted: false,
    });
    const [out, [h0, c0]] = this.lstm.forward(packed);
    const [outputs] = padPackedSequence(out, { batchFirst: true });
    const h = tanh(this.bridge.forward(cat([h0.index(-2), h0.index(-1)], { dim: 1 })));
    const c = tanh(this.bridge.forward(cat([c0.index([-2, ':', ':']), c0.index([-1, ':', ':'])], { dim: 1 })));
    return [outputs, [h, c]];
  }
}

class Decoder extends nn.Module {
  embedding = new nn.Embedding(9, WIDTH, { paddingIdx: PAD });
  cell = new nn.LSTMCell(WIDTH + 2 * HIDDEN, HIDDEN);
  query = new nn.Linear(HIDDEN, 2 * HIDDEN, { bias: false });
  out = new nn.Linear(3 * HIDDEN, 9);

  override forward(token: Tensor, before: State, seen: Tensor, memory: Tensor, mask: Tensor): [Tensor, State, Tensor] {
    const state = this.cell.forward(cat([this.embedding.forward(token), seen], { dim: -1 }), before);
    const scores = bmm(memory, this.query.forward(state[0]).unsqueeze(2)).squeeze(2);
    const weights = F.softmax(scores.maskedFill(mask, -1e9), { dim: 1 });
    const context = bmm(weights.unsqueeze(1), memory).squeeze(1);
    return [this.out.forward(cat([state[0], context], { dim: -1 })), state, context];
  }
}

port('seq2seq', () => {
  const [encoder, decoder] = [fill(new Encoder()), fill(new Decoder())];
  const optimizer = owned(new Adam([...encoder.parameters(), ...decoder.parameters()], { lr: 0.02 }));
  const sizes: [number, number][] = [
    [3, 4],
    [6, 2],
    [4, 5],
  ];
  const source = padSequence(
    sizes.map(([n], k) => labels(90 + k, [n], 9).add(2)),
    { batchFirst: true, paddingValue: PAD },
  );
  const target = padSequence(
    sizes.map(([, n], k) => labels(95 + k, [n], 7).add(2)),
    { batchFirst: true },
  );
  const lengths = tensor(
    sizes.map(([n]) => n),
    { dtype: 'int32' },
  );
  const losses: Tensor[] = [];
  let memory: Tensor = zeros([]);
  let logits: Tensor[] = [];
  for (let epoch = 0; epoch < 12; epoch++) {
    let state: State;
    [memory, state] = encoder.forward(source, lengths);
    const mask = source.eq(PAD);
    let context: Tensor = zeros([3, 16]);
    let token: Tensor = full([3], START, { dtype: 'int32' });
    logits = [];
    for (let t = 0; t < target.size(1); t++) {
      let step: Tensor;
      [step, state, context] = decoder.forward(token, state, context, memory, mask);
      logits.push(step);
      token = (t + epoch) % 3 ? target.index([':', t]) : step.argmax(1).detach();
    }
    const loss = F.crossEntropy(stack(logits, { dim: 1 }).transpose(1, 2), target, { ignoreIndex: PAD });
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss);
  }
  const chosen = stack(logits, 1).argmax(-1);
  return { losses, source, memory, embedding: encoder.embedding.weight, query: decoder.query.weight, chosen };
});
