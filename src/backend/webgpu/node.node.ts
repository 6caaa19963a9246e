/** WebGPU where the runtime has none of its own: the npm package `webgpu`, Dawn for Node and Bun, if it is installed. */
const PACKAGE = 'webgpu';

/** Held for good: the package ends what it has begun when nothing refers to it any more. */
let held: GPU | undefined;

/** The runtime's GPU, or that of the package, which takes flags; undefined where there is neither. */
export async function nodeGpu(flags: readonly string[] = []): Promise<GPU | undefined> {
  const own = typeof navigator === 'object' ? navigator.gpu : undefined;
  if (own !== undefined || held !== undefined) return own ?? held;
  try {
    const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGE)) as {
      create(flags: readonly string[]): GPU;
    };
    held = create(flags);
    return held;
  } catch {
    return undefined;
  }
}
