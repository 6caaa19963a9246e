/** Places the names of points in a chart so that they cover neither one another nor the points. */

export interface LabelPoint {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a name stands. */
export interface PlacedLabel extends Rectangle {
  readonly text: string;
  /** Whether a line should join it with its point: it stands far away, or nearer to another point. */
  readonly leader: boolean;
}

export interface LabelOptions {
  /** What no name may leave. */
  readonly bounds: Rectangle;
  /** Around a point, in pixels. */
  readonly radius?: number;
  /** Lines and other things that a name should rather not cover, but may. */
  readonly avoid?: readonly Rectangle[];
  readonly fontSize?: number;
}

/** Mean width of a lower-case letter of a sans serif against its size; on the safe side of the usual 0.5. */
const LETTER_WIDTH = 0.58;

export function textWidth(text: string, fontSize: number): number {
  return [...text].length * fontSize * LETTER_WIDTH;
}

/** Area that two rectangles share. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Directions around a point in the order of preference: right and left read best, then above and below. */
const DIRECTIONS: readonly (readonly [dx: number, dy: number])[] = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
];
const RINGS = 6;
const RING_STEP = 9;
/** Rounds of improvement; a handful of names settles in two or three. */
const ROUNDS = 12;

interface Candidate extends Rectangle {
  readonly ring: number;
  /** Whether another point is as near as its own, so that the name could be taken for that point's. */
  readonly astray: boolean;
  /** What the place costs regardless of the other names. */
  readonly cost: number;
}

/**
 * One place per point, in the order of `points`. Every name tries all places around its point, from near to far, and
 * takes the cheapest given where the others stand, until nothing moves. The result is the same on every run.
 */
export function placeLabels(points: readonly LabelPoint[], options: LabelOptions): PlacedLabel[] {
  const { bounds, radius = 6, fontSize = 12, avoid = [] } = options;
  const dots = points.map(({ x, y }) => ({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius }));
  const candidates = points.map((point) => candidatesAround(point, { points, dots, avoid, bounds }, radius, fontSize));
  const chosen: (Candidate | undefined)[] = points.map(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    candidates.forEach((places, index) => {
      const others = chosen.filter((place, other): place is Candidate => place !== undefined && other !== index);
      const best = cheapest(places, others);
      moved ||= best !== chosen[index];
      chosen[index] = best;
    });
    if (!moved) break;
  }
  return points.map(({ text }, index) => {
    const { x = 0, y = 0, width = 0, height = 0, ring = 0, astray = false } = chosen[index] ?? {};
    return { text, x, y, width, height, leader: ring >= 2 || astray };
  });
}

function cheapest(places: readonly Candidate[], others: readonly Rectangle[]): Candidate | undefined {
  let best: Candidate | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const place of places) {
    const shared = others.reduce((sum, other) => sum + overlap(grown(place, 1), other), 0);
    const cost = place.cost + 20 * shared;
    if (cost < bestCost) {
      best = place;
      bestCost = cost;
    }
  }
  return best;
}

function distanceTo({ x, y, width, height }: Rectangle, point: LabelPoint): number {
  const dx = Math.max(x - point.x, 0, point.x - x - width);
  const dy = Math.max(y - point.y, 0, point.y - y - height);
  return Math.hypot(dx, dy);
}

function grown({ x, y, width, height }: Rectangle, by: number): Rectangle {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** What a place is judged by besides the other names. */
interface Surroundings {
  readonly points: readonly LabelPoint[];
  readonly dots: readonly Rectangle[];
  readonly avoid: readonly Rectangle[];
  readonly bounds: Rectangle;
}

function candidatesAround(
  point: LabelPoint,
  { points, dots, avoid, bounds }: Surroundings,
  radius: number,
  fontSize: number,
): Candidate[] {
  const width = textWidth(point.text, fontSize);
  const height = fontSize * 1.25;
  const places: Candidate[] = [];
  for (let ring = 0; ring < RINGS; ring++) {
    const distance = radius + 3 + ring * RING_STEP;
    DIRECTIONS.forEach(([dx, dy], preference) => {
      const diagonal = dx !== 0 && dy !== 0 ? Math.SQRT1_2 : 1;
      const place = {
        x: point.x + dx * distance * diagonal - ((1 - dx) / 2) * width,
        y: point.y + dy * distance * diagonal - ((1 - dy) / 2) * height,
        width,
        height,
      };
      const outside = width * height - overlap(place, bounds);
      const covered = dots.reduce((sum, dot) => sum + overlap(place, dot), 0);
      const own = distanceTo(place, point);
      const astray = points.some((other) => other !== point && distanceTo(place, other) <= own);
      const crossed = avoid.reduce((sum, thing) => sum + overlap(place, thing), 0);
      const cost = 200 * outside + 20 * covered + crossed + 30 * ring + 3 * preference + (astray ? 150 : 0);
      places.push({ ...place, ring, astray, cost });
    });
  }
  return places;
}
