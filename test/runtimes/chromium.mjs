/** A headless Chromium, driven over its debugging pipe: messages are JSON, a zero byte behind each. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
];

/**
 * What the debugging protocol answers; its fields are the protocol's, and nothing checks them.
 *
 * @typedef {Record<string, unknown> & Record<'targetId' | 'sessionId' | 'data', string> & {
 *   result: { value: unknown },
 *   exceptionDetails?: { text: string, exception?: { description?: string } },
 * }} Answer
 *
 * @typedef {{ method?: string, sessionId?: string, params: Answer & {
 *   type: string, args: { value?: unknown, description?: string }[], entry: { level: string, text: string },
 * } }} Event
 *
 * @typedef {object} Page
 * @property {(method: string, params?: object) => Promise<Answer>} call   a command of the debugging protocol
 * @property {(expression: string) => Promise<unknown>} evaluate   the value of an expression; a promise is waited for
 * @property {string[]} problems   whatever the page complains of, also later
 *
 * @typedef {(url: string) => Promise<Page>} Open
 */

/**
 * Opens Chromium, gives `use` a function that opens a page, and closes it again. With `gpu` pages have WebGPU, on the software
 * driver that Chromium brings where the machine has no other.
 *
 * @template T
 * @param {(open: Open) => Promise<T>} use
 * @param {{ gpu?: boolean }} [options]
 * @returns {Promise<T>}
 */
export async function withChromium(use, { gpu = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'fettle-chromium-'));
  const browser = spawn(
    'chromium',
    [...FLAGS, gpu ? '--enable-unsafe-webgpu' : '--disable-gpu', `--user-data-dir=${profile}`, 'about:blank'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  const closed = new Promise((resolve) => browser.once('exit', resolve));
  const [, , , toBrowser, fromBrowser] = /** @type {import('node:stream').Duplex[]} */ (
    /** @type {unknown} */ (browser.stdio)
  );
  if (toBrowser === undefined || fromBrowser === undefined) throw new Error('Chromium has no pipes');
  /** @type {Map<number, { resolve: (answer: Answer) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  /** @type {Set<(event: Event) => void>} */
  const listeners = new Set();
  let last = 0;
  let rest = '';

  fromBrowser.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages.map((one) => JSON.parse(one))) {
      if (message.id === undefined) for (const listener of listeners) listener(message);
      else if (message.error) waiting.get(message.id)?.reject(new Error(message.error.message));
      else waiting.get(message.id)?.resolve(message.result);
    }
  });
  closed.then((code) => {
    for (const { reject } of waiting.values()) reject(new Error(`Chromium ended with ${code}`));
  });

  /** @type {(method: string, params?: object, sessionId?: string) => Promise<Answer>} */
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      toBrowser.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });

  /** Opens a page and waits until it has loaded. @type {Open} */
  const open = async (url) => {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    /** @type {Page['call']} */
    const call = (method, params) => send(method, params, sessionId);
    /** @type {string[]} */
    const problems = [];
    const loaded = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        listeners.add(({ method, params, sessionId: from }) => {
          if (from !== sessionId) return;
          if (method === 'Page.loadEventFired') resolve();
          if (method === 'Runtime.exceptionThrown') {
            problems.push(
              params.exceptionDetails?.exception?.description ?? params.exceptionDetails?.text ?? 'an exception',
            );
          }
          if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) {
            problems.push(params.args.map((arg) => arg.value ?? arg.description).join(' '));
          }
          if (method === 'Log.entryAdded' && params.entry.level === 'error') problems.push(params.entry.text);
        });
      })
    );
    for (const domain of ['Page', 'Runtime', 'Log']) await call(`${domain}.enable`);
    await call('Page.navigate', { url });
    await loaded;

    /** @type {Page['evaluate']} */
    const evaluate = async (expression) => {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await call('Runtime.evaluate', options);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    return { call, evaluate, problems };
  };

  try {
    return await use(open);
  } finally {
    send('Browser.close').catch(() => {});
    await closed;
    rmSync(profile, { recursive: true, force: true });
  }
}
