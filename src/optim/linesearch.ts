/**
 * A step length by the strong Wolfe conditions, as PyTorch's LBFGS finds it: first a bracket that holds one, then cubic
 * interpolation inside it. J. Nocedal, S. J. Wright, Numerical optimization, 2006, algorithms 3.5 and 3.6.
 */

/** The function along the direction at the step `t`: its value, its gradient, and how steep it is. */
export interface Point<G> {
  readonly t: number;
  readonly value: number;
  readonly gradient: G;
  readonly slope: number;
}

export interface SearchOptions {
  /** The largest element of the direction, by size. */
  readonly reach: number;
  /** A bracket shorter than this is not divided. */
  readonly toleranceChange: number;
}

/** Share of the decrease that the slope promises which a step must bring. */
const SUFFICIENT = 1e-4;
/** Share of the first slope that may be left at the end of a step. */
const CURVATURE = 0.9;
const MAX_STEPS = 25;

/** The lowest point of the cubic with these values and slopes, kept between the bounds. */
function cubicMinimum<G>(a: Point<G>, b: Point<G>, low = Math.min(a.t, b.t), high = Math.max(a.t, b.t)): number {
  const [p, q] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = p.slope + q.slope - (3 * (p.value - q.value)) / (p.t - q.t);
  const square = d1 * d1 - p.slope * q.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = q.t - (q.t - p.t) * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2));
  return Math.min(Math.max(t, low), high);
}

/**
 * The point where the search ends, and how often the function was evaluated. `evaluate` gives the function along the direction;
 * `start` is the point at t = 0, and `t` the first step that is tried.
 */
export function strongWolfe<G>(
  evaluate: (t: number) => Point<G>,
  start: Point<G>,
  t: number,
  { reach, toleranceChange }: SearchOptions,
): { readonly point: Point<G>; readonly evaluations: number } {
  let evaluations = 0;
  const at = (step: number): Point<G> => {
    evaluations++;
    return evaluate(step);
  };
  const isTooHigh = (point: Point<G>): boolean => point.value > start.value + SUFFICIENT * point.t * start.slope;
  const isFlat = (point: Point<G>): boolean => Math.abs(point.slope) <= -CURVATURE * start.slope;

  let before = start;
  let point = at(t);
  let steps = 0;
  let bracket: [Point<G>, Point<G>] = [start, point];
  for (; steps < MAX_STEPS; steps++) {
    bracket = [before, point];
    if (isTooHigh(point) || (steps > 1 && point.value >= before.value)) break;
    if (isFlat(point)) return { point, evaluations };
    if (point.slope >= 0) break;
    const next = cubicMinimum(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10);
    before = point;
    point = at(next);
    if (steps + 1 === MAX_STEPS) bracket = [start, point];
  }

  // The index of the end with the lower value.
  let low: 0 | 1 = bracket[0].value <= bracket[1].value ? 0 : 1;
  let stalled = false;
  for (; steps < MAX_STEPS; steps++) {
    const [left, right] = bracket;
    if (Math.abs(right.t - left.t) * reach < toleranceChange) break;
    let next = cubicMinimum(left, right);
    const [from, to] = [Math.min(left.t, right.t), Math.max(left.t, right.t)];
    const margin = 0.1 * (to - from);
    // A step close to an end hardly shortens the bracket; after two of them, or one at the end itself, it is moved inside.
    if (Math.min(to - next, next - from) < margin) {
      if (stalled || next >= to || next <= from) {
        next = Math.abs(next - to) < Math.abs(next - from) ? to - margin : from + margin;
        stalled = false;
      } else stalled = true;
    } else stalled = false;

    point = at(next);
    const high = low === 0 ? 1 : 0;
    if (isTooHigh(point) || point.value >= bracket[low].value) {
      bracket[high] = point;
      low = bracket[0].value <= bracket[1].value ? 0 : 1;
      continue;
    }
    const done = isFlat(point);
    if (!done && point.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
    bracket[low] = point;
    if (done) break;
  }
  return { point: bracket[low], evaluations };
}
