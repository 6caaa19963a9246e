/** Products and convolutions with sparse matrices. */
export { sparseProduct_f32 } from '../sparse';
export { sparseConv2d_f32 } from '../sparseconv';
export { sparseSample_f32 } from '../sparsesample';
