import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { conv1d, pad, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

export interface ResampleOptions {
  /** Zero crossings of the filter on each side: more is sharper and slower. Default 6. */
  readonly lowpassFilterWidth?: number;
  /** Where the filter begins to cut, as a share of the highest frequency that is left. Default 0.99. */
  readonly rolloff?: number;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/**
 * The filters that give the `to` samples which stand for each `from`: a sinc that cuts at half the lower rate, under a Hann
 * window (Smith, "Digital audio resampling"; torchaudio's sinc_interp_hann).
 */
function filters(from: number, to: number, width: number, rolloff: number): { values: Float32Array; reach: number } {
  const base = Math.min(from, to) * rolloff;
  const reach = Math.ceil((width * from) / base);
  const taps = 2 * reach + from;
  const values = new Float32Array(to * taps);
  for (let phase = 0; phase < to; phase++) {
    for (let k = 0; k < taps; k++) {
      const t = Math.min(width, Math.max(-width, ((k - reach) / from - phase / to) * base));
      const window = elementary.square(elementary.cos((t * Math.PI) / width / 2));
      const sinc = t === 0 ? 1 : elementary.sin(Math.PI * t) / (Math.PI * t);
      values[phase * taps + k] = (sinc * window * base) / from;
    }
  }
  return { values, reach };
}

/**
 * `waveform` [.., samples] at another rate, in samples a second; ceil(samples · to / from) of them. Rates are whole numbers.
 */
export function resample(waveform: Tensor, from: number, to: number, options: ResampleOptions = {}): Tensor {
  const { lowpassFilterWidth: width = 6, rolloff = 0.99 } = options;
  if (![from, to].every((rate) => Number.isInteger(rate) && rate > 0)) {
    fail('argument', `resample: rates must be whole numbers > 0, got ${from} and ${to}.`);
  }
  if (!(width > 0) || !(rolloff > 0 && rolloff <= 1)) {
    fail('argument', `resample: lowpassFilterWidth must be > 0 and rolloff in (0, 1], got ${width} and ${rolloff}.`);
  }
  if (waveform.ndim === 0) fail('shape', `resample: expected [.., samples], got ${show(waveform.shape)}.`);
  if (from === to) return waveform.clone();
  const common = divisor(from, to);
  const [down, up] = [from / common, to / common];
  const samples = waveform.shape[waveform.ndim - 1] as number;
  const { values, reach } = filters(down, up, width, rolloff);
  return scope(() => {
    const rows = waveform.reshape(-1, 1, samples);
    const kernel = tensor(values, [up, 1, values.length / up]);
    const y = conv1d(pad(rows, [reach, reach + down]), kernel, null, { stride: down });
    // [rows, up, times] → the `up` samples of each time, one behind another.
    const wanted = Math.ceil((up * samples) / down);
    return y
      .transpose(1, 2)
      .reshape(rows.shape[0] as number, -1)
      .narrow(1, 0, wanted)
      .reshape(...waveform.shape.slice(0, -1), wanted)
      .contiguous();
  });
}
