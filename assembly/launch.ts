/**
 * The launch record: one kernel call as data.
 *
 *   slot  0        1       2       3        4 …
 *       ┌────────┬───────┬───────┬────────┬─────────────────────────────────────────┐
 *       │ kernel │ work  │ grain │ slots  │ pointers (writes, reads), ints, floats  │
 *       └────────┴───────┴───────┴────────┴─────────────────────────────────────────┘
 *
 * Every slot is 4 bytes. `kernel` is an index into the function table, `work` the number of work items, `grain` the
 * smallest share of them worth a thread, `slots` the length of the record, so that records can stand one behind another.
 * Every kernel has the same signature, (record, begin, end), and computes the work items [begin, end) and no others: a
 * thread pool gives each thread a share, and a captured step walks its records without leaving the module.
 */

/** A kernel's signature. */
export type Kernel = (record: usize, begin: i32, end: i32) => void;

const HEADER: usize = 16;

// The argument's place is a compile-time constant, so each of these is one load with an immediate offset.
// @ts-ignore: decorator
@inline export function pointer(record: usize, i: usize): usize {
  return load<usize>(record + (i << 2), HEADER);
}

// @ts-ignore: decorator
@inline export function int(record: usize, i: usize): i32 {
  return load<i32>(record + (i << 2), HEADER);
}

// @ts-ignore: decorator
@inline export function float(record: usize, i: usize): f32 {
  return load<f32>(record + (i << 2), HEADER);
}

/** Address of argument slot i, for kernels that take a list (a shape, strides). */
// @ts-ignore: decorator
@inline export function slot(record: usize, i: usize): usize {
  return record + HEADER + (i << 2);
}

/**
 * Memory a kernel may use while it runs: packed panels, partial sums. The host keeps the address, for all parts of the binary
 * alike, and makes the memory large enough before a launch. A thread has a host of its own, so threads never share it.
 */
// @ts-ignore: decorator
@external("env", "scratch")
declare let scratchBase: usize;

// @ts-ignore: decorator
@inline export function scratch(): usize {
  return scratchBase;
}

/** Whether a kernel has found what it must refuse, such as an index out of range, since the host asked last. */
// @ts-ignore: decorator
@external("env", "refused")
declare let refused: i32;

/** Called by kernels that only check: the host throws, and a captured step goes no further. */
export function refuse(): void {
  refused = 1;
}

/**
 * Runs `count` records that stand one behind another: a captured step without a crossing for each of its ops. Gives the number
 * of records from the one that refused on, or 0.
 */
export function replay(records: usize, count: i32): i32 {
  while (count > 0) {
    call_indirect<void>(load<u32>(records), records, 0, load<i32>(records, 4));
    if (refused != 0) return count;
    records += (<usize>load<i32>(records, 12)) << 2;
    count--;
  }
  return 0;
}
