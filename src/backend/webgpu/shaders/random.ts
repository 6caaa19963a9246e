import { writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named } from './each.js';

/**
 * Random numbers: assembly/random.ts. Element i comes from word i mod 4 of block ⌊i / 4⌋, so every device draws the same numbers.
 * The text of a kernel is an expression of that `word: u32`, of `k`, its place in the block, and of the whole `block`. `first` is
 * the place of the seed and the counter among the ints, behind what the kernel has of its own.
 */
function drawn(value: string, first = 0): Shader {
  return (launch) =>
    each({
      ...named(launch),
      y: writes(launch.writes[0]),
      count: launch.work,
      element: () => `
        let low = u32(int(${first + 2})) + u32(i >> 2u);
        let carry = select(0u, 1u, low < u32(int(${first + 2})));
        let block = philox(vec2<u32>(u32(int(${first})), u32(int(${first + 1}))), vec2<u32>(low, u32(int(${first + 3})) + carry));
        let k = i & 3;
        let word = block[k];
        return ${value};`,
    });
}

export const random: Shaders = {
  philox_f32: drawn('unit(word)'),
  normal_f32: drawn('normal(block[k & 2], block[(k & 2) + 1], k & 1, float(0), float(1))'),
  bernoulli_u8: drawn('i32(unit(word) < float(0))'),
  dropoutMask_f32: drawn('select(0.0, float(1), unit(word) < float(0))'),
  randint_i32: drawn('int(0) + i32(high_word(word, u32(int(1))))', 2),
};
