import type { Shader, Shaders } from '../shader.js';
import { activation } from './activation.js';
import { attention } from './attention.js';
import { batchnorm } from './batchnorm.js';
import { binary } from './binary.js';
import { cast } from './cast.js';
import { choice } from './choice.js';
import { colors } from './color.js';
import { convolution } from './convolution.js';
import { copy } from './copy.js';
import { ctc } from './ctc.js';
import { filters } from './filters.js';
import { fourier } from './fourier.js';
import { functions } from './functions.js';
import { matmul } from './gemm.js';
import { indexing } from './indexing.js';
import { norm } from './norm.js';
import { orders } from './order.js';
import { pixels } from './pixels.js';
import { pooling } from './pooling.js';
import { qgemm } from './qgemm.js';
import { quantized } from './quantized.js';
import { random } from './random.js';
import { recurrent } from './recurrent.js';
import { reduce } from './reduce.js';
import { rows } from './rows.js';
import { scan } from './scan.js';
import { sparse } from './sparse.js';
import { unary } from './unary.js';
import { optim } from './update.js';
import { window } from './window.js';

/** The shaders of all families, by the names of their kernels. */
const families: readonly Shaders[] = [
  activation,
  attention,
  batchnorm,
  binary,
  cast,
  choice,
  colors,
  convolution,
  copy,
  ctc,
  filters,
  fourier,
  functions,
  indexing,
  matmul,
  norm,
  optim,
  orders,
  pixels,
  pooling,
  qgemm,
  quantized,
  random,
  recurrent,
  reduce,
  rows,
  scan,
  sparse,
  unary,
  window,
];

export const shaders: ReadonlyMap<string, Shader> = new Map(families.flatMap((family) => Object.entries(family)));
