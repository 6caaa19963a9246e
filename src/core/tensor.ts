import type { Device } from './device.js';
import { disposal } from './disposal.js';
import { type ArrayOf, type DType, decode, traits } from './dtype.js';
import { fail, show } from './errors.js';
import type { ShapeOf } from './rank.js';
import { moveTo, type Owned, own, type Scope } from './scope.js';
import { contiguousStrides, isContiguous, normalizeDim, type Shape, sizeOf } from './shape.js';
import type { Storage } from './storage.js';

/** A step of the recorded computation, as far as a tensor has to know it; autograd fills in the rest. */
export interface GradNode extends Owned {
  /** The op that made the tensor. */
  readonly name: string;
}

/** A tensor's place in the recorded computation. */
export interface Place {
  readonly node: GradNode | null;
  readonly outputIndex: number;
  readonly accumulator: GradNode | null;
  readonly wantsGrad: boolean;
}

/**
 * What ties a view to the tensor it looks at. Gradients flow through memory that both share, so a write into either gives the
 * other a new place in the graph; autograd fills in how.
 */
export interface ViewLink {
  /** The tensor whose memory is looked at: itself no view. */
  readonly base: Tensor;
  /** The version of the storage that the view's node belongs to. */
  version: number;
  /** Makes the view's node anew after a write. */
  refresh(view: Tensor): void;
}

/**
 * A gradient that is 0 outside of a few rows, as that of a large table is of which a batch reads a few: it takes no memory for
 * the rest.
 */
export interface RowGradient extends Owned {
  /** The rows, rising, each once. */
  readonly rows: Int32Array<ArrayBuffer>;
  /** Their gradients: [rows, ..]. */
  readonly values: Tensor;
  /** The sum with another one of the same leaf. */
  plus(other: RowGradient): RowGradient;
  /** The same with all its zeros. */
  toDense(): Tensor;
}

/** Nested arrays of numbers: what `toArray()` gives. */
export type NestedArray = number | boolean | readonly NestedArray[];

/**
 * Numbers of one dtype D with a shape of R dimensions: a strided window on a storage, and its place in the recorded computation.
 * Every op that takes a tensor first is a method too; functions such as `tensor` and `zeros` make tensors.
 */
export class Tensor<D extends DType = DType, R extends number = number> implements Owned {
  /** The gradient as long as nobody has asked for the whole of it and it is 0 outside of a few rows; else null. @internal */
  rowGrad: RowGradient | null = null;
  /** Which of the node's outputs this is. @internal */
  outputIndex = 0;
  /** Where gradients of a leaf are gathered; made by autograd when first needed. @internal */
  accumulator: GradNode | null = null;
  /** What it looks at, for a view that gradients can flow through. @internal */
  link: ViewLink | null = null;
  /** @internal */
  scope: Scope | null = null;
  private made: GradNode | null = null;
  private wholeGrad: Tensor | null = null;
  /** Whether the user has asked for its gradient. @internal */
  wantsGrad = false;
  private alive = true;

  /** @internal */
  constructor(
    readonly storage: Storage,
    /** First element, counted in elements from the beginning of the storage. */
    readonly offset: number,
    readonly shape: ShapeOf<R>,
    /** Steps between neighbours, in elements, one for each dimension. */
    readonly strides: Shape,
    readonly dtype: D,
  ) {
    own(this);
  }

  /** Sum of the gradients of the backward passes that reached this leaf; same shape and dtype, or null. */
  get grad(): Tensor | null {
    const { rowGrad } = this;
    if (rowGrad !== null) {
      const whole = rowGrad.toDense();
      moveTo(whole, this.scope);
      this.grad = whole;
    }
    return this.wholeGrad;
  }

  set grad(grad: Tensor | null) {
    this.rowGrad?.dispose();
    this.rowGrad = null;
    this.wholeGrad = grad;
  }

  get device(): Device['name'] {
    return this.storage.device.name;
  }

  /** What made this tensor, when gradients flow through it. @internal */
  get node(): GradNode | null {
    if (this.link !== null && this.link.version !== this.storage.version) this.link.refresh(this);
    return this.made;
  }

  set node(node: GradNode | null) {
    this.made = node;
    if (this.link !== null) this.link.version = this.storage.version;
  }

  /** The recorded op that made this tensor, which has a `name`; null for a leaf. */
  get gradFn(): GradNode | null {
    return this.node;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return sizeOf(this.shape);
  }

  /** Whether operations on this tensor are recorded, so that gradients can flow back to it. */
  get requiresGrad(): boolean {
    return this.wantsGrad || this.node !== null;
  }

