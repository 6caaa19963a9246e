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
  if (own !== undefined) return new GpuExecutor(own, undefined, language, onCompile);
  const adapter = await gpu?.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
  if (adapter == null) return fail('device', `setDevice: no GPU can be had: ${reason(gpu)}`);
  const { info, limits } = adapter;
  const device = await adapter.requestDevice({
    label: 'fettle',
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
  });
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
  return new GpuExecutor(device, name, language, onCompile);
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
