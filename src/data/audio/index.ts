export { logMelSpectrogram, type MelOptions, melSpectrogram } from './mel.js';
export { type ResampleOptions, resample } from './resample.js';
export { readWav, type Waveform } from './wav.js';
