/**
 * `node bench/chart.mjs`: draws bench/results/peers.json as SVG into bench/charts: times relative to fettle's, grouped by net,
 * on a logarithmic scale. Text takes the colour of the reader's theme.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { batchOf, netOf } from './nets.mjs';

/** @typedef {{ ms?: number, ratio?: number, failed?: string, absent?: string, version?: string }} Outcome */
/** @typedef {{ cpu: string, node: string, date: string, results: Record<string, Record<string, Outcome>> }} Record_ */

const ENGINES = [
  { key: 'fettle', label: 'fettle', color: '#0d9488' },
  { key: 'fettle-strict', label: 'fettle, strict', color: '#5eead4' },
  { key: 'jax-js', label: 'jax-js', color: '#a855f7' },
  { key: 'tfjs-wasm', label: 'TensorFlow.js wasm', color: '#f97316' },
  { key: 'tfjs-cpu', label: 'TensorFlow.js cpu', color: '#fdba74' },
  { key: 'onnxruntime-web', label: 'onnxruntime-web', color: '#3b82f6' },
  { key: 'numpy-ts', label: 'numpy-ts', color: '#eab308' },
  { key: 'onnxruntime-node', label: 'onnxruntime, native', color: '#9ca3af' },
  { key: 'pytorch', label: 'PyTorch, native', color: '#6b7280' },
];

const [LEFT, WIDTH, BAR, GAP, TOP] = [136, 760, 15, 18, 60];
const RIGHT = 116;

/** @type {(text: string) => string} */
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/** @type {(ms: number) => string} */
function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms * 1000).toPrecision(3))} µs`;
}

/**
 * A chart of some tasks.
 *
 * @param {string} title
 * @param {Record_} record
 * @param {string[]} keys
 */
export function chart(title, record, keys) {
  const groups = keys.flatMap((key) => {
    const outcomes = record.results[key];
    if (outcomes === undefined) return [];
    const [name = '', task = ''] = key.split(' ');
    const net = netOf(name);
    const bars = ENGINES.flatMap((engine) => {
      // numpy-ts has neither gradients nor convolutions; who else is missing says so.
      const missing = /^(numpy|onnxruntime)/.test(engine.key) && (task === 'train' || engine.key === 'numpy-ts');
      const outcome = outcomes[engine.key] ?? { failed: 'not timed' };
      if (outcome.absent === 'it does not train' || (missing && outcome.ms === undefined)) return [];
      return [{ ...engine, outcome }];
    });
    return [{ title: net.title.split(',')[0] ?? '', detail: `batch ${batchOf(net, task)}`, bars }];
  });
  const ratios = groups.flatMap(({ bars }) => bars.map(({ outcome }) => outcome.ratio ?? 1));
  const low = Math.min(0.5, ...ratios) / 1.15;
  const high = Math.max(10, ...ratios) * 1.3;
  const plot = WIDTH - LEFT - RIGHT;
  /** @type {(ratio: number) => number} */
  const across = (ratio) => LEFT + (plot * Math.log(ratio / low)) / Math.log(high / low);
  /** @type {string[]} */
  const parts = [];
  /** @type {(x: number, y: number, text: string, extra?: string) => void} */
  const write = (x, y, text, extra = '') =>
    void parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${extra}>${escaped(text)}</text>`);
  let y = TOP;
  /** @type {string[]} */
  const bars = [];
  for (const group of groups) {
    write(0, y + 12, `${group.title}, ${group.detail}`, ' class="b"');
    y += 20;
    for (const { label, color, outcome } of group.bars) {
      write(LEFT - 8, y + 12, label, ' text-anchor="end" class="s"');
      if (outcome.ratio === undefined || outcome.ms === undefined) {
        write(across(1) + 6, y + 12, reason(outcome.failed ?? `absent: ${outcome.absent}`), ' class="m"');
      } else {
        const [from, to] = [across(low), across(outcome.ratio)];
        bars.push(
          `<rect x="${from.toFixed(1)}" y="${y + 1}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR - 3}" rx="2" fill="${color}"/>`,
        );
        const times = outcome.ratio >= 10 ? outcome.ratio.toFixed(0) : outcome.ratio.toFixed(2);
        write(to + 5, y + 12, `${times} × · ${duration(outcome.ms)}`, ' class="s"');
      }
      y += BAR + 3;
    }
    y += GAP;
  }
  const bottom = y - GAP + 6;
  const one = across(1).toFixed(1);
  const line = `<line x1="${one}" x2="${one}" y1="${TOP - 8}" y2="${bottom}" class="l"/>`;
  const versions = ENGINES.flatMap(({ key }) => {
    const version = Object.values(record.results).find((o) => o[key]?.version)?.[key]?.version;
    return version === undefined || key === 'fettle-strict' ? [] : [`${key} ${version}`];
  });
  write(
    0,
    bottom + 26,
    `One thread of an ${record.cpu}, Node ${record.node.slice(1)}, ${record.date}. Logarithmic; medians of interleaved rounds.`,
    ' class="m"',
  );
  const half = Math.ceil(versions.length / 2);
  write(0, bottom + 42, `${versions.slice(0, half).join(', ')},`, ' class="m"');
  write(0, bottom + 58, versions.slice(half).join(', '), ' class="m"');
  const height = bottom + 68;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2937; }
.t { font-size: 16px; font-weight: 600; } .b { font-weight: 600; } .s { font-size: 11px; } .m { font-size: 11px; fill: #6b7280; }
.l { stroke: #6b7280; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) { text { fill: #e5e7eb; } .m { fill: #9ca3af; } }
</style>
<text x="0" y="18" class="t">${escaped(title)}</text>
<text x="0" y="36" class="m">Time relative to fettle: shorter is faster, 1 is the dashed line.</text>
${line}
${bars.join('\n')}
${parts.join('\n')}
</svg>
`;
}

/** @param {string} failed */
function reason(failed) {
  if (/not registered/.test(failed)) return 'has no gradient of a convolution';
  if (/no answer/.test(failed)) return failed.replace('no answer within', 'took longer than');
  return failed;
}

export function drawAll() {
  const record = /** @type {Record_} */ (
    JSON.parse(readFileSync(new URL('results/peers.json', import.meta.url), 'utf8'))
  );
  const names = ['mlp', 'lenet', 'transformer', 'resnet20'];
  const folder = fileURLToPath(new URL('charts/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  /** @type {[string, string, string[]][]} */
  const charts = [
    ['training.svg', 'A training step', names.map((name) => `${name} train`)],
    ['inference-1.svg', 'An answer to one input', [...names, 'block'].map((name) => `${name} infer1`)],
    ['inference-64.svg', 'An answer to 64 inputs', names.map((name) => `${name} infer64`)],
  ];
  for (const [file, title, keys] of charts) writeFileSync(`${folder}${file}`, chart(title, record, keys));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) drawAll();
