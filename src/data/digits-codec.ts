/**
 * The code that the embedded digits are packed in: an adaptive binary range coder (Martin, "Range encoding: an algorithm for
 * removing redundancy from a digitised message", 1979; the byte-wise form is that of LZMA) with two predictions a bit, one
 * from the digit and the place in the image, one from the place and the neighbours already known. It needs a quarter less
 * than deflate does and, unlike DecompressionStream, answers at once.
 *
 * Predictions are sums, products and quotients of float64 numbers, which are the same in every runtime.
 */

/** Codes one bit whose probability of being 1 is `p`; a decoder returns it, an encoder is told it as `known`. */
export type BitCoder = (p: number, known: number) => number;

/** Side of an image and number of its pixels. */
const SIDE = 8;
const PIXELS = SIDE * SIDE;
/** Pixels are 0 … 16. */
const BRIGHTEST = 16;
/** Decisions that name one symbol: is it 0, is it 16, and the fifteen inner nodes of four bits. */
const DECISIONS = 32;

/** Adaptive probabilities: an estimate for each decision in each context, and how often it was made. */
class Estimates {
  private readonly p: Float64Array;
  private readonly seen: Uint8Array;

  constructor(contexts: number) {
    this.p = new Float64Array(contexts * DECISIONS).fill(0.5);
    this.seen = new Uint8Array(contexts * DECISIONS);
  }

  get(at: number): number {
    return this.p[at] as number;
  }

  /** How far to trust an estimate: the more, the more often it was made and the clearer it is. */
  trust(at: number): number {
    const clear = 2 * this.get(at) - 1;
    return ((this.seen[at] as number) + 0.2) * (0.2 + clear * clear);
  }

  /** The more was seen, the less one more changes; from 60 on the past fades. */
  learn(at: number, bit: number): void {
    const n = Math.min((this.seen[at] as number) + 1, 60);
    this.seen[at] = n;
    this.p[at] = this.get(at) + (bit - this.get(at)) / (n + 0.4);
  }
}

/** Brightness in six steps, which is as much of a neighbour as helps. */
function step(pixel: number): number {
  return pixel === 0 ? 0 : pixel === BRIGHTEST ? 5 : 1 + (pixel >> 2);
}

/**
 * Walks through all labels and pixels in the order in which they are coded, and returns them. With an encoder for `code`,
 * `labels` and `images` hold what is encoded; with a decoder they are filled.
 */
export function codeDigits(code: BitCoder, labels: Uint8Array, images: Uint8Array): void {
  const byLabel = new Estimates(10);
  const byDigit = new Estimates(10 * PIXELS);
  const byNeighbours = new Estimates(36 * PIXELS);

  /** Four bits, most significant first, each in the context of those before it. */
  const codeFour = (known: number, one: (decision: number, bit: number) => number): number => {
    let node = 1;
    for (let shift = 3; shift >= 0; shift--) node = 2 * node + one(16 + node, (known >> shift) & 1);
    return node - 16;
  };

  for (let i = 0; i < labels.length; i++) {
    const before = i === 0 ? 0 : (labels[i - 1] as number);
    const label = codeFour(labels[i] as number, (decision, known) => {
      const at = before * DECISIONS + decision;
      const bit = code(byLabel.get(at), known);
      byLabel.learn(at, bit);
      return bit;
    });
    labels[i] = label;
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const at = i * PIXELS + pixel;
      const left = pixel % SIDE === 0 ? 0 : step(images[at - 1] as number);
      const above = pixel < SIDE ? 0 : step(images[at - SIDE] as number);
      const a = (label * PIXELS + pixel) * DECISIONS;
      const b = ((left * 6 + above) * PIXELS + pixel) * DECISIONS;
      const one = (decision: number, known: number): number => {
        const [i, j] = [a + decision, b + decision];
        const [u, v] = [byDigit.trust(i), byNeighbours.trust(j)];
        const bit = code((u * byDigit.get(i) + v * byNeighbours.get(j)) / (u + v), known);
        byDigit.learn(i, bit);
        byNeighbours.learn(j, bit);
        return bit;
      };
      const value = images[at] as number;
      if (one(0, Number(value === 0)) === 1) images[at] = 0;
      else if (one(1, Number(value === BRIGHTEST)) === 1) images[at] = BRIGHTEST;
      else images[at] = codeFour(value, one);
    }
  }
}

/** A probability as a share of 2^16 that is neither nothing nor all of it, so that either bit can be coded. */
function share(p: number): number {
  return Math.min(Math.max(Math.round(p * 65536), 16), 65536 - 16);
}

/** Reads bits from `bytes`. Behind the end it reads zeros. */
export function decoder(bytes: Uint8Array): BitCoder {
  let at = 0;
  let range = 2 ** 32 - 1;
  let value = 0;
  const next = (): number => bytes[at++] ?? 0;
  for (let i = 0; i < 4; i++) value = value * 256 + next();
  return (p) => {
    const bound = Math.floor(range / 65536) * share(p);
    const bit = Number(value < bound);
    if (bit === 1) {
      range = bound;
    } else {
      value -= bound;
      range -= bound;
    }
    while (range < 2 ** 24) {
      range *= 256;
      value = value * 256 + next();
    }
    return bit;
  };
}

/** The other direction: `code` takes bits, `finish` gives the bytes. */
export function encoder(): { code: BitCoder; finish: () => Uint8Array } {
  const bytes: number[] = [];
  let low = 0;
  let range = 2 ** 32 - 1;
  const shift = (): void => {
    bytes.push(Math.floor(low / 2 ** 24));
    low = (low % 2 ** 24) * 256;
  };
  const carry = (): void => {
    for (let i = bytes.length - 1; i >= 0; i--) {
      bytes[i] = ((bytes[i] as number) + 1) % 256;
      if (bytes[i] !== 0) break;
    }
  };
  return {
    code: (p, known) => {
      const bound = Math.floor(range / 65536) * share(p);
      if (known === 1) {
        range = bound;
      } else {
        low += bound;
        range -= bound;
        if (low >= 2 ** 32) {
          low -= 2 ** 32;
          carry();
        }
      }
      while (range < 2 ** 24) {
        range *= 256;
        shift();
      }
      return known;
    },
    finish: () => {
      for (let i = 0; i < 4; i++) shift();
      return Uint8Array.from(bytes);
    },
  };
}
