import type { Launch } from '../core/device.js';
import { traits } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import type { Engine } from './engine.js';

/** Slots before the arguments: kernel, work, grain, slots. assembly/launch.ts draws the record. */
export const HEADER = 4;

function address(tensor: Tensor | null): number {
  return tensor === null ? 0 : tensor.storage.pointer + tensor.offset * traits[tensor.dtype].bytes;
}

/** Writes `launch` as a record at byte address `at` and returns its length in slots. */
export function encode(engine: Engine, launch: Launch, kernel: number, at: number): number {
  const { i32, f32 } = engine;
  const base = at >>> 2;
  let slot = base + HEADER;
  for (const tensor of launch.writes) i32[slot++] = address(tensor);
  for (const tensor of launch.reads) i32[slot++] = address(tensor);
  if (launch.floats !== undefined) for (const value of launch.floats) f32[slot++] = value;
  if (launch.ints !== undefined) for (const value of launch.ints) i32[slot++] = value;
  i32[base] = kernel;
  i32[base + 1] = launch.work;
  // What does not say how much is worth a thread is not shared out.
  i32[base + 2] = launch.grain ?? launch.work;
  i32[base + 3] = slot - base;
  return slot - base;
}

/** Runs a launch at once: on all threads, if there is enough of it for two. */
export function run(engine: Engine, launch: Launch): void {
  if (launch.work === 0) return;
  const kernel = engine.kernel(launch.kernel);
  // Scratch first: growing the memory for it replaces the views that encode writes through.
  if (launch.scratch !== undefined) engine.needScratch(launch.scratch);
  encode(engine, launch, kernel.index, engine.record);
  const { work, grain = work } = launch;
  if (engine.team === null || work < 2 * grain) kernel.run(engine.record, 0, work);
  else engine.team.launch(engine.record);
}
