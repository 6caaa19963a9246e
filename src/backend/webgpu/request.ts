import { fail } from '../../core/errors.js';
import { GpuExecutor } from './gpu.js';
import type { OnCompile } from './pipelines.js';

/** How a GPU is chosen. */
export interface GpuOptions {
  /** Whether the fast GPU of a machine with two is wanted or the frugal one. Default: 'high-performance'. */
  readonly powerPreference?: GPUPowerPreference;
  /** A GPUDevice of the program's own, which is used as it is. */
  readonly device?: GPUDevice;
  /**
   * Whether products of two float16 matrices (`matmul`, `linear`, and what is made of them) are computed in 16 bits, which takes
   * half the memory traffic and, on GPUs that are twice as fast in it, up to half the time. What it costs: eight products at a time
   * are summed in float16, and these sums in float32, so that a result is off by a hundredth of the sum of its terms' magnitudes at
   * most, mostly by less than a thousandth; what leaves the range of float16 on the way, beyond 65504, becomes infinite, and what is
   * below 6e-5 may become 0. Products with float32, gradients and all other ops stay float32, and with `deterministic(true)` all do.
   * `setDevice` rejects where the GPU has no 16-bit arithmetic. Default: false.
   */
  readonly f16?: boolean;
  /**
   * Whether sums and extremes are joined within subgroups where the GPU has them: with fewer waits, and in an order that depends on
   * the GPU. `false` is for drivers that get it wrong; with `deterministic(true)` it is not done. Default: true.
   */
  readonly subgroups?: boolean;
  /**
   * Called whenever a shader has been compiled, for which what is read after the first step of a program waits: its kernel, how
   * many there are now, and how many are still being compiled.
   */
  readonly onCompile?: OnCompile;
}

/** What a device is asked for: all that the adapter has of it. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const;

const FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/** An executor on a GPU of `gpu`; throws with what to do where there is none. */
export async function request(gpu: GPU | undefined, options: GpuOptions = {}): Promise<GpuExecutor> {
  const { device: own, onCompile } = options;
  const language = gpu?.wgslLanguageFeatures;
  if (own !== undefined) {
    checkHalves(
      own.features,
      options,
      "the device given to configure(): request it with requiredFeatures: ['shader-f16']",
    );
    return new GpuExecutor(own, undefined, language, onCompile, options);
  }
  const adapter = await gpu?.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
  if (adapter == null) return fail('device', `setDevice: no GPU can be had: ${reason(gpu)}`);
  checkHalves(adapter.features, options, 'this GPU or its driver');
  const { info, limits } = adapter;
  const device = await adapter.requestDevice({
    label: 'fettle',
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
  });
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
  return new GpuExecutor(device, name, language, onCompile, options);
}

/** Throws where 16-bit arithmetic is asked for and not to be had. */
function checkHalves(features: ReadonlySet<string>, { f16 = false }: GpuOptions, where: string): void {
  if (!f16 || features.has('shader-f16')) return;
  fail(
    'unsupported',
    `setDevice: configure({ f16: true }) asks for 16-bit arithmetic, which WebGPU calls 'shader-f16', and it is missing in ${where}. ` +
      'Call configure({ f16: false }), with which float16 tensors are computed in float32.',
  );
}

/** Why there is no adapter, and what helps. */
function reason(gpu: GPU | undefined): string {
  if (gpu === undefined) {
    return 'importScripts' in globalThis || typeof document === 'object'
      ? 'this browser has no WebGPU, or the page is not served over https or from localhost. Use Chrome or Edge 113, ' +
          "Safari 26, Firefox 141 or later; or await setDevice('auto'), which falls back to wasm."
      : "this runtime has no WebGPU. On Node and Bun run `npm install webgpu`; or await setDevice('auto'), which falls back to wasm.";
  }
  return (
    'WebGPU is there and finds no adapter. Look whether the graphics driver is installed and not on the browser’s list of ' +
    "blocked ones (chrome://gpu; on Linux it may take chrome://flags/#enable-unsafe-webgpu); or await setDevice('auto')."
  );
}
