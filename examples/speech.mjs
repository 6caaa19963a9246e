/**
 * Speech: four spoken-word-like sounds are told apart by their log-mel spectrograms. The sounds are synthesized: two formants each
 * that glide as in a diphthong, on a voice of random pitch, in noise. Real recordings come from readWav.
 */
import { crossEntropy, manualSeed, rand, randn, scope, stack, tensor } from 'fettle';
import { DataLoader, logMelSpectrogram, TensorDataset } from 'fettle/data';
import { AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { evaluate, Trainer } from 'fettle/train';

const quick = Boolean(process.env.QUICK);
const RATE = 8000;
const SAMPLES = 3200;
/** First and second formant at the beginning and at the end, in hertz. */
const WORDS = {
  eye: [750, 1200, 350, 2200],
  oh: [550, 900, 350, 750],
  you: [300, 2200, 320, 850],
  ah: [750, 1200, 700, 1100],
};
manualSeed(0);

/** A voice through two gliding resonances, in noise. @param {number[]} word */
function speak([f1 = 0, f2 = 0, g1 = 0, g2 = 0]) {
  const [pitch = 0, shift = 0, loud = 0] = rand([3]).dataSync();
  const hum = 90 + 130 * pitch;
  const voice = new Float32Array(SAMPLES);
  for (let k = 1; k * hum < RATE / 2; k++) {
    for (let t = 0; t < SAMPLES; t++) {
      const way = t / SAMPLES;
      const near = (/** @type {number} */ from, /** @type {number} */ to) =>
        1 / (1 + ((k * hum - (from + (to - from) * way) * (0.9 + 0.2 * shift)) / 90) ** 2);
      voice[t] = Number(voice[t]) + (near(f1, g1) + 0.6 * near(f2, g2)) * Math.sin((2 * Math.PI * k * hum * t) / RATE);
    }
  }
  return tensor(voice)
    .mul(0.3 + loud)
    .add(randn([SAMPLES]).mul(0.1));
}

/** Spectrograms [N, 1, mels, times] and which word each is. @param {number} each */
function record(each) {
  const [sounds, words] = scope(() => {
    const labels = Object.values(WORDS).flatMap((_, word) => new Array(each).fill(word));
    const kinds = Object.values(WORDS);
    const heard = labels.map((word) =>
      scope(() =>
        logMelSpectrogram(speak(kinds[word] ?? []), { sampleRate: RATE, nFft: 256, hopLength: 128, nMels: 24 }),
      ),
    );
    return [stack(heard).unsqueeze(1), tensor(labels, { dtype: 'int32' })];
  });
  return new TensorDataset(sounds, words);
}

const train = new DataLoader(record(quick ? 20 : 60), { batchSize: 16, shuffle: true, seed: 0 });
const test = new DataLoader(record(quick ? 10 : 25), { batchSize: 100 });
const model = new Sequential(
  new BatchNorm2d(1),
  new Conv2d(1, 8, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Conv2d(8, 16, 3, { padding: 1 }),
  new ReLU(),
  new AdaptiveAvgPool2d([6, 2]),
  new Flatten(),
  new Linear(16 * 12, 4),
);
const trainer = new Trainer({
  model,
  optimizer: new Adam(model.parameters(), { lr: 3e-3 }),
  step: ([x, y]) => ({ loss: crossEntropy(model.forward(x), y) }),
});
await trainer.fit(train, 8);
const { accuracy, samples } = await evaluate(model, test);
console.log(
  `speech: ${(100 * accuracy).toFixed(1)} % of ${samples} unseen synthesized words (${Object.keys(WORDS).join(', ')})`,
);

export { accuracy };
