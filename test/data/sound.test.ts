import { tensor } from 'fettle';
import { logMelSpectrogram, melSpectrogram, readWav, resample } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/audio.json' with { type: 'json' };

/** Sound against SciPy's and librosa's: golden/audio.py made the numbers. */

describe.each(golden.files.map((file) => [file.name, file] as const))('WAV of %s', (_name, { file, rate, samples }) => {
  it('is what SciPy reads', async () => {
    const bytes = Uint8Array.from(Buffer.from(file, 'base64'));
    const { waveform, sampleRate } = await readWav(bytes);
    expect(sampleRate).toBe(rate);
    expect(waveform.shape).toEqual([samples.length, samples[0]?.length]);
    expect(waveform.toArray()).toEqual(samples.map((channel) => channel.map(Math.fround)));
  });
});

describe.each(golden.spectra)('mel spectra at $rate Hz of $nFft samples', (one) => {
  const { rate: sampleRate, nFft, hop: hopLength, bands: nMels, fMin, fMax, power, x, y } = one;
  const options = { sampleRate, nFft, hopLength, nMels, fMin, fMax, power, melScale: 'slaney', norm: true } as const;

  it('are librosa’s', () => {
    const found = melSpectrogram(tensor(Float32Array.from(x)), options);
    expect(found.shape).toEqual([nMels, y[0]?.length]);
    const top = Math.max(...y.flat());
    const values = found.dataSync();
    y.flat().forEach((wanted, i) => {
      expect(Math.abs((values[i] as number) - wanted)).toBeLessThan(2e-6 * top + 1e-4 * wanted);
    });
    const logs = logMelSpectrogram(tensor(Float32Array.from(x)), { ...options, floor: 1e-5 }).dataSync();
    y.flat().forEach((wanted, i) => {
      const exact = Math.log(Math.max(wanted, 1e-5));
      if (wanted > 1e-4 * top) expect(Math.abs((logs[i] as number) - exact)).toBeLessThan(1e-3);
    });
  });
});

describe.each(golden.resampled)('$down samples as $up', ({ down, up, x, y, poly }) => {
  it('are the sum that defines them', () => {
    const found = resample(tensor(Float32Array.from(x)), down, up).dataSync();
    expect(found.length).toBe(y.length);
    y.forEach((wanted, i) => {
      expect(Math.abs((found[i] as number) - wanted)).toBeLessThan(2e-6);
    });
  });

  it('are near to what SciPy makes of tones that both rates hold', () => {
    const found = resample(tensor(Float32Array.from(x)), down, up).dataSync();
    for (let i = 60; i < found.length - 60; i++) {
      expect(Math.abs((found[i] as number) - (poly[i] as number))).toBeLessThan(0.02);
    }
  });
});
