import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory, type Tensor, zeros } from 'fettle';
import { expect, test } from 'vitest';
import { within } from '../../src/core/scope.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A tensor of no scope: the one around a test would hold it. */
const made = (shape: number[]): Tensor => within(null, () => zeros(shape));

/** Collects garbage at least three times, and until as many tensors are alive as wanted, or for a second. */
async function settled(wanted: number): Promise<number> {
  for (let i = 0; i < 20 && (i < 3 || memory().tensors !== wanted); i++) {
    collect();
    await sleep(50);
  }
  return memory().tensors;
}

test('memory of tensors that nobody disposed comes back with the garbage collector', async () => {
  const before = memory().tensors;
  // More than wait for their place in the safety net at once.
  for (let i = 0; i < 1500; i++) made([16]);
  expect(memory().tensors).toBe(before + 1500);
  expect(await settled(before)).toBe(before);
});

test('what is still held stays, and is counted once when it is disposed', async () => {
  const before = memory().tensors;
  const held = made([4]);
  expect(await settled(before)).toBe(before + 1);
  held.dispose();
  held.dispose();
  expect(memory().tensors).toBe(before);
  expect(await settled(before)).toBe(before);
});
