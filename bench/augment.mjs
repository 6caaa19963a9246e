/**
 * The chain RandomRotation(15) → RandomResizedCrop(224) → RandomHorizontalFlip() on RGB bytes, against the same in plain
 * JavaScript on typed arrays and against sharp (libvips), image by image: raw pixels in, raw pixels out. All get the same
 * angles, boxes and flips, and the answers are compared first. `node bench/augment.mjs [FOLDER]`
 *
 * sharp is no dependency: it is looked for in FOLDER, which defaults to the environment's SHARP.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Generator, scope, tensor } from 'fettle';
import { transforms } from 'fettle/data';

const OUT = 224;
const SIZES = /** @type {const} */ ([
  [256, 256],
  [320, 400],
  [500, 375],
  [500, 500],
]);
const ROUNDS = 15;

const rotation = transforms.RandomRotation(15);
const cropping = transforms.RandomResizedCrop(OUT);
const flipping = transforms.RandomHorizontalFlip();
const chain = transforms.Compose([rotation, cropping, flipping]);

/**
 * @typedef {{ angle: number, box: readonly [number, number, number, number], flip: boolean }} Draw
 * @typedef {{ planar: Uint8Array, interleaved: Uint8Array, height: number, width: number, seed: number, draw: Draw }} Picture
 */

/**
 * What the chain draws for an image: each of its transforms has a stream of its own.
 *
 * @type {(stream: Generator, height: number, width: number) => Draw}
 */
function drawOf(stream, height, width) {
  const [low, high] = rotation.degrees;
  return {
    angle: low + (high - low) * stream.fork(0).uniform(),
    box: cropping.parameters(stream.fork(1), { height, width }),
    flip: stream.fork(2).uniform() < 0.5,
  };
}

/**
 * A smooth picture with a little noise, so that neither caches nor filters have an easy time of it.
 *
 * @type {(height: number, width: number, seed: number) => Picture}
 */
function pictureOf(height, width, seed) {
  const planar = new Uint8Array(3 * height * width);
  const interleaved = new Uint8Array(3 * height * width);
  let noise = seed + 1;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < height * width; i++) {
      noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
      const [x, y] = [i % width, Math.floor(i / width)];
      const value = 128 + 90 * Math.sin((x * (c + 2)) / 40) * Math.cos((y * (4 - c)) / 50) + (noise >>> 28);
      planar[c * height * width + i] = value;
      interleaved[3 * i + c] = value;
    }
  }
  return { planar, interleaved, height, width, seed, draw: drawOf(new Generator(seed), height, width) };
}

/** @type {(picture: Picture) => Uint8Array} */
function withFettle({ planar, height, width, seed }) {
  return scope(() => {
    const x = tensor(planar, [3, height, width]);
    return /** @type {Uint8Array} */ (chain.forward(x, [new Generator(seed)]).dataSync());
  });
}

/**
 * All pictures in one batch, as a dataset of images of one size has them.
 *
 * @type {(pictures: Picture[]) => Uint8Array}
 */
function asBatch(pictures) {
  const [{ planar, height, width }] = /** @type {[Picture, ...Picture[]]} */ (pictures);
  const all = new Uint8Array(pictures.length * planar.length);
  pictures.forEach((picture, n) => {
    all.set(picture.planar, n * planar.length);
  });
  return scope(() => {
    const x = tensor(all, [pictures.length, 3, height, width]);
    const streams = pictures.map(({ seed }) => new Generator(seed));
    return /** @type {Uint8Array} */ (chain.forward(x, streams).dataSync());
  });
}

/**
 * Weights of a line that is resized with antialiasing: whole numbers of 14 bits, as fettle and Pillow have them.
 *
 * @type {(size: number, out: number) => { starts: Int32Array, lengths: Int32Array, weights: Int32Array, taps: number }}
 */
function weightsOf(size, out) {
  const scale = size / out;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(2 * support) + 1;
  const [starts, lengths] = [new Int32Array(out), new Int32Array(out)];
  const weights = new Int32Array(out * taps);
  for (let o = 0; o < out; o++) {
    const center = (o + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const length = Math.min(size, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    const raw = new Float64Array(length);
    for (let k = 0; k < length; k++) {
      raw[k] = Math.max(0, 1 - Math.abs((first + k - center + 0.5) / support));
      sum += Number(raw[k]);
    }
    for (let k = 0; k < length; k++) weights[o * taps + k] = Math.round((Number(raw[k]) / sum) * 16384);
    starts[o] = first;
    lengths[o] = length;
  }
  return { starts, lengths, weights, taps };
}

/**
 * The chain as one would write it on typed arrays.
 *
 * @type {(picture: Picture) => Uint8Array}
 */
function withJavaScript({ planar, height, width, draw }) {
  const plane = height * width;
  const turn = (draw.angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const rotated = new Uint8Array(3 * plane);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = Math.round(cos * (x - cx) - sin * (y - cy) + cx);
      const fromY = Math.round(sin * (x - cx) + cos * (y - cy) + cy);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const [from, to] = [fromY * width + fromX, y * width + x];
      rotated[to] = /** @type {number} */ (planar[from]);
      rotated[to + plane] = /** @type {number} */ (planar[from + plane]);
      rotated[to + 2 * plane] = /** @type {number} */ (planar[from + 2 * plane]);
    }
  }

  const [top, left, boxHeight, boxWidth] = draw.box;
  const across = weightsOf(boxWidth, OUT);
  const down = weightsOf(boxHeight, OUT);
  const lines = new Uint8Array(boxHeight * OUT);
  const out = new Uint8Array(3 * OUT * OUT);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < boxHeight; y++) {
      const row = c * plane + (top + y) * width + left;
      for (let x = 0; x < OUT; x++) {
        const first = row + /** @type {number} */ (across.starts[x]);
        const length = /** @type {number} */ (across.lengths[x]);
        let sum = 8192;
        for (let k = 0; k < length; k++) {
          sum +=
            /** @type {number} */ (rotated[first + k]) * /** @type {number} */ (across.weights[x * across.taps + k]);
        }
        lines[y * OUT + x] = Math.min(255, sum >> 14);
      }
    }
    for (let y = 0; y < OUT; y++) {
      const first = /** @type {number} */ (down.starts[y]) * OUT;
      const length = /** @type {number} */ (down.lengths[y]);
      for (let x = 0; x < OUT; x++) {
        let sum = 8192;
        for (let k = 0; k < length; k++) {
          sum +=
            /** @type {number} */ (lines[first + k * OUT + x]) *
            /** @type {number} */ (down.weights[y * down.taps + k]);
        }
        out[(c * OUT + y) * OUT + (draw.flip ? OUT - 1 - x : x)] = Math.min(255, sum >> 14);
      }
    }
  }
  return out;
}

