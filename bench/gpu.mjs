/**
 * `node bench/gpu.mjs`: what fettle reaches on a real GPU, through WebGPU: products, passes over memory, Adam, and the training
 * steps of the bench's networks, each against what the chip gives at most, measured here and now: a chain of multiply-adds in
 * registers, and a copy within its memory. What shaders take of the chip only where it has it, subgroups and 16-bit arithmetic, is
 * timed with and without. Where Python with PyTorch and CUDA is at hand, PyTorch (eager) does the same beside it.
 *
 * Prints a table and writes build/gpu.json. On Node it takes the package `webgpu` (Dawn), which it has as a development dependency;
 * Linux needs the Vulkan loader (libvulkan1) and the chip's own driver.
 *
 *   --quick           smaller, for a driver in software      --filter TEXT     cases whose name has it
 *   --json            JSON alone, on standard output         --no-torch        without PyTorch
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { capture, deterministic, layerNorm, rand, randn, scope, setDevice } from 'fettle';
import { Parameter } from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { configure, gpuInfo } from 'fettle/webgpu';
import { trainingOf } from './engines/fettle.mjs';
import { nets } from './nets.mjs';

/** @typedef {import('fettle').Tensor} Tensor */
/** @typedef {{ name: string, milliseconds: number, gflops?: number, gigabytes?: number, ofPeak?: number, torch?: number, timesTorch?: number }} Row */

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    filter: { type: 'string' },
    'no-torch': { type: 'boolean', default: false },
  },
});
const { quick } = options;

/** @type {(line: string) => void} */
const print = (line) => void (options.json || console.log(line));

/** @type {(rate: number) => string} */
const short = (rate) => (rate < 100 ? rate.toPrecision(3) : rate.toFixed(0));

/** @returns {Promise<GPU>} */
async function gpuOf() {
  const own = typeof navigator === 'object' ? navigator.gpu : undefined;
  if (own) return own;
  const { create } = await import('webgpu');
  return create([]);
}

const gpu = await gpuOf();
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
if (adapter === null)
  throw new Error('WebGPU finds no adapter: is the driver of the GPU (on Linux: for Vulkan) installed?');
const { limits } = adapter;
/** @type {Record<string, number>} */
const wanted = {};
for (const name of /** @type {const} */ ([
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
])) {
  wanted[name] = limits[name];
}
const features = /** @type {GPUFeatureName[]} */ (
  ['shader-f16', 'subgroups'].filter((name) => adapter.features.has(name))
);
const device = await adapter.requestDevice({ requiredLimits: wanted, requiredFeatures: features });

/**
 * Milliseconds of a run: the difference of so many and twice as many, so that what happens once (sending off, waiting) drops out.
 *
 * @param {() => void} run
 * @param {() => Promise<unknown>} wait  until all is done
 */
async function timed(run, wait) {
  run();
  await wait();
  /** @param {number} count */
  const of = async (count) => {
    const began = performance.now();
    for (let i = 0; i < count; i++) run();
    await wait();
    return performance.now() - began;
  };
  const budget = quick ? 60 : 200;
  let count = 1;
  for (let once = await of(1); once * count < budget && count < 4096; count *= 2) if (count === 1) once = await of(1);
  let [single, double] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < (quick ? 3 : 7); i++) {
    // The least of each: whatever disturbs makes them longer.
    single = Math.min(single, await of(count));
    double = Math.min(double, await of(2 * count));
  }
  return double > single ? (double - single) / count : double / (2 * count);
}

