import { fail } from '../../core/errors.js';
import { tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { nameOf, readSource, type Source } from '../source.js';

/** Sound as it was sampled. */
export interface Waveform {
  /** float32 [channels, samples], from −1 to 1. */
  readonly waveform: Tensor;
  /** Samples a second. */
  readonly sampleRate: number;
}

/** How one sample is stored. */
interface Encoding {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  // Eight bits are unsigned, all others signed (Microsoft and IBM, "Multimedia programming interface", 1991).
  [`${PCM}/8`]: { bytes: 1, read: (view, at) => (view.getUint8(at) - 128) / 128 },
  [`${PCM}/16`]: { bytes: 2, read: (view, at) => view.getInt16(at, true) / 2 ** 15 },
  [`${PCM}/24`]: {
    bytes: 3,
    read: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  },
  [`${PCM}/32`]: { bytes: 4, read: (view, at) => view.getInt32(at, true) / 2 ** 31 },
  [`${FLOAT}/32`]: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  [`${FLOAT}/64`]: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

interface Chunk {
  readonly at: number;
  readonly length: number;
}

function idAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

/** Where the chunks of a RIFF file lie. A last chunk that is cut short is an error, one of unknown kind is not looked at. */
function chunksIn(name: string, view: DataView): Map<string, Chunk> {
  const isRiff = view.byteLength >= 12 && idAt(view, 0) === 'RIFF' && idAt(view, 8) === 'WAVE';
  if (!isRiff) fail('format', `${name}: not a WAV file: it must begin with RIFF … WAVE.`);
  const chunks = new Map<string, Chunk>();
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const id = idAt(view, at);
    const length = view.getUint32(at + 4, true);
    const left = view.byteLength - at - 8;
    if (length > left && (id === 'fmt ' || id === 'data')) {
      fail('format', `${name}: cut short: its part '${id.trim()}' takes ${length} bytes, ${left} follow.`);
    }
    if (!chunks.has(id)) chunks.set(id, { at: at + 8, length });
    // Parts of an odd length are followed by a byte that means nothing.
    at += 8 + length + (length % 2);
  }
  return chunks;
}

/**
 * Reads a WAV file: 8, 16, 24 or 32 bits, or floating point of 32 or 64, any number of channels. Whole numbers become
 * fractions of the largest. Files that are cut short, or compressed, throw an error of code 'format'.
 */
export async function readWav(source: Source): Promise<Waveform> {
  const name = nameOf(source);
  const bytes = await readSource(source);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = chunksIn(name, view);
  const [format, data] = [chunks.get('fmt '), chunks.get('data')];
  if (format === undefined || format.length < 16 || data === undefined) {
    return fail('format', `${name}: a WAV file must have the parts 'fmt' and 'data'.`);
  }
  const channels = view.getUint16(format.at + 2, true);
  const sampleRate = view.getUint32(format.at + 4, true);
  const bits = view.getUint16(format.at + 14, true);
  const tag = view.getUint16(format.at, true);
  const code = tag === EXTENSIBLE && format.length >= 26 ? view.getUint16(format.at + 24, true) : tag;
  const encoding = ENCODINGS[`${code}/${bits}`];
  if (encoding === undefined) {
    return fail('format', `${name}: ${bits} bits of encoding ${code} cannot be read; convert it to 16-bit PCM.`);
  }
  const frame = channels * encoding.bytes;
  if (channels === 0 || sampleRate === 0 || data.length % frame !== 0) {
    fail('format', `${name}: ${data.length} bytes are no whole number of samples of ${channels} channels.`);
  }
  const samples = data.length / frame;
  const values = new Float32Array(channels * samples);
  for (let n = 0, at = data.at; n < samples; n++) {
    for (let c = 0; c < channels; c++, at += encoding.bytes) values[c * samples + n] = encoding.read(view, at);
  }
  return { waveform: tensor(values, [channels, samples]), sampleRate };
}
