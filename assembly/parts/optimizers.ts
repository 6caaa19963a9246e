/** Optimizers beyond SGD and Adam. */
export { addScaled_f32 } from '../binary';
export {
  rmsprop_f32,
  adagrad_f32,
  adamax_f32,
  nadam_f32,
  radam_f32,
  adadelta_f32,
  rprop_f32,
  asgd_f32,
  lion_f32,
  clipNorm_f32,
  average_f32,
} from '../optim';
