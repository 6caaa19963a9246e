import { BYTES, type Element, reads, TYPE, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named, nest } from './each.js';

/** Copies between strided tensors, fills and ranges: assembly/copy.ts. */

/** Copies move bits, whatever they mean. */
function moved(as: Element): Shader {
  return (launch) => {
    const { ints = [] } = launch;
    const [dims = 1] = ints;
    const [y, x] = [launch.writes[0], launch.reads[0]];
    if (dims === 1 && ints[2] === 1) {
      return each({
        ...named(launch),
        structure: 'whole',
        y: writes(y, { as }),
        count: launch.work,
        bind: { x: reads(x, { as }) },
        element: () => 'return load_x(i * int(3));',
      });
    }
    return {
      ...named(launch),
      structure: String(dims),
      bind: { y: writes(y, { as }), x: reads(x, { as }) },
      items: launch.work,
      text: () => ({ body: `let i = id;\n${nest(dims, ['y', 'x'])}\nstore_y(at_y, load_x(at_x));` }),
    };
  };
}

function fill(as: Element): Shader {
  return (launch) =>
    each({
      ...named(launch),
      y: writes(launch.writes[0], { as }),
      count: launch.work,
      element: () => (BYTES[as] === 4 ? 'return u32(int(0));' : `return ${TYPE[as]}(int(0));`),
    });
}

export const copy: Shaders = {
  copy_b4: moved('u32'),
  copy_b2: moved('u16'),
  copy_b1: moved('u8'),
  fill_b4: fill('u32'),
  fill_b2: fill('u16'),
  fill_b1: fill('u8'),
  arange_f32: (launch) =>
    each({
      ...named(launch),
      y: writes(launch.writes[0]),
      count: launch.work,
      element: () => 'return arithmetic(float(0), float(1), i);',
    }),
  arange_i32: (launch) =>
    each({
      ...named(launch),
      y: writes(launch.writes[0]),
      count: launch.work,
      element: () => 'return int(0) + i * int(1);',
    }),
};
