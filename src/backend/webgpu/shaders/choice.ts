import type { Element } from '../pass.js';
import { reads, writes } from '../pass.js';
import type { Shader, Shaders } from '../shader.js';
import { each, named, nest } from './each.js';

/** Elements of a where the condition holds, of b elsewhere: assembly/where.ts. */
function where(as: Element): Shader {
  return (launch) => {
    const [dims = 1] = launch.ints ?? [];
    return each({
      ...named(launch),
      structure: String(dims),
      y: writes(launch.writes[0], { as }),
      count: launch.work,
      bind: {
        c: reads(launch.reads[0], { as: 'u8' }),
        a: reads(launch.reads[1], { as }),
        b: reads(launch.reads[2], { as }),
      },
      element: () =>
        `${nest(dims, ['c', 'a', 'b'])}\nif (load_c(at_c) != 0) { return load_a(at_a); }\nreturn load_b(at_b);`,
    });
  };
}

export const choice: Shaders = { where_b4: where('u32'), where_b1: where('u8') };
