/** The page: what is clicked, what is shown. */
import { gpuInfo } from 'fettle/webgpu';
import { lossCurve } from './chart.js';
import { parts, train } from './training.js';

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (document.querySelector('form'));
const curve = lossCurve(/** @type {SVGElement} */ (/** @type {unknown} */ (element('curve'))));
const SHOWN = 40;

/** @param {string} text @param {boolean} [failed] */
function say(text, failed = false) {
  element('status').textContent = text;
  element('status').classList.toggle('failed', failed);
}

/** The first digits of the unseen part, each on a canvas with an empty place for its answer. */
function showDigits() {
  const { dataset, test } = parts();
  for (const index of test.slice(0, SHOWN)) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 8;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const image = context.createImageData(8, 8);
    for (let i = 0; i < 64; i++) {
      const ink = (dataset.images[index * 64 + i] ?? 0) / 16;
      image.data.set([31, 111, 178, 255 * ink], 4 * i);
    }
    context.putImageData(image, 0, 0);
    const answer = document.createElement('span');
    answer.textContent = '–';
    const item = document.createElement('li');
    item.append(canvas, answer);
    element('answers').append(item);
  }
}

/** @param {import('./training.js').Test} test */
function showAnswers({ accuracy, predictions }) {
  element('accuracy').textContent = `${(100 * accuracy).toFixed(1)} %`;
  for (const [i, item] of [...element('answers').children].entries()) {
    const { label, predicted } = predictions[i] ?? { label: 0, predicted: 0 };
    item.classList.toggle('wrong', label !== predicted);
    /** @type {Element} */ (item.lastElementChild).textContent = String(predicted);
  }
}

/** @type {AbortController | null} */
let running = null;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (running !== null) {
    running.abort();
    return;
  }
  running = new AbortController();
  const device = /** @type {'wasm' | 'webgpu'} */ (new FormData(form).get('device'));
  element('train').textContent = 'Stop';
  for (const id of ['epoch', 'loss', 'accuracy', 'pace']) element(id).textContent = '–';
  curve.clear();
  say(device === 'webgpu' ? 'Asking for the GPU; the first steps compile its programs.' : 'Training on the processor.');
  const began = performance.now();
  let steps = 0;
  try {
    await train(device, {
      signal: running.signal,
      onStep({ step, epoch, loss }) {
        steps = step;
        if (step === 1 && device === 'webgpu') say(`Training on ${gpuInfo()?.name ?? 'the GPU'}.`);
        element('epoch').textContent = String(epoch);
        element('loss').textContent = loss.toPrecision(3);
        element('pace').textContent = ((performance.now() - began) / step).toFixed(1);
        curve.add({ step, loss });
      },
      onTest: showAnswers,
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`${running.signal.aborted ? 'Stopped' : 'Done'}: ${steps} steps in ${seconds} s.`);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
  element('train').textContent = 'Train';
  running = null;
});

showDigits();
curve.clear();
// Before this module was there, a click would have had the browser send the form.
/** @type {HTMLButtonElement} */ (element('train')).disabled = false;
say('Ready.');
