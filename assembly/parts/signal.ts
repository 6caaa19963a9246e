/** The discrete Fourier transform. */
export { fft_f32 } from '../fft';
