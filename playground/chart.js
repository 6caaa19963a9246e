/** The loss by step, drawn anew as it comes. */
import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';

const [WIDTH, HEIGHT] = [820, 300];
const EDGE = { left: 52, right: 22, top: 10, bottom: 30 };
/** How much of the running mean each new batch is. */
const WEIGHT = 0.15;

/** @param {SVGElement} svg */
export function lossCurve(svg) {
  /** @type {{ step: number, loss: number, mean: number }[]} */
  let points = [];
  let waiting = false;
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);

  function draw() {
    waiting = false;
    const [least = 0.01, most = 3] = extent(points, ({ loss }) => Math.max(loss, 1e-4));
    const x = scaleLinear([1, Math.max(100, points.length)], [EDGE.left, WIDTH - EDGE.right]);
    const y = scaleLog([Math.min(0.1, least), Math.max(3, most)], [HEIGHT - EDGE.bottom, EDGE.top]);
    const powers = y.ticks().filter((tick) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9);
    const rows = powers.map(
      (tick) =>
        `<line class="grid" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
        `<text x="${EDGE.left - 8}" y="${y(tick)}" dy="0.32em" text-anchor="end">${tick}</text>`,
    );
    const columns = x
      .ticks(6)
      .map((tick) => `<text x="${x(tick)}" y="${HEIGHT - 8}" text-anchor="middle">${tick}</text>`);
    /** @type {(of: 'loss' | 'mean') => string} */
    const path = (of) =>
      line(
        (/** @type {typeof points[number]} */ point) => x(point.step),
        (point) => y(Math.max(point[of], 1e-4)),
      )(points) ?? '';
    svg.innerHTML =
      rows.join('') +
      columns.join('') +
      `<path class="batches" d="${path('loss')}"/><path class="mean" d="${path('mean')}"/>`;
  }

  return {
    clear() {
      points = [];
      draw();
    },
    /** @param {{ step: number, loss: number }} point */
    add({ step, loss }) {
      const mean = points.at(-1)?.mean ?? loss;
      points.push({ step, loss, mean: mean + WEIGHT * (loss - mean) });
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(draw);
    },
  };
}
