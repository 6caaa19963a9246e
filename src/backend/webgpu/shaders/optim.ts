/** Optimizer steps, fused and in place: assembly/optim.ts, where the formulas and their slots stand. updates.ts makes passes of them. */

/**
 * A step as its text sees it: element i of each tensor that is there is a variable of its name, and those that are written are
 * written back. `g` is the gradient, turned around where maximize (an int) is set.
 */
export interface Update {
  /** What is written, by name, in the order of the launch; a name with ? may be absent, and then has(name) is false. */
  readonly written: readonly string[];
  /** What is read element by element, and what is one number. */
  readonly read: readonly string[];
  readonly one: readonly string[];
  readonly maximize: number | null;
  readonly text: (has: (name: string) => boolean) => string;
  /** Whether what is written stays from step to step: then it is worth a place beside its like. */
  readonly lasting: boolean;
  /** Whether it is left as it is behind a kernel that has refused its indices: see ../held.ts. */
  readonly held: boolean;
}

function step(
  written: readonly string[],
  maximize: number | null,
  text: Update['text'],
  {
    read = ['grad'],
    one = [],
    lasting = true,
    held = true,
  }: Partial<Pick<Update, 'read' | 'one' | 'lasting' | 'held'>> = {},
): Update {
  return { written, read, one, maximize, text, lasting, held };
}

/** g with L2 weight decay. */
const decayed = (slot: number): string => `if (float(${slot}) != 0.0) { g = fma(param, float(${slot}), g); }`;

/** The steps by the names of their kernels. */
const UPDATES: Readonly<Record<string, Update>> = {
  sgd_f32: step(
    ['param', 'buffer?'],
    3,
    (has) => `
      ${decayed(3)}
      ${
        has('buffer')
          ? `buffer = select(fma(g, float(2), buffer * float(1)), g, int(2) != 0);
      g = select(buffer, fma(buffer, float(1), g), int(1) != 0);`
          : ''
      }
      param = fma(-g, float(0), param);`,
  ),
  adam_f32: step(
    ['param', 'average', 'squares', 'largest?'],
    2,
    (has) => `
      if (int(1) != 0) { param = param * float(5); } else { ${decayed(4)} }
      average = lerp(average, g, float(0));
      squares = fma(g * g, float(2), squares * float(1));
      var v = squares;
      ${has('largest') ? 'largest = maximum(largest, v);\nv = largest;' : ''}
      param = fma(-float(6), average / (sqrt(v) / float(7) + float(3)), param);`,
  ),
  rmsprop_f32: step(
    ['param', 'square', 'average?', 'buffer?'],
    1,
    (has) => `
      ${decayed(5)}
      square = fma(g * g, float(2), square * float(1));
      var v = square;
      ${has('average') ? 'average = lerp(average, g, float(2));\nv = fma(-average, average, v);' : ''}
      let rms = sqrt(v) + float(3);
      ${has('buffer') ? 'buffer = fma(buffer, float(4), g / rms);\nparam = fma(-float(0), buffer, param);' : 'param = param - float(0) * g / rms;'}`,
  ),
  adagrad_f32: step(
    ['param', 'sum'],
    1,
    () => `
      ${decayed(2)}
      sum = fma(g, g, sum);
      param = param - float(0) * g / (sqrt(sum) + float(1));`,
  ),
  adamax_f32: step(
    ['param', 'average', 'norm'],
    1,
    () => `
      ${decayed(3)}
      average = lerp(average, g, float(0));
      norm = maximum(norm * float(1), absolute(g) + float(2));
      param = param - float(4) * average / norm;`,
  ),
  nadam_f32: step(
    ['param', 'average', 'squares'],
    2,
    () => `
      if (int(1) != 0) { param = param * float(5); } else { ${decayed(4)} }
      average = lerp(average, g, float(0));
      squares = fma(g * g, float(2), squares * float(1));
      let d = sqrt(squares / float(6)) + float(3);
      param = param - float(7) * g / d;
      param = param - float(8) * average / d;`,
  ),
  radam_f32: step(
    ['param', 'average', 'squares'],
    3,
    () => `
      if (int(2) != 0) { param = param * float(5); } else { ${decayed(4)} }
      average = lerp(average, g, float(0));
      squares = fma(g * g, float(2), squares * float(1));
      var way = average * float(6);
      if (int(1) != 0) { way = way * (float(7) / (sqrt(squares) + float(3))); }
      param = param - way;`,
  ),
  adadelta_f32: step(
    ['param', 'square', 'deltas'],
    1,
    () => `
      ${decayed(4)}
      square = fma(g * g, float(2), square * float(1));
      let way = sqrt(deltas + float(3)) / sqrt(square + float(3)) * g;
      deltas = fma(way * way, float(2), deltas * float(1));
      param = fma(-float(0), way, param);`,
  ),
  rprop_f32: step(
    ['param', 'previous', 'size'],
    1,
    () => `
      let product = g * previous;
      var eta = 1.0;
      if (less(0.0, product)) { eta = float(1); }
      let turned = less(product, 0.0);
      if (turned) { eta = float(0); }
      size = minimum(maximum(size * eta, float(2)), float(3));
      previous = select(g, 0.0, turned);
      if (less(0.0, previous)) { param -= size; }
      if (less(previous, 0.0)) { param += size; }`,
  ),
  asgd_f32: step(
    ['param', 'average'],
    1,
    () => `
      ${decayed(3)}
      param = fma(-float(0), g, param * float(1));
      average = select(fma(param - average, float(2), average), param, float(2) == 1.0);`,
  ),
  lion_f32: step(
    ['param', 'average'],
    1,
    () => `
      let way = fma(average, float(1), g * float(2));
      average = fma(average, float(3), g * float(4));
      param = param * float(5);
      if (less(0.0, way)) { param -= float(0); }
      if (less(way, 0.0)) { param += float(0); }`,
  ),
  clipNorm_f32: step(
    ['grad'],
    null,
    () => `
      let size = norm + 1e-6;
      // A norm that is NaN makes the factor, and so the gradients, NaN, as in PyTorch.
      let factor = select(select(1.0, float(0) / size, less(float(0), size)), nan(), is_nan(size));
      grad = grad * factor;`,
    { read: [], one: ['norm'], lasting: false, held: false },
  ),
  average_f32: step(['average'], null, () => 'average = lerp(average, param, float(0));', { read: ['param'] }),
  accumulate_f32: step(['y'], null, () => 'y = y + x;', { read: ['x'], lasting: false }),
};

export const updates: ReadonlyMap<string, Update> = new Map(Object.entries(UPDATES));
