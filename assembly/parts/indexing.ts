/** Gathering, scattering and sorting. */
export {
  gatherRows_b4,
  putRows_b4,
  scatterAddRows_f32,
  gather_b4,
  scatterAdd_f32,
  scatterAdd_i32,
  scatter_b4,
  tril_f32,
  triu_f32,
} from '../indexing';
export {
  scatterProd_f32,
  scatterProd_i32,
  scatterMax_f32,
  scatterMax_i32,
  scatterMin_f32,
  scatterMin_i32,
} from '../scatterreduce';
export { order_f32, order_i32, runningPlace_f32, runningPlace_i32 } from '../sort';
