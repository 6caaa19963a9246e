// What the network says that export.mjs has made a program of: it must be what the model said, to the bit.
import { image, scores } from './expected.mjs';

/**
 * @param {{ load(source?: WebAssembly.Module): Promise<void>, predict(image: readonly number[]): Float32Array }} network
 * @param {{ fetch(request: Request): Promise<Response> }} [handler]
 * @returns {Promise<Record<string, string>>}
 */
export async function predicts({ load, predict }, handler) {
  try {
    await load();
    const said = Array.from(predict(image));
    if (said.some((value, i) => value !== scores[i])) throw new Error(`expected ${scores}, got ${said}`);
    if (handler !== undefined) {
      const request = new Request('http://localhost/', { method: 'POST', body: JSON.stringify({ input: image }) });
      const { output } = await (await handler.fetch(request)).json();
      if (String(output) !== String(scores)) throw new Error(`the handler: expected ${scores}, got ${output}`);
    }
    return { standalone: '' };
  } catch (error) {
    return { standalone: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
  }
}
