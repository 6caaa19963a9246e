import { fail, show } from './errors.js';

export type Shape = readonly number[];

/** The most dimensions a tensor may have; kernels keep their odometers in fixed memory. */
export const MAX_RANK = 8;

/** Number of elements of a shape; 1 for a zero-dimensional one. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const size of shape) n *= size;
  return n;
}

/** Strides, in elements, of a row-major tensor. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i] as number, 1);
  }
  return strides;
}

/** Whether the elements stand in row-major order without gaps. The stride of a size-1 dimension does not matter. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number;
    if (size === 0) return true;
    if (size !== 1 && strides[i] !== step) return false;
    step *= size;
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Throws unless every size is a whole number ≥ 0 and there are at most MAX_RANK of them. */
export function checkShape(op: string, shape: Shape): void {
  if (shape.length > MAX_RANK) {
    fail('shape', `${op}: at most ${MAX_RANK} dimensions, got ${shape.length}: ${show(shape)}.`);
  }
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      fail('shape', `${op}: sizes must be whole numbers ≥ 0, got ${show(shape)}.`);
    }
  }
}

/** Throws unless a layer's size is a whole number ≥ 0. */
export function checkSize(name: string, argument: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 0) {
    fail('argument', `${name}: ${argument} must be a whole number ≥ 0, got ${String(value)}.`);
  }
}

/** A dimension counted from the front; negative ones count from the back, as in PyTorch. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  // A zero-dimensional tensor accepts 0 and -1, as if it had one dimension.
  const limit = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -limit || dim >= limit) {
    fail('argument', `${op}: dim must be in [${-limit}, ${limit - 1}] for ${rank} dimensions, got ${dim}.`);
  }
  return dim < 0 ? dim + limit : dim;
}

/** Several dimensions, normalized and checked for repeats; undefined means all. */
export function normalizeDims(op: string, dim: number | readonly number[] | undefined | null, rank: number): number[] {
  if (dim === undefined || dim === null) return Array.from({ length: rank }, (_, i) => i);
  if (typeof dim === 'number') {
    const normalized = normalizeDim(op, dim, rank);
    return rank === 0 ? [] : [normalized];
  }
  if (dim.length === 0) return Array.from({ length: rank }, (_, i) => i);
  const dims = dim.map((d) => normalizeDim(op, d, rank));
  if (new Set(dims).size !== dims.length) fail('argument', `${op}: dim ${show(dim)} names a dimension twice.`);
  return rank === 0 ? [] : dims;
}

/** The shape two operands broadcast to, or an error that shows both. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const m = a[a.length - i] ?? 1;
    const n = b[b.length - i] ?? 1;
    if (m !== n && m !== 1 && n !== 1) {
      fail(
        'shape',
        `${op}: shapes do not broadcast: ${show(a)} and ${show(b)} (${m} ≠ ${n} at dim ${-i}). ` +
          'Sizes must be equal or 1, counted from the last dimension; try unsqueeze() or reshape().',
      );
    }
    out[rank - i] = m === 1 ? n : m;
  }
  return out;
}

/** Strides with which a tensor reads as `target`: 0 where it is repeated. `target` must be a broadcast of `shape`. */
export function broadcastStrides(shape: Shape, strides: Shape, target: Shape): number[] {
  const out = new Array<number>(target.length).fill(0);
  const lead = target.length - shape.length;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1) out[lead + i] = strides[i] as number;
  return out;
}

/**
 * The smallest loop nest that visits `shape` in row-major order, as kernels take it: the number of sizes, the sizes, and for
 * each operand its strides. Size-1 dimensions are dropped, and neighbours along which every operand steps evenly become
 * one: contiguous operands arrive as one dimension of stride 1.
 */
export function loopNest(shape: Shape, operands: readonly Shape[]): number[] {
  const sizes: number[] = [];
  // For each loop, the last of the dimensions that it stands for, along which it steps.
  const dims: number[] = [];
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d] as number;
    if (size === 1) continue;
    const last = dims.length - 1;
    if (last >= 0 && joins(operands, dims[last] as number, d, size)) {
      sizes[last] = (sizes[last] as number) * size;
      dims[last] = d;
    } else {
      sizes.push(size);
      dims.push(d);
    }
  }
  if (dims.length === 0) {
    sizes.push(1);
    dims.push(shape.length);
  }
  const nest = [dims.length, ...sizes];
  for (const strides of operands) for (const d of dims) nest.push(strides[d] ?? 1);
  return nest;
}

/** Whether every operand steps from one element of dimension `outer` to the next as over `size` elements of `inner`. */
function joins(operands: readonly Shape[], outer: number, inner: number, size: number): boolean {
  for (let o = 0; o < operands.length; o++) {
    const strides = operands[o] as Shape;
    if (strides[outer] !== (strides[inner] as number) * size) return false;
  }
  return true;
}