  set requiresGrad(value: boolean) {
    if (this.node !== null && !value) {
      fail('autograd', 'requiresGrad: only a leaf can stop requiring its gradient. Use detach() to cut the graph.');
    }
    if (value && !traits[this.dtype].isFloat) {
      fail(
        'dtype',
        `requiresGrad: only floating-point tensors have gradients, this one is ${this.dtype}. Use .float().`,
      );
    }
    this.wantsGrad = value;
  }

  /** Whether this tensor was made by the user and not by a recorded op. */
  get isLeaf(): boolean {
    return this.node === null;
  }

  get disposed(): boolean {
    return !this.alive;
  }

  /** The shape, or the size along one dimension. */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : (this.shape[normalizeOwn('size', dim, this.shape)] as number);
  }

  /** The steps between neighbours, in elements: all of them, or that of one dimension. */
  stride(): Shape;
  stride(dim: number): number;
  stride(dim?: number): Shape | number {
    return dim === undefined ? this.strides : (this.strides[normalizeOwn('stride', dim, this.shape)] as number);
  }

  /** Where the first element is in the storage, in elements. */
  storageOffset(): number {
    return this.offset;
  }

  /** Number of dimensions. */
  dim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  nelement(): number {
    return this.numel();
  }

  /** Bytes an element takes. */
  elementSize(): number {
    return traits[this.dtype].bytes;
  }

  isFloatingPoint(): boolean {
    return traits[this.dtype].isFloat;
  }

  isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /** Throws if this tensor's memory has been given back. @internal */
  check(op: string): void {
    if (!this.alive) {
      fail(
        'disposed',
        `${op}: this tensor ${show(this.shape)} has been disposed. ` +
          'It was freed by dispose() or at the end of its scope; keep() it, or return it from the scope.',
      );
    }
  }

  /** Another tensor on the same memory. Nothing is recorded. @internal */
  strided(shape: Shape, strides: Shape, offset: number): Tensor<D> {
    this.check('strided');
    return new Tensor(this.storage.retain(), offset, shape, strides, this.dtype);
  }

  /** The same tensor under another handle: same memory, same place in the graph. @internal */
  alias(): Tensor<D> {
    const other = this.strided(this.shape, this.strides, this.offset);
    other.place = this;
    return other;
  }

  /** From now on this tensor stands in the graph where another one does, or did. @internal */
  set place(place: Place) {
    this.node = place.node;
    this.outputIndex = place.outputIndex;
    this.accumulator = place.accumulator;
    this.wantsGrad = place.wantsGrad;
  }

  /** From now on this tensor is what lies in another storage, without gaps: how a model moves to another device. */
  rehome(storage: Storage): void {
    // What was made of its values stays true.
    storage.version = this.storage.version;
    this.storage.release();
    // Of all that a tensor is, only where it lies changes, and nothing but this changes it.
    Object.assign(this, { storage, offset: 0, strides: contiguousStrides(this.shape) });
  }

  /** Lets go of the memory; the last tensor on a storage gives it back. Disposing twice does nothing. */
  dispose(): void {
    if (!this.alive) return;
    this.alive = false;
    this.storage.release();
  }

  [disposal](): void {
    this.dispose();
  }

  /** @internal */
  reach(visit: (owned: Owned) => void): void {
    const { node } = this;
    if (node !== null) visit(node);
    const grad = this.rowGrad ?? this.wholeGrad;
    if (grad !== null) visit(grad);
  }

  /** Takes this tensor out of every scope: it lives until `dispose()`, or until nothing refers to it. */
  keep(): this {
    moveTo(this, null);
    return this;
  }

  /**
   * The elements in row-major order, as a new array. Throws on a device that cannot answer at once.
   * float16 arrives as Float32Array, bool as Uint8Array of 0 and 1.
   */
  dataSync(): ArrayOf[D] {
    this.check('dataSync');
    const { first, length } = this.extent();
    const size = traits[this.dtype].bytes;
    return this.arrange(this.storage.device.readSync(this.storage, first * size, length * size), first);
  }

  /** The elements in row-major order, as a new array, on any device. */
  async data(): Promise<ArrayOf[D]> {
    this.check('data');
    const { first, length } = this.extent();
    const size = traits[this.dtype].bytes;
    return this.arrange(await this.storage.device.read(this.storage, first * size, length * size), first);
  }

  /** The value of a tensor with one element, as a number (0 or 1 for bool). */
  item(): number {
    this.check('item');
    if (this.numel() !== 1) {
      fail(
        'shape',
        `item: expected one element, got ${show(this.shape)}. Use toArray(), or reduce first: x.sum().item().`,
      );
    }
    return this.dataSync()[0] as number;
  }

  /** The elements as nested arrays; a number for a zero-dimensional tensor. bool gives true and false. */
  toArray(): NestedArray {
    const flat = this.dataSync();
    const isBool = this.dtype === 'bool';
    let at = 0;
    const build = (dim: number): NestedArray => {
      if (dim === this.shape.length) {
        const value = flat[at++] as number;
        return isBool ? value !== 0 : value;
      }
      return Array.from({ length: this.shape[dim] as number }, () => build(dim + 1));
    };
    return build(0);
  }

  /** The same as `toArray()`, under PyTorch's name. */
  tolist(): NestedArray {
    return this.toArray();
  }

  toString(): string {
    const limit = 1000;
    const body = this.disposed
      ? 'disposed'
      : this.numel() > limit || !this.storage.device.answersAtOnce
        ? `${this.numel()} elements${this.device === 'wasm' ? '' : ` on ${this.device}`}`
        : JSON.stringify(this.toArray(), (_, v) => (typeof v === 'number' ? round(v) : v));
    return `tensor(${body}, shape=${show(this.shape)}, dtype=${this.dtype}${this.requiresGrad ? ', requiresGrad' : ''})`;
  }

  /** What `JSON.stringify` writes: nested arrays. */
  toJSON(): NestedArray {
    return this.toArray();
  }

  /**
   * What JavaScript makes of a tensor where it wants a number, as in `Number(loss)` and `loss > 1`: the only element. Its
   * operators cannot be taught tensors; `x + y` would be text and `x * y` NaN, and so they are refused.
   */
  [Symbol.toPrimitive](hint: 'string' | 'number' | 'default'): string | number {
    if (hint === 'string') return this.toString();
    if (hint === 'number' && sizeOf(this.shape) === 1) return Number(this.dataSync()[0]);
    return fail(
      'argument',
      `JavaScript's operators do not take tensors, here ${show(this.shape)}: use methods, as in x.add(y), x.mul(2), x.gt(0) ` +
        'and x.eq(y). Text comes from String(x), one number from x.item().',
    );
  }

  /** What `console.log` shows in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** The stretch of storage, in elements, that holds all of this tensor's elements. */
  private extent(): { first: number; length: number } {
    if (this.numel() === 0) return { first: this.offset, length: 0 };
    let low = this.offset;
    let high = this.offset;
    for (let i = 0; i < this.shape.length; i++) {
      const reach = ((this.shape[i] as number) - 1) * (this.strides[i] as number);
      if (reach < 0) low += reach;
      else high += reach;
    }
    return { first: low, length: high - low + 1 };
  }

  /** Puts the elements of `bytes`, which begin at element `first` of the storage, into row-major order. */
  private arrange(bytes: Uint8Array<ArrayBuffer>, first: number): ArrayOf[D] {
    const source = decode(this.dtype, bytes);
    if (this.isContiguous()) return source;
    const target = new (source.constructor as new (length: number) => ArrayOf[D])(this.numel());
    const index = new Array<number>(this.ndim).fill(0);
    let from = this.offset - first;
    for (let i = 0; i < target.length; i++) {
      target[i] = source[from] as number;
      for (let d = this.ndim - 1; d >= 0; d--) {
        const size = this.shape[d] as number;
        const stride = this.strides[d] as number;
        from += stride;
        index[d] = (index[d] as number) + 1;
        if ((index[d] as number) < size) break;
        from -= size * stride;
        index[d] = 0;
      }
    }
    return target;
  }
}

