// Trains in the playground's page, in Chromium: on WebAssembly and on WebGPU, by clicks, as a visitor would.
//
//   node .ci/check-playground.mjs [FOLDER]   screenshots go to FOLDER
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { servePlayground } from '../scripts/playground.mjs';
import { withChromium } from '../test/runtimes/chromium.mjs';

const [folder] = process.argv.slice(2);
const PATIENCE = 240_000;

/** Clicks where an element is, as a mouse does. */
async function click({ call, evaluate }, selector) {
  const place = await evaluate(`(() => {
    const target = document.querySelector(${JSON.stringify(selector)});
    target.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = target.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  })()`);
  for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) {
    await call('Input.dispatchMouseEvent', { type, ...place, button: 'left', clickCount: 1 });
  }
}

/** Waits until an expression is true in the page. */
async function until({ evaluate }, expression, what) {
  for (const began = Date.now(); !(await evaluate(expression)); ) {
    if (Date.now() - began > PATIENCE) {
      const status = await evaluate(`document.querySelector('#status').textContent`);
      assert.fail(`${what} took too long; the page says: ${status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const text = (id) => `document.getElementById('${id}').textContent`;

/** Trains for some epochs on a device, stops, and gives what the page shows. */
async function train(page, device, accuracy) {
  await until(page, `document.querySelector('#train:enabled') !== null`, 'loading');
  await click(page, `input[value=${device}]`);
  await click(page, '#train');
  await until(page, `${text('train')} === 'Stop'`, 'starting');
  const there = `(parseFloat(${text('accuracy')}) >= ${accuracy} || document.querySelector('#status.failed') !== null)`;
  await until(page, there, `${accuracy} % on ${device}`);
  assert.equal(await page.evaluate(`document.querySelector('#status.failed')?.textContent`), undefined);
  if (await page.evaluate(`${text('train')} === 'Stop'`)) await click(page, '#train');
  await until(page, `${text('train')} === 'Train'`, 'stopping');
  const points = await page.evaluate(
    `document.querySelector('#curve .mean').getAttribute('d').split(/[ML]/).length - 1`,
  );
  assert.ok(points > 20, `a curve of ${points} points`);
  assert.doesNotMatch(await page.evaluate(`document.querySelector('#curve').innerHTML`), /NaN/);
  const answers = await page.evaluate(`[...document.querySelectorAll('#answers span')].map((one) => one.textContent)`);
  assert.match(answers.join(''), /^\d{40}$/);
  const shown = await page.evaluate(
    `['accuracy', 'pace', 'status'].map((id) => document.getElementById(id).textContent)`,
  );
  console.log(`${device}: ${shown[0]} right, ${shown[1]} ms a step. ${shown[2]}`);
}

await withChromium(
  (open) =>
    servePlayground(async (url) => {
      const page = await open(url);
      for (const device of ['wasm', 'webgpu']) {
        await train(page, device, 80);
        if (folder === undefined) continue;
        const { data } = await page.call('Page.captureScreenshot', { captureBeyondViewport: true });
        writeFileSync(join(folder, `playground-${device}.png`), Buffer.from(data, 'base64'));
      }
      for (const width of [1280, 390]) {
        await page.call('Emulation.setDeviceMetricsOverride', {
          width,
          height: 900,
          deviceScaleFactor: 1,
          mobile: width < 500,
        });
        const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        assert.ok(over <= 0, `at ${width} pixels the page is ${over} pixels too wide`);
        if (folder === undefined) continue;
        const { data } = await page.call('Page.captureScreenshot', { captureBeyondViewport: true });
        writeFileSync(join(folder, `playground-${width}.png`), Buffer.from(data, 'base64'));
      }
      assert.deepEqual(page.problems, []);
    }),
  { gpu: true },
);
