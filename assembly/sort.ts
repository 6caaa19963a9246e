/**
 * The order of elements along the middle of [outer, n, inner], and running extremes, which need the same comparison.
 *
 * A float is compared as an integer of the same order: the bits of negative numbers are turned round, the two zeros are one
 * and all NaN are one, larger than Infinity. Floating-point comparisons would need a case for NaN in every loop.
 */
import { int, pointer, scratch } from './launch';
import { bytes } from './simd';

const NAN_RANK: i32 = 0x7fffffff;

/** The place of an element among all numbers of its type. */
// @ts-ignore: decorator
@inline function rank<T>(x: usize): i32 {
  const bits = load<i32>(x);
  if (isInteger<T>()) return bits;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return NAN_RANK;
  return bits < 0 ? -size : size;
}

/** Elements of a run that is sorted by insertion before runs are merged. */
const RUN: i32 = 8;

/**
 * Words of rank and place, which are all different, so that any correct sort of them is a stable one of the elements:
 *
 *      63        32 31        0
 *     ┌────────────┬───────────┐
 *     │ rank       │ place     │
 *     └────────────┴───────────┘
 */
function sortWords(words: usize, other: usize, n: i32): usize {
  for (let first = 0; first < n; first += RUN) {
    const last = min(first + RUN, n);
    for (let i = first + 1; i < last; i++) {
      const word = load<i64>(words + ((<usize>i) << 3));
      let j = i;
      while (j > first) {
        const before = load<i64>(words + ((<usize>(j - 1)) << 3));
        if (before < word) break;
        store<i64>(words + ((<usize>j) << 3), before);
        j--;
      }
      store<i64>(words + ((<usize>j) << 3), word);
    }
  }
  for (let width: i32 = RUN; width < n; width <<= 1) {
    for (let first = 0; first < n; first += width << 1) {
      merge(other, words, first, min(first + width, n), min(first + (width << 1), n));
    }
    const merged = other;
    other = words;
    words = merged;
  }
  return words;
}

/** y[first, last) from the sorted x[first, middle) and x[middle, last). */
function merge(y: usize, x: usize, first: i32, middle: i32, last: i32): void {
  let left = x + ((<usize>first) << 3);
  const leftEnd = x + ((<usize>middle) << 3);
  let right = leftEnd;
  const rightEnd = x + ((<usize>last) << 3);
  let to = y + ((<usize>first) << 3);
  while (left < leftEnd && right < rightEnd) {
    const a = load<i64>(left);
    const b = load<i64>(right);
    if (a < b) {
      store<i64>(to, a);
      left += 8;
    } else {
      store<i64>(to, b);
      right += 8;
    }
    to += 8;
  }
  memory.copy(to, left, leftEnd - left);
  memory.copy(to + (leftEnd - left), right, rightEnd - right);
}

function order<T>(r: usize, begin: i32, end: i32): void {
  const n = int(r, 3);
  const inner = int(r, 4);
  const count = int(r, 5);
  // The complement of every number turns their order round.
  const flip = int(r, 6) ? -1 : 0;
  const step = bytes(inner);
  for (; begin < end; begin++) {
    const outer = begin / inner;
    const column = bytes(begin - outer * inner);
    let x = pointer(r, 1) + <usize>outer * <usize>n * step + column;
    const words = scratch();
    for (let i = 0; i < n; i++) {
      store<i64>(words + ((<usize>i) << 3), ((<i64>(rank<T>(x) ^ flip)) << 32) | <i64>i);
      x += step;
    }
    const sorted = sortWords(words, words + ((<usize>n) << 3), n);
    let y = pointer(r, 0) + <usize>outer * <usize>count * step + column;
    for (let i = 0; i < count; i++) {
      store<i32>(y, load<i32>(sorted + ((<usize>i) << 3)));
      y += step;
    }
  }
}

/**
 * The places of the first `count` elements in ascending or descending order; equal ones keep theirs, and NaN is the largest.
 *
 * slots: y, x (pointers) · outer, n, inner, count, descending (ints)
 * work:  outer · inner, the sequences; y is [outer, count, inner]
 * scratch: 16 · n bytes
 */
export function order_f32(r: usize, begin: i32, end: i32): void {
  order<f32>(r, begin, end);
}

/** The same for integers. */
export function order_i32(r: usize, begin: i32, end: i32): void {
  order<i32>(r, begin, end);
}

function runningPlace<T>(r: usize, begin: i32, end: i32): void {
  const n = int(r, 3);
  const inner = int(r, 4);
  const flip = int(r, 5) ? -1 : 0;
  const step = bytes(inner);
  for (; begin < end; begin++) {
    const outer = begin / inner;
    const offset = bytes(outer * n * inner + begin - outer * inner);
    let y = pointer(r, 0) + offset;
    let x = pointer(r, 1) + offset;
    let best: i32 = i32.MIN_VALUE;
    let place = 0;
    for (let i = 0; i < n; i++) {
      let own = rank<T>(x);
      // NaN wins among the smallest as among the largest.
      if (isInteger<T>() || own != NAN_RANK) own ^= flip;
      if (own >= best) {
        best = own;
        place = i;
      }
      store<i32>(y, place);
      x += step;
      y += step;
    }
  }
}

/**
 * The place of the largest (smallest) element so far, of equal ones the last; once there is a NaN, the last of those.
 *
 * slots: y, x (pointers) · outer, n, inner, smallest (ints)
 * work:  outer · inner, the sequences; y is [outer, n, inner]
 */
export function runningPlace_f32(r: usize, begin: i32, end: i32): void {
  runningPlace<f32>(r, begin, end);
}

/** The same for integers. */
export function runningPlace_i32(r: usize, begin: i32, end: i32): void {
  runningPlace<i32>(r, begin, end);
}
