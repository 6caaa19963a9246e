/** Random numbers beyond the uniform ones of [0, 1). */
export { normal_f32, bernoulli_u8, dropoutMask_f32, randint_i32 } from '../random';
