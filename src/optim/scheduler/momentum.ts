import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { ParamGroup } from '../groups.js';
import type { Optimizer } from '../optimizer.js';

/** What the cyclic schedules share: momentum by either of its names, and ways from one value to another. */

/** Whether the momentum of `optimizer` is its beta1. Throws where it has none. */
export function usesBeta1(name: string, optimizer: Optimizer): boolean {
  if ('betas' in optimizer.defaults) return true;
  if ('momentum' in optimizer.defaults) return false;
  return fail('argument', `${name}: ${optimizer.name} has no momentum to cycle. Pass { cycleMomentum: false }.`);
}

export function setMomentum(group: ParamGroup, momentum: number, beta1: boolean): void {
  if (beta1) group.betas = [momentum, group.betas?.[1] ?? 0.999];
  else group.momentum = momentum;
}

export type AnnealStrategy = 'cos' | 'linear';

export function checkStrategy(name: string, strategy: string): void {
  if (strategy === 'cos' || strategy === 'linear') return;
  fail('argument', `${name}: annealStrategy must be 'cos' or 'linear', got ${String(strategy)}.`);
}

/** The value at `way`, from 0 to 1, between two. */
export function anneal(strategy: AnnealStrategy, from: number, to: number, way: number): number {
  if (strategy === 'linear') return (to - from) * way + from;
  return to + ((from - to) / 2) * (elementary.cos(Math.PI * way) + 1);
}