/** Multiply-adds in registers: GFLOP/s of float32 that this chip gives at most. */
async function peak() {
  const [groups, rounds] = quick ? [64, 256] : [8192, 1024];
  const chains = 8;
  const names = Array.from({ length: chains }, (_, i) => `c${i}`);
  const code = `
    @group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
    @compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let x = vec4<f32>(f32(id.x) * 1e-9 + 0.999);
      ${names.map((c, i) => `var ${c} = vec4<f32>(${i}.5);`).join(' ')}
      for (var i = 0; i < ${rounds}; i++) { ${names.map((c) => `${c} = fma(${c}, x, x);`).join(' ')} }
      y[id.x & 255u] = ${names.join(' + ')};
    }`;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const buffer = device.createBuffer({ size: 4096, usage: GPU.STORAGE | GPU.COPY_SRC });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const milliseconds = await timed(
    () => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(groups);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    () => device.queue.onSubmittedWorkDone(),
  );
  buffer.destroy();
  return (groups * 256 * rounds * chains * 8) / milliseconds / 1e6;
}

const GPU = { COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 };

/** GB/s of a copy within the chip's memory, read and written counted. */
async function bandwidth() {
  const size = quick ? 1 << 24 : 1 << 28;
  const [from, to] = [0, 1].map(() => device.createBuffer({ size, usage: GPU.COPY_SRC | GPU.COPY_DST }));
  const milliseconds = await timed(
    () => {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(/** @type {GPUBuffer} */ (from), 0, /** @type {GPUBuffer} */ (to), 0, size);
      device.queue.submit([encoder.finish()]);
    },
    () => device.queue.onSubmittedWorkDone(),
  );
  from?.destroy();
  to?.destroy();
  return (2 * size) / milliseconds / 1e6;
}

/**
 * What PyTorch takes for the same, by name; nothing where it is not at hand.
 *
 * @returns {Record<string, number>}
 */
