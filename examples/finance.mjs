/**
 * Finance: how restless will tomorrow be? An LSTM forecasts the size of the next day's move of a simulated price (GARCH: calm and
 * restless days cluster). Each fold is trained on the past alone, its scaler fitted there too, and the guess to beat is the
 * average of the past week. Nobody's money should follow it.
 */
import { manualSeed, mseLoss, noGrad, randn, scope, stack, tensor } from 'fettle';
import { DataLoader, StandardScaler, TensorDataset, TimeSeriesSplit } from 'fettle/data';
import { Linear, LSTM, Module } from 'fettle/nn';
import { AdamW } from 'fettle/optim';

const epochs = process.env.QUICK ? 3 : 6;
const DAYS = process.env.QUICK ? 900 : 1500;
const WINDOW = 20;
manualSeed(0);

// Bollerslev 1986: today's variance follows yesterday's and yesterday's shock.
const shocks = randn([DAYS]).dataSync();
const moves = new Float32Array(DAYS);
for (let day = 0, variance = 1; day < DAYS; day++) {
  const move = Math.sqrt(variance) * Number(shocks[day]);
  moves[day] = Math.log(Math.abs(move) + 0.1); // logarithms of sizes are nearly normal
  variance = 0.02 + 0.18 * move ** 2 + 0.8 * variance;
}
const series = tensor(moves, [DAYS, 1]);

class Forecaster extends Module {
  lstm = new LSTM(1, 16, { batchFirst: true });
  out = new Linear(16, 1);

  /** [N, days, 1] → [N, 1] @param {import('fettle').Tensor} x @override */
  forward(x) {
    return this.out.forward(this.lstm.forward(x)[0].select(1, -1));
  }
}

/** Windows of days and the day behind each. @param {import('fettle').Tensor} scaled @param {Int32Array} days */
const windows = (scaled, days) => {
  const ends = [...days].filter((day) => day >= WINDOW);
  return /** @type {const} */ ([
    stack(ends.map((day) => scaled.narrow(0, day - WINDOW, WINDOW))),
    stack(ends.map((day) => scaled.select(0, day))),
  ]);
};

let model = 0;
let naive = 0;
const splitter = new TimeSeriesSplit(3, { testSize: 150 });
for (const [past, future] of splitter.split(DAYS)) {
  const scaler = new StandardScaler().fit(series.narrow(0, 0, past.length));
  const scaled = scaler.transform(series);
  const forecaster = new Forecaster();
  const optimizer = new AdamW(forecaster.parameters(), { lr: 5e-3 });
  const loader = new DataLoader(new TensorDataset(...windows(scaled, past)), { batchSize: 32, shuffle: true });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const [x, y] of loader) {
      optimizer.zeroGrad();
      mseLoss(forecaster.forward(x), y).backward();
      optimizer.step();
    }
  }
  scope(() =>
    noGrad(() => {
      const [x, y] = windows(scaled, future);
      model += mseLoss(forecaster.forward(x), y).item() / splitter.nSplits;
      naive += mseLoss(x.narrow(1, WINDOW - 5, 5).mean({ dim: 1 }), y).item() / splitter.nSplits;
    }),
  );
}
const gain = 1 - model / naive;
console.log(
  `finance: squared error ${model.toFixed(3)} on the simulated future, the past week's average ${naive.toFixed(3)}: ${(100 * gain).toFixed(0)} % less`,
);

export { gain };
