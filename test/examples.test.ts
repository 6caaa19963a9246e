import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * Every program of examples/ runs, in less time than it gives a reader, and has learned what it says: limits are far from
 * what its seed reaches and farther from chance.
 */
const LEARNED: Record<string, (result: Record<string, number>) => void> = {
  // Chance: 1 of 10 digits.
  images: ({ accuracy, int8Accuracy }) => {
    expect(accuracy).toBeGreaterThan(0.88);
    expect(int8Accuracy).toBeGreaterThan(Number(accuracy) - 0.03);
  },
  // Chance: log of 320 tokens, 5.8.
  language: ({ loss }) => expect(loss).toBeLessThan(2.5),
  // Chance: 1 of 4 words.
  speech: ({ accuracy }) => expect(accuracy).toBeGreaterThan(0.85),
  // Chance: none of 200.
  translation: ({ accuracy }) => expect(accuracy).toBeGreaterThan(0.8),
  // Chance: a half.
  biology: ({ accuracy, prunedAccuracy, removed }) => {
    expect(accuracy).toBeGreaterThan(0.82);
    expect(prunedAccuracy).toBeGreaterThan(0.7);
    expect(removed).toBeCloseTo(0.8, 2);
  },
  // The guess to beat is at 0.
  finance: ({ gain }) => expect(gain).toBeGreaterThan(0.02),
  // A random player wins 0.43 and loses as many.
  games: ({ lost, won }) => {
    expect(won).toBeGreaterThan(0.65);
    expect(lost).toBeLessThan(0.3);
  },
};

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const names = readdirSync(folder).map((file) => file.replace(/\.mjs$/, ''));

test('each example has a limit here', () => {
  expect(names.sort()).toEqual(Object.keys(LEARNED).sort());
});

test.each(names)(
  '%s',
  async (name) => {
    process.env.QUICK = '1';
    const result = (await import(/* @vite-ignore */ `${folder}${name}.mjs`)) as Record<string, number>;
    LEARNED[name]?.(result);
  },
  180_000,
);
