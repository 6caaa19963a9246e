/** How long, in milliseconds, a computation may keep the event loop waiting. */
const PATIENCE = 50;

/**
 * Lets the event loop turn now and then: computation is synchronous, and without a pause no signal, timer or message would
 * be heard until the end of training.
 */
export function breathe(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < PATIENCE) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
