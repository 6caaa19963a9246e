/**
 * `node bench/sweep.mjs [step]`: the rate of matrix products as one size goes from 1 to 300, the others being 128, and of
 * cubes. Writes build/sweep.json and build/sweep.svg, a chart on which a cliff is seen at once. Rates are relative to the
 * best of the run, and each is the best of a few samples, since a disturbance only ever slows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { deterministic, noGrad, rand, scope } from 'fettle';

const step = Number(process.argv[2] ?? 1);
const LAST = 300;
const FIXED = 128;

/** @type {Record<string, (n: number) => [number, number, number]>} */
const sweeps = {
  'M, the rows': (n) => [n, FIXED, FIXED],
  'K, the sums': (n) => [FIXED, n, FIXED],
  'N, the columns': (n) => [FIXED, FIXED, n],
  'cubes n³': (n) => [n, n, n],
};
/** @type {Record<string, [boolean, boolean]>} */
const layouts = { A·B: [false, false], A·Bᵀ: [false, true], Aᵀ·B: [true, false] };

/** GFLOP/s of one product. @type {(m: number, k: number, n: number, turned: [boolean, boolean]) => number} */
function rate(m, k, n, [turnsA, turnsB]) {
  return scope(() =>
    noGrad(() => {
      const a = turnsA ? rand([k, m]).t() : rand([m, k]);
      const b = turnsB ? rand([n, k]).t() : rand([k, n]);
      const run = () => scope(() => void a.matmul(b));
      const work = 2 * m * k * n;
      const times = Math.max(1, Math.round(4e6 / work));
      run();
      let best = 0;
      for (let sample = 0; sample < 5; sample++) {
        const t = performance.now();
        for (let i = 0; i < Math.min(times, 200); i++) run();
        best = Math.max(best, (work * Math.min(times, 200)) / (performance.now() - t) / 1e6);
      }
      return best;
    }),
  );
}

/** @type {{ arithmetic: string, sweep: string, layout: string, sizes: number[], rates: number[] }[]} */
const curves = [];
for (const arithmetic of ['strict', 'relaxed']) {
  deterministic(arithmetic === 'strict');
  for (let i = 0; i < 40; i++) for (const turned of Object.values(layouts)) rate(64, 64, 64, turned);
  for (const [sweep, shape] of Object.entries(sweeps)) {
    for (const [layout, turned] of Object.entries(layouts)) {
      const sizes = Array.from({ length: Math.ceil(LAST / step) }, (_, i) => 1 + i * step);
      curves.push({ arithmetic, sweep, layout, sizes, rates: sizes.map((n) => rate(...shape(n), turned)) });
    }
  }
}

const top = Math.max(...curves.flatMap(({ rates }) => rates));
const [width, height, left, above] = [420, 200, 40, 30];
const colours = ['#0b6e99', '#c2410c', '#4d7c0f'];
const names = Object.keys(sweeps);
const panels = curves.map(({ arithmetic, sweep, layout, sizes, rates }) => {
  const x0 = left + (arithmetic === 'strict' ? 0 : width + 60);
  const y0 = above + names.indexOf(sweep) * (height + 50);
  const points = sizes
    .map((n, i) => `${(x0 + (width * n) / LAST).toFixed(1)},${(y0 + height * (1 - Number(rates[i]) / top)).toFixed(1)}`)
    .join(' ');
  const place = Object.keys(layouts).indexOf(layout);
  const colour = colours[place];
  return `<polyline fill="none" stroke="${colour}" points="${points}"/>
<text x="${x0 + 180 + 60 * place}" y="${y0 - 8}" fill="${colour}">${layout}</text>
<text x="${x0}" y="${y0 - 8}">${arithmetic}: ${sweep}</text>
<rect x="${x0}" y="${y0}" width="${width}" height="${height}" fill="none" stroke="#999"/>
${[0, 64, 128, 192, 256].map((n) => `<text x="${x0 + (width * n) / LAST}" y="${y0 + height + 14}">${n}</text>`).join('')}`;
});
mkdirSync(new URL('../build/', import.meta.url), { recursive: true });
writeFileSync(
  new URL('../build/sweep.json', import.meta.url),
  `${JSON.stringify({ node: process.version, curves })}\n`,
);
writeFileSync(
  new URL('../build/sweep.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * width + 120}" height="${names.length * (height + 50) + 20}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`,
);
for (const { arithmetic, sweep, layout, sizes, rates } of curves) {
  const drops = sizes.filter((_, i) => {
    const around = rates.slice(Math.max(0, i - 4), i + 5).sort((x, y) => x - y);
    return Number(sizes[i]) > 16 && Number(rates[i]) < 0.7 * Number(around[around.length >> 1]);
  });
  console.log(
    `${arithmetic.padEnd(8)} ${sweep.padEnd(24)} ${layout.padEnd(5)} cliffs at: ${drops.join(', ') || 'none'}`,
  );
}
