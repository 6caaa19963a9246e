/** The kernels of the turbo binary, which stand in for those of the same names: see microkernel.ts. */
export { gemm_f32 } from './gemm';
