import { fail } from '../../core/errors.js';
import { WebGpuDevice } from './device.js';
import { nodeGpu } from './node.node.js';
import { type GpuOptions, request } from './request.js';

/** The one GPU that is open, or is being opened. */
let opening: Promise<WebGpuDevice> | null = null;
let open: WebGpuDevice | null = null;
let options: GpuOptions = {};

/** Says how the GPU is chosen when it is opened next: see GpuOptions. Throws while one is open. */
export function configure(given: GpuOptions): void {
  if (opening !== null && open?.lost === null) {
    fail(
      'state',
      "configure: the GPU is open. Call configure() before the first `await setDevice('webgpu')`, or close().",
    );
  }
  options = { ...options, ...given };
}

/** The GPU, opened if there is none or if the one there was is lost. */
export async function openGpu(): Promise<WebGpuDevice> {
  if (open !== null && open.lost !== null) opening = null;
  opening ??= nodeGpu()
    .then((gpu) => request(gpu, options))
    .then((executor) => {
      open = new WebGpuDevice(executor);
      return open;
    });
  try {
    return await opening;
  } catch (error) {
    opening = null;
    throw error;
  }
}

/** The GPU that is open now, or null. */
export function openedGpu(): WebGpuDevice | null {
  return open;
}

/** Lets the GPU go, and all that lies in its memory. */
export function closeGpu(): void {
  open?.close();
  open = null;
  opening = null;
}
