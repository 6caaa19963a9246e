/** What starting costs, each time in a new Node: from `import` to the first product, and resident memory. */
import { spawnSync } from 'node:child_process';
import { root } from './bundles.mjs';

/** @type {(values: number[]) => number} */
const median = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 1]);

const PRODUCT = `
const from = performance.now();
const { tensor } = await import('fettle');
const imported = performance.now();
const y = tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).dataSync();
const answered = performance.now();
if (y[0] !== 3 || y[1] !== 7) throw new Error('a wrong product');
console.log(JSON.stringify([imported - from, answered - imported, process.memoryUsage().rss]));`;
const BARE = `console.log(JSON.stringify([0, 0, process.memoryUsage().rss]));`;

/**
 * @param {number} processes  of each kind
 * @returns {import('../size.mjs').Figure[]}
 */
export function starts(processes) {
  const run = (/** @type {string} */ program) => {
    const args = ['--input-type=module', '-e', program];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return /** @type {number[]} */ (JSON.parse(stdout));
  };
  // In turn, since the machine is not the same from one second to the next.
  const pairs = Array.from({ length: processes }, () => [run(PRODUCT), run(BARE)]);
  const middle = (/** @type {number} */ i) => median(pairs.map(([product]) => Number(product?.[i])));
  const resident = median(pairs.map(([product, bare]) => Number(product?.[2]) - Number(bare?.[2])));
  return [
    { name: 'import', value: middle(0), unit: 'ms' },
    { name: 'first product', value: middle(1), unit: 'ms' },
    { name: 'resident over bare Node', value: resident / 1e6, unit: 'MB' },
  ];
}
