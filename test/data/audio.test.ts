import { tensor } from 'fettle';
import { logMelSpectrogram, melSpectrogram, readWav, resample } from 'fettle/data';
import { describe, expect, it } from 'vitest';

interface Format {
  readonly tag: number;
  readonly bits: number;
  readonly channels: number;
  readonly extensible?: boolean;
}

/** A WAV file of the given bytes of samples, with a part of unknown kind and odd length before them. */
function wav({ tag, bits, channels, extensible = false }: Format, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const fmt = extensible ? 40 : 16;
  const bytes = new Uint8Array(12 + 8 + fmt + 8 + 4 + 8 + data.length);
  const view = new DataView(bytes.buffer);
  const id = (at: number, text: string): void => bytes.set(new TextEncoder().encode(text), at);
  id(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  id(8, 'WAVEfmt ');
  view.setUint32(16, fmt, true);
  view.setUint16(20, extensible ? 0xfffe : tag, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, 8000, true);
  view.setUint16(34, bits, true);
  if (extensible) view.setUint16(44, tag, true);
  const list = 20 + fmt;
  id(list, 'LIST');
  view.setUint32(list + 4, 3, true);
  id(list + 12, 'data');
  view.setUint32(list + 16, data.length, true);
  bytes.set(data, list + 20);
  return bytes;
}

const raw = (array: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> => new Uint8Array(array.buffer);

describe('readWav', () => {
  it.each([
    [{ tag: 1, bits: 8, channels: 1 }, Uint8Array.of(0, 128, 255), [-1, 0, 127 / 128]],
    [{ tag: 1, bits: 16, channels: 1 }, raw(Int16Array.of(-32768, 0, 16384)), [-1, 0, 0.5]],
    [
      { tag: 1, bits: 24, channels: 1 },
      Uint8Array.of(0, 0, 0x80, 0, 0, 0x40, 0xff, 0xff, 0xff),
      [-1, 0.5, -(2 ** -23)],
    ],
    [{ tag: 1, bits: 32, channels: 1, extensible: true }, raw(Int32Array.of(-(2 ** 31), 2 ** 30)), [-1, 0.5]],
    [{ tag: 3, bits: 32, channels: 1 }, raw(Float32Array.of(0.25, -2)), [0.25, -2]],
    [{ tag: 3, bits: 64, channels: 1 }, raw(Float64Array.of(0.25, -2)), [0.25, -2]],
  ] as const)('reads %o', async (format, data, wanted) => {
    const { waveform, sampleRate } = await readWav(wav(format, data));
    expect([sampleRate, waveform.shape]).toEqual([8000, [1, wanted.length]]);
    expect([...waveform.dataSync()]).toEqual([...wanted]);
  });

  it('parts the channels', async () => {
    const { waveform } = await readWav(wav({ tag: 1, bits: 16, channels: 2 }, raw(Int16Array.of(1, 2, 3, 4, 5, 6))));
    expect(waveform.shape).toEqual([2, 3]);
    expect([...waveform.mul(32768).dataSync()]).toEqual([1, 3, 5, 2, 4, 6]);
  });

  it('says what is wrong with a file', async () => {
    const good = wav({ tag: 1, bits: 16, channels: 1 }, raw(Int16Array.of(1, 2)));
    await expect(readWav(good.subarray(0, 40))).rejects.toThrow(/must have the parts/);
    await expect(readWav(good.subarray(0, good.length - 1))).rejects.toThrow("its part 'data' takes 4 bytes, 3 follow");
    await expect(readWav(new Uint8Array(50))).rejects.toThrow('not a WAV file');
    await expect(readWav(wav({ tag: 85, bits: 16, channels: 1 }, new Uint8Array(2)))).rejects.toThrow('encoding 85');
    await expect(readWav(wav({ tag: 1, bits: 16, channels: 2 }, new Uint8Array(6)))).rejects.toThrow('no whole number');
  });
});

/** A sine of `hertz`, sampled `n` times at `rate`. */
const sine = (hertz: number, rate: number, n: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));

describe('resample', () => {
  it.each([
    [8000, 16000],
    [16000, 8000],
    [44100, 16000],
    [3, 7],
  ])('keeps a low tone from %d to %d', (from, to) => {
    const hertz = Math.min(from, to) / 40;
    const n = 40 * 20 * Math.ceil(from / Math.min(from, to));
    const y = resample(tensor(sine(hertz, from, n)), from, to).dataSync();
    expect(y.length).toBe(Math.ceil((n * to) / from));
    const wanted = sine(hertz, to, y.length);
    // The filter sees zeros beyond the ends.
    const edge = Math.ceil((20 * to) / Math.min(from, to));
    for (let i = edge; i < y.length - edge; i++)
      expect(Math.abs((y[i] as number) - (wanted[i] as number))).toBeLessThan(0.01);
  });

  it('takes away what the lower rate cannot hold', () => {
    const y = resample(tensor(sine(7000, 16000, 1600)), 16000, 8000).dataSync();
    for (let i = 50; i < 700; i++) expect(Math.abs(y[i] as number)).toBeLessThan(0.02);
  });

  it('keeps dimensions, and says what is wrong', () => {
    expect(resample(tensor(new Float32Array(60), [2, 3, 10]), 2, 3).shape).toEqual([2, 3, 15]);
    expect(resample(tensor([1, 2]), 5, 5).toArray()).toEqual([1, 2]);
    expect(() => resample(tensor([1, 2]), 0, 5)).toThrow('whole numbers > 0');
  });
});

describe('melSpectrogram', () => {
  /** The same in float64, as the definitions have it. */
  function plain(x: ArrayLike<number>, nFft: number, hop: number, rate: number, bands: number): number[][] {
    const n = x.length;
    const at = (i: number): number => x[i < 0 ? -i : i >= n ? 2 * n - 2 - i : i] as number;
    const frames = Math.floor(n / hop) + 1;
    const half = nFft / 2 + 1;
    const mel = (f: number): number => 2595 * Math.log10(1 + f / 700);
    const top = mel(rate / 2);
    const corner = (i: number): number => 700 * (10 ** ((top * i) / (bands + 1) / 2595) - 1);
    return Array.from({ length: bands }, (_, m) =>
      Array.from({ length: frames }, (_, t) => {
        let total = 0;
        for (let f = 0; f < half; f++) {
          let [re, im] = [0, 0];
          for (let k = 0; k < nFft; k++) {
            const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / nFft);
            const value = window * at(t * hop + k - nFft / 2);
            re += value * Math.cos((2 * Math.PI * f * k) / nFft);
            im -= value * Math.sin((2 * Math.PI * f * k) / nFft);
          }
          const hertz = (f * rate) / nFft;
          const [a, b, c] = [corner(m), corner(m + 1), corner(m + 2)];
          total += Math.max(0, Math.min((hertz - a) / (b - a), (c - hertz) / (c - b))) * (re * re + im * im);
        }
        return total;
      }),
    );
  }

  it('is what its definition says', () => {
    const x = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * 0.3) + 0.3 * Math.cos(i * i * 0.01));
    const y = melSpectrogram(tensor(x, [1, 300]), { sampleRate: 8000, nFft: 64, hopLength: 20, nMels: 10 });
    const wanted = plain(x, 64, 20, 8000, 10);
    expect(y.shape).toEqual([1, 10, 16]);
    const values = y.dataSync();
    wanted.flat().forEach((value, i) => {
      expect(Math.abs((values[i] as number) - value)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
    });
    const logs = logMelSpectrogram(tensor(x, [1, 300]), {
      sampleRate: 8000,
      nFft: 64,
      hopLength: 20,
      nMels: 10,
    }).dataSync();
    wanted.flat().forEach((value, i) => {
      expect(logs[i]).toBeCloseTo(Math.log(Math.max(value, 1e-6)), 3);
    });
  });

  it('is loudest where the tone is, in either scale', () => {
    for (const melScale of ['htk', 'slaney'] as const) {
      const low = melSpectrogram(tensor(sine(300, 16000, 4000)), { melScale, nMels: 40, norm: true })
        .mean(1)
        .argmax()
        .item();
      const high = melSpectrogram(tensor(sine(5000, 16000, 4000)), { melScale, nMels: 40 })
        .mean(1)
        .argmax()
        .item();
      expect(high).toBeGreaterThan(low + 10);
    }
    expect(() => melSpectrogram(tensor([1, 2]), { fMax: 9000 })).toThrow('half the sample rate');
    expect(() => melSpectrogram(tensor([1, 2]), { melScale: 'bark' as 'htk' })).toThrow("got 'bark'");
    expect(() => melSpectrogram(tensor([1, 2]), 8000 as never)).toThrow('{ sampleRate: 16000 }, got 8000');
    expect(() => logMelSpectrogram(tensor([1, 2]), { n_mels: 40 } as never)).toThrow('Did you mean nMels?');
  });
});
