// A function as serverless hosts call it, in one file: says what the checks found, and what it took to begin.
const began = performance.now();
const library = await import('fettle/inline');
const imported = performance.now();

/** @param {number[]} event */
export async function handler(event) {
  const { nn, noGrad, tensor } = library;
  const model = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3));
  return noGrad(() => model.forward(tensor([event])).toArray());
}

await handler([1, 2, 3, 4]);
const answered = performance.now();
const { smoke } = await import('./smoke.mjs');
const { predicts } = await import('./standalone.mjs');
const results = await smoke(/** @type {import('./smoke.mjs').Library} */ (/** @type {unknown} */ (library)));
Object.assign(results, await predicts(await import('./lenet5-inline.js')));
console.log(`\nRESULTS ${JSON.stringify(results)}`);
const milliseconds = { import: imported - began, 'first answer': answered - imported };
const figures = Object.entries(milliseconds).map(([what, took]) => `${what} ${took.toFixed(0)} ms`);
console.log(`FIGURES ${figures.join(', ')}, at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB resident`);
