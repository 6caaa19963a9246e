/** The WebGPU device: what a program may say about it before, and what takes waiting. `await setDevice('webgpu')` opens it. */

import { openedGpu } from '../backend/webgpu/open.js';

export { closeGpu as close, configure } from '../backend/webgpu/open.js';
export type { GpuOptions } from '../backend/webgpu/request.js';
export { download } from '../nn/download.js';

/** What the GPU that is open is called and can do. */
export interface GpuInfo {
  /** The driver's name for it. */
  readonly name: string;
  /** The largest tensor, in bytes. */
  readonly maxTensorBytes: number;
  /** Why it is gone, null while it is there. */
  readonly lost: string | null;
}

/** The GPU that is open, or null. */
export function gpuInfo(): GpuInfo | null {
  const gpu = openedGpu();
  return gpu === null ? null : { name: gpu.chip.name, maxTensorBytes: gpu.largest, lost: gpu.lost };
}
