import { deterministic, noGrad, randn, turbo } from 'fettle';
import { afterEach, expect, test } from 'vitest';

afterEach(() => {
  turbo(false);
  deterministic(false);
});

const version = Number.parseInt(process.versions.node, 10);

test('turbo() says whether it is on, and products are the same either way', () => {
  const [a, b] = [randn([61, 300]), randn([300, 47])];
  const product = (): number[] => noGrad(() => Array.from(a.matmul(b).dataSync()));
  const usual = product();
  const { enabled, reason } = turbo();
  if (version < 24) {
    expect(enabled).toBe(false);
    expect(reason).toMatch(/needs Node 24 or later, and this is Node \d+/);
  } else if (!enabled) {
    expect(reason).toMatch(/x64|self-test/);
  }
  product().forEach((value, i) => expect(value).toBeCloseTo(usual[i] as number, 4));
  expect(turbo(false)).toEqual({ enabled: false, reason: 'switched off' });
  expect(product()).toEqual(usual);
});

test('turbo() leaves deterministic(true) alone', () => {
  deterministic(true);
  const { enabled, reason } = turbo();
  expect(enabled).toBe(false);
  expect(reason).toMatch(/deterministic\(false\) first/);
});