/** Counts `dim` from the front; a tensor without dimensions has no sizes. */
function normalizeOwn(op: string, dim: number, shape: Shape): number {
  if (shape.length === 0) fail('argument', `${op}: a tensor without dimensions has no dim ${dim}, got [].`);
  return normalizeDim(op, dim, shape.length);
}

/** Four significant digits are what a person reads. */
function round(value: number): number | string {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : String(value);
}

/**
 * Throws where `value` is a tensor of another copy of fettle, which has other memory: what is said of values that are no tensors
 * would explain nothing.
 */
export function refuseStranger(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || value instanceof Tensor) return;
  if (!('storage' in value && 'strides' in value && 'dtype' in value)) return;
  fail(
    'argument',
    `${name}: got a tensor of another copy of fettle, of which this program has two: two versions, or fettle/inline beside fettle. ` +
      'Import all from one, or hand values over: tensor(x.toArray()).',
  );
}

/** Frees the gradient of a leaf. */
export function freeGrad(leaf: Tensor): void {
  if (leaf.rowGrad === null) leaf.grad?.dispose();
  leaf.grad = null;
}

/** A new tensor with uninitialized memory. `label` names its maker in memory reports. */
export function allocate<D extends DType>(device: Device, shape: Shape, dtype: D, label: string): Tensor<D> {
  const storage = device.allocate(sizeOf(shape) * traits[dtype].bytes, label);
  return new Tensor(storage, 0, shape, contiguousStrides(shape), dtype);
}