function torch() {
  if (options['no-torch']) return {};
  const script = fileURLToPath(new URL('./gpu.py', import.meta.url));
  const { status, stdout } = spawnSync('python3', [script], {
    input: JSON.stringify({ quick, nets: Object.fromEntries(Object.entries(nets)) }),
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  return status === 0 ? JSON.parse(stdout) : {};
}

const has = (/** @type {GPUFeatureName} */ name) => features.includes(name);
configure({ device, f16: has('shader-f16') });
await setDevice('webgpu');
const limit = { gflops: await peak(), gigabytes: await bandwidth() };
const info = gpuInfo();
print(
  `${adapter.info.description || adapter.info.vendor}: ${short(limit.gflops)} GFLOP/s of float32, copies ${short(limit.gigabytes)} GB/s`,
);
const beside = torch();

/** @type {Row[]} */
const rows = [];

/**
 * @param {string} name
 * @param {{ flops?: number, bytes?: number }} work
 * @param {() => Tensor} run  gives a tensor, whose first number is waited for
 */
async function bench(name, { flops, bytes }, run) {
  if (options.filter !== undefined && !name.includes(options.filter)) return;
  /** @type {Tensor | null} */
  let last = null;
  const milliseconds = await timed(
    () => {
      last?.dispose();
      last = scope(() => run().detach());
    },
    async () => {
      const first = scope(() => /** @type {Tensor} */ (last).flatten().narrow(0, 0, 1).clone());
      await first.data();
      first.dispose();
    },
  );
  /** @type {Tensor | null} */ (last)?.dispose();
  const rate = (/** @type {number | undefined} */ n) => (n === undefined ? undefined : n / milliseconds / 1e6);
  const [gflops, gigabytes] = [rate(flops), rate(bytes)];
  const ofPeak =
    gflops !== undefined ? gflops / limit.gflops : gigabytes !== undefined ? gigabytes / limit.gigabytes : undefined;
  const reference = beside[name];
  rows.push({
    name,
    milliseconds,
    ...(gflops === undefined ? {} : { gflops }),
    ...(gigabytes === undefined ? {} : { gigabytes }),
    ...(ofPeak === undefined ? {} : { ofPeak }),
    ...(reference === undefined ? {} : { torch: reference, timesTorch: reference / milliseconds }),
  });
  const parts = [
    name.padEnd(34),
    `${milliseconds.toPrecision(3).padStart(9)} ms`,
    gflops === undefined ? '' : `${short(gflops)} GFLOP/s`,
    gigabytes === undefined ? '' : `${short(gigabytes)} GB/s`,
    ofPeak === undefined ? '' : `${(100 * ofPeak).toFixed(0)} % of what the chip gives`,
    reference === undefined ? '' : `${(reference / milliseconds).toFixed(2)} × PyTorch's rate`,
  ];
  print(parts.filter(Boolean).join('  '));
}

/**
 * The same with what deterministic(true) leaves alone: sums are joined by halves in shared memory, float16 is multiplied in float32.
 *
 * @type {typeof bench}
 */
async function without(name, work, run) {
  await deterministic(true);
  await bench(name, work, run);
  await deterministic(false);
}

for (const n of quick ? [256] : [1024, 2048, 4096]) {
  const [a, b] = [randn([n, n]), randn([n, n])];
  await bench(`matmul ${n}`, { flops: 2 * n ** 3 }, () => a.matmul(b));
  await bench(`matmul ${n}, transposed`, { flops: 2 * n ** 3 }, () => a.matmul(b.T));
  const [p, q] = [a.to('float16'), b.to('float16')];
  const product = () => p.matmul(q);
  if (has('shader-f16')) await bench(`matmul ${n} of float16`, { flops: 2 * n ** 3 }, product);
  await without(`matmul ${n} of float16, in float32`, { flops: 2 * n ** 3 }, product);
  p.dispose();
  q.dispose();
  a.dispose();
  b.dispose();
}
{
  const n = quick ? 1 << 18 : 1 << 26;
  const [a, b] = [rand([n]), rand([n])];
  await bench('add', { bytes: 12 * n }, () => a.add(b));
  await bench('relu', { bytes: 8 * n }, () => a.relu());
  await bench('exp', { bytes: 8 * n }, () => a.exp());
  const rows = a.reshape([n / 1024, 1024]);
  const short = a.reshape([n / 64, 64]);
  /** What joins values of many invocations. @type {[string, number, () => Tensor][]} */
  const joins = [
    ['sum', 4, () => a.sum()],
    ['sum of rows of 1024', 4, () => rows.sum(1)],
    ['sum of rows of 64', 4, () => short.sum(1)],
    ['softmax of rows of 1024', 8, () => rows.softmax(1)],
    ['layerNorm of rows of 1024', 8, () => layerNorm(rows, [1024])],
  ];
  for (const [name, each, run] of joins) {
    await bench(name, { bytes: each * n }, run);
    if (has('subgroups')) await without(`${name}, by halves`, { bytes: each * n }, run);
  }
  await bench('sum of columns', { bytes: 4 * n }, () => rows.sum(0));
  await bench('transposed copy', { bytes: 8 * n }, () => rows.T.contiguous());
  a.dispose();
  b.dispose();
}
{
  const n = quick ? 1 << 18 : 1 << 25;
  const parameter = new Parameter(randn([n]));
  parameter.grad = randn([n]).keep();
  const adam = new Adam([parameter], { lr: 1e-3 });
  await bench('Adam', { bytes: 28 * n }, () => {
    adam.step();
    return parameter;
  });
  parameter.grad?.dispose();
  parameter.dispose();
}
for (const [name, net] of Object.entries(nets)) {
  if (net.trainBatch === 0) continue;
  if (options.filter !== undefined && !`${name} training`.includes(options.filter)) continue;
  const { x, y, step } = trainingOf(net);
  const captured = capture(step);
  captured(x, y);
  captured(x, y);
  await bench(`${name} training, captured`, {}, () => captured(x, y).clone());
  captured.dispose();
  await bench(`${name} training`, {}, () => step(x, y));
}

const result = { gpu: info, limit, rows, torch: Object.keys(beside).length > 0, quick };
if (options.json) console.log(JSON.stringify(result, null, 1));
mkdirSync(new URL('../build/', import.meta.url), { recursive: true });
writeFileSync(new URL('../build/gpu.json', import.meta.url), JSON.stringify(result, null, 1));
// The device would keep the process alive.
process.exit();
