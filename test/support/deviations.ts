/**
 * What is otherwise on a GPU: the one list that suites look into when they run there (FETTLE_TEST_DEVICE=webgpu), beside which
 * nothing is skipped and no tolerance is another. Each entry is a row of the table in docs/guides/webgpu.md, which a test compares.
 */

export const onGpu = process.env.FETTLE_TEST_DEVICE === 'webgpu';

interface Deviation {
  /** The row's first cell. */
  readonly row: string;
  /** Gradients of golden cases that rounding makes: last places by which they may be off, by op and number. */
  readonly golden?: Readonly<Record<string, number>>;
  /** Tests that are about something the device does not have. */
  readonly tests?: readonly string[];
}

const SUBNORMAL = 'numbers below 1.18e-38';

export const deviations: readonly Deviation[] = [
  { row: SUBNORMAL },
  // The mean's last place is a larger part of what lies near the mean.
  { row: 'sums', golden: { 'variance 25': 16 } },
  // Two observations always correlate fully, and the gradient is what divisions leave of 0.
  { row: 'quotients and square roots', golden: { 'corrcoef 3': 2 ** 21 } },
  {
    row: 'a replay with an index out of range',
    tests: ['a label out of range is refused in a replay too, and nothing after it happens'],
  },
  {
    row: 'garbage that a replay makes',
    tests: ['a replay makes no garbage', 'nor does one with dropout and %s on a schedule'],
  },
];

/** Last places by which gradients of a golden case may be off here; undefined where it is as everywhere. */
export function ulpsHere(name: string): number | undefined {
  if (!onGpu) return undefined;
  return deviations.map(({ golden }) => golden?.[name]).find((ulps) => ulps !== undefined);
}

/** Whether a test is about what this device does not have. */
export function isSkippedHere(title: string): boolean {
  return onGpu && deviations.some(({ tests }) => tests?.includes(title));
}

/** Whether this device may take a number for 0, and what comes of it for something else. */
export function mayFlush(value: number): boolean {
  return onGpu && value !== 0 && Math.abs(value) < 2 ** -126;
}

/** What a device that takes subnormal numbers for 0 sees. */
export const flushed = (value: number): number => (Math.abs(value) < 2 ** -126 ? value * 0 : value);