/**
 * The part of sharp that is used.
 *
 * @typedef {object} Pipeline
 * @property {(angle: number, options: object) => Pipeline} rotate
 * @property {(box: { left: number, top: number, width: number, height: number }) => Pipeline} extract
 * @property {(width: number, height: number, options: object) => Pipeline} resize
 * @property {(flop: boolean) => Pipeline} flop
 * @property {() => Pipeline} raw
 * @property {() => Promise<Uint8Array>} toBuffer
 *
 * @typedef {((pixels: Uint8Array, options: object) => Pipeline) & { versions: Record<string, string>, concurrency: () => number, cache: (on: boolean) => void }} Sharp
 */

/** @type {(sharp: Sharp) => (picture: Picture) => Promise<Uint8Array>} */
const withSharp = (sharp) => (picture) => {
  const { interleaved, height, width, draw } = picture;
  const [top, left, boxHeight, boxWidth] = draw.box;
  // sharp turns with the clock, and enlarges the image so that nothing is lost; the box lies as far further in.
  const turn = (Math.abs(draw.angle) * Math.PI) / 180;
  const grownWidth = Math.round(width * Math.cos(turn) + height * Math.sin(turn));
  const grownHeight = Math.round(width * Math.sin(turn) + height * Math.cos(turn));
  return sharp(interleaved, { raw: { width, height, channels: 3 } })
    .rotate(-draw.angle, { background: '#000' })
    .extract({
      left: left + Math.floor((grownWidth - width) / 2),
      top: top + Math.floor((grownHeight - height) / 2),
      width: boxWidth,
      height: boxHeight,
    })
    .resize(OUT, OUT, { fit: 'fill', kernel: 'linear' })
    .flop(draw.flip)
    .raw()
    .toBuffer();
};

/** @returns {Sharp | null} */
function findSharp() {
  const folder = process.argv[2] ?? process.env.SHARP;
  try {
    return /** @type {Sharp} */ (createRequire(folder ? join(folder, 'here.js') : import.meta.url)('sharp'));
  } catch {
    return null;
  }
}

/** @type {(a: ArrayLike<number>, b: ArrayLike<number>, at?: (i: number) => number) => number} */
function meanDifference(a, b, at = (/** @type {number} */ i) => i) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(Number(a[i]) - Number(b[at(i)]));
  return sum / a.length;
}

/** @type {(values: number[]) => number} */
const quartile = (values) => /** @type {number} */ (values.sort((a, b) => a - b)[values.length >> 2]);

const found = findSharp();
if (found === null) {
  console.log('sharp: not found. npm install sharp in a folder of its own, and name that folder.');
} else {
  found.cache(false);
  console.log(`sharp ${found.versions.sharp}, libvips ${found.versions.vips} with ${found.concurrency()} threads`);
}
const sharpRun = found && withSharp(found);

for (const [height, width] of SIZES) {
  const pictures = Array.from({ length: 12 }, (_, seed) => pictureOf(height, width, seed));
  /** @type {number[][]} */
  const off = [[], []];
  for (const picture of pictures) {
    const own = withFettle(picture);
    off[0]?.push(meanDifference(own, withJavaScript(picture)));
    const interleavedAt = (/** @type {number} */ i) => 3 * (i % OUT ** 2) + Math.floor(i / OUT ** 2);
    if (sharpRun) off[1]?.push(meanDifference(own, await sharpRun(picture), interleavedAt));
  }
  if (quartile([...(off[0] ?? [])]) > 0.05) throw new Error(`the answers differ by ${off[0]} grey levels`);

  /** @type {number[][]} */
  const times = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    let start = performance.now();
    for (const picture of pictures) withFettle(picture);
    times[0]?.push(performance.now() - start);
    start = performance.now();
    for (const picture of pictures) withJavaScript(picture);
    times[1]?.push(performance.now() - start);
    start = performance.now();
    asBatch(pictures);
    times[2]?.push(performance.now() - start);
    if (sharpRun === null) continue;
    start = performance.now();
    for (const picture of pictures) await sharpRun(picture);
    times[3]?.push(performance.now() - start);
  }
  const [own = 0, plain = 0, batch = 0, vips = 0] = times.map((list) =>
    list.length > 0 ? quartile(list) / pictures.length : 0,
  );
  console.log(
    `${height} × ${width}: fettle ${own.toFixed(3)} ms an image, ${batch.toFixed(3)} in a batch; JavaScript ${(plain / own).toFixed(1)} ×` +
      (vips > 0
        ? `, sharp ${(vips / own).toFixed(1)} × (answers ${quartile(off[1] ?? []).toFixed(1)} levels apart)`
        : ''),
  );
}
