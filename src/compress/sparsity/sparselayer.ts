import { isGradEnabled, noGrad } from '../../autograd/index.js';
import { fail, show } from '../../core/errors.js';
import { Buffer, Module, Parameter } from '../../nn/index.js';
import { python } from '../../nn/repr.js';
import { copy_, reshape, tensor, zeros } from '../../ops/index.js';
import { scatterOp } from '../../ops/indexing.js';
import { indicesLike } from '../../ops/masked.js';
import { checkCompressed } from '../../ops/sparseparts.js';
import { type Layout, Pattern, visitElements } from '../../ops/sparseproduct.js';
import type { Tensor } from '../../tensor.js';
import { maskOf, setMask } from '../pruning/mask.js';
import { BLOCK_SIZES, type BlockSize, placeholder, type Structure } from './structure.js';

/** What a sparse layer must be told to be built; its indices and numbers are loaded. */
export interface SparseOptions {
  /** Kept weights, or kept blocks. */
  readonly entries: number;
  /** Rows and columns of a block. Default [1, 1]: single weights. */
  readonly blockSize?: readonly number[];
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
}

/** A layer's matrix as kernels take it, for as long as the indices stay what they are. */
interface Prepared {
  readonly version: number;
  readonly pattern: Pattern;
}

/** Beside the layers, so that a copy of one makes its own. */
const prepared = new WeakMap<SparseLayer, Prepared>();

const NAMES: Readonly<Record<string, string>> = { crowIndices: 'crow_indices', colIndices: 'col_indices' };

/**
 * A layer whose weights are a sparse matrix, compressed by rows or by rows of blocks. The kept weights are one parameter,
 * which optimizers train; what was removed does not exist, and has no gradient.
 */
export abstract class SparseLayer extends Module {
  /** The kept weights, row by row: [entries]; of blocks: [entries, block rows, block columns]. */
  readonly values: Parameter;
  /** Where each row (of blocks) begins among the entries: int32. */
  readonly crowIndices: Buffer;
  /** The column of each entry, counted in blocks: int32. */
  readonly colIndices: Buffer;
  bias: Parameter | null;
  readonly blockSize: BlockSize;
  // The transposed indices, for the gradient of the input: buffers, so that they are freed with the module, but no state.
  private turnedHeads: Buffer | null = null;
  private turnedPlaces: Buffer | null = null;
  private turnedOrder: Buffer | null = null;

  constructor(
    private readonly rows: number,
    private readonly columns: number,
    { entries, blockSize = [1, 1], bias = true }: SparseOptions,
  ) {
    super();
    const name = new.target.name;
    const block = BLOCK_SIZES.find(([height, width]) => blockSize[0] === height && blockSize[1] === width);
    if (block === undefined) {
      fail('argument', `${name}: blockSize must be [1, 1], [4, 1] or [4, 4], got ${show(blockSize)}.`);
    }
    const [height, width] = block;
    if (rows % height !== 0 || columns % width !== 0) {
      fail('shape', `${name}: weights ${show([rows, columns])} cannot be cut into blocks of ${height} × ${width}.`);
    }
    const [lines, across] = [rows / height, columns / width];
    if (!Number.isInteger(entries) || entries < 0 || entries > lines * across) {
      fail('argument', `${name}: entries must be a whole number up to ${lines * across}, got ${String(entries)}.`);
    }
    const { heads, places } = placeholder(entries, lines, across);
    this.blockSize = block;
    this.values = new Parameter(zeros(height * width === 1 ? [entries] : [entries, height, width]));
    this.crowIndices = new Buffer(tensor(heads));
    this.colIndices = new Buffer(tensor(places, [entries]));
    this.bias = bias ? new Parameter(zeros([rows])) : null;
  }

  /** Number of kept weights; those of blocks count all. */
  get nnz(): number {
    return this.values.numel();
  }

  /** Number of weights that the dense layer would have. */
  get size(): number {
    return this.rows * this.columns;
  }

  /** 'csr' where single weights are kept, else 'block'. */
  get format(): 'csr' | 'block' {
    return this.blockSize[0] === 1 ? 'csr' : 'block';
  }

  /** What its constructor needs to make room for as much. */
  stored(): Required<SparseOptions> {
    return { entries: this.colIndices.numel(), blockSize: this.blockSize, bias: this.bias !== null };
  }

  /** Takes over the kept weights of a layer; those of a block that are not kept stay 0. */
  fill({ heads, places, values, kept }: Structure): this {
    noGrad(() => {
      for (const [to, from] of [
        [this.values, tensor(values, this.values.shape)],
        [this.crowIndices, tensor(heads)],
        [this.colIndices, tensor(places, [places.length])],
      ] as const) {
        copy_(to, from);
        from.dispose();
      }
    });
    if (kept !== null) setMask(this.values, kept);
    return this;
  }

  /**
   * The weights in full, [rows, columns], zero where none is kept. Differentiable: gradients reach `values`.
   */
  toDense(): Tensor {
    const { rows, columns } = this;
    return reshape(scatterOp(this.flat(), this.positions(), 0, [rows * columns]), [rows, columns]);
  }

  /** 1 for every weight that is kept, 0 for the others, row by row. */
  keptPlaces(): Float32Array<ArrayBuffer> {
    const mask = maskOf(this.values)?.dataSync();
    const places = new Float32Array(this.rows * this.columns);
    visitElements(this.pattern().layout, (row, column, value) => {
      places[row * this.columns + column] = mask === undefined ? 1 : (mask[value] as number);
    });
    return places;
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  protected flat(): Tensor {
    return reshape(this.values, [this.nnz]);
  }

  /** What stands behind a layer's sizes when it is printed. */
  protected printed(): string {
    const kept = this.nnz / Math.max(1, this.rows * this.columns);
    const [height, width] = this.blockSize;
    const block = height === 1 ? '' : `, block_size=(${height}, ${width})`;
    return `bias=${python(this.bias !== null)}, nnz=${this.nnz}, sparsity=${(1 - kept).toFixed(3)}${block}`;
  }

  /**
   * The matrix as kernels take it. Indices are checked when they are first used and whenever they have been written, so that
   * no kernel meets one that points beyond its tensor. `turns`: the gradient of the input will be wanted.
   */
  protected pattern(turns = false): Pattern {
    const { crowIndices, colIndices } = this;
    const version = crowIndices.storage.version + colIndices.storage.version;
    let known = prepared.get(this);
    if (known?.version !== version) {
      const pattern = new Pattern(
        {
          heads: crowIndices as Tensor as Tensor<'int32'>,
          places: colIndices as Tensor as Tensor<'int32'>,
          order: null,
        },
        this.rows,
        this.columns,
        this.checkedLayout(),
      );
      this.dropTurned();
      known = { version, pattern };
      prepared.set(this, known);
    }
    if (turns && isGradEnabled()) {
      known.pattern.transposedIn((_, make) => {
        const made = noGrad(make);
        const held = (t: Tensor): Buffer => new Buffer(t, false);
        [this.turnedHeads, this.turnedPlaces] = [held(made.heads), held(made.places)];
        this.turnedOrder = made.order === null ? null : held(made.order);
        return {
          heads: this.turnedHeads as Tensor as Tensor<'int32'>,
          places: this.turnedPlaces as Tensor as Tensor<'int32'>,
          order: this.turnedOrder as Tensor | null as Tensor<'int32'> | null,
        };
      });
    }
    return known.pattern;
  }

  /** On a GPU, which does not tell them at once, indices could not be checked any more. */
  protected override beforeMove(): void {
    if (this.crowIndices.storage.device.answersAtOnce) this.pattern(true);
  }

  private checkedLayout(): Layout {
    const [height, width] = this.blockSize;
    const heads = Int32Array.from(this.crowIndices.dataSync());
    const places = Int32Array.from(this.colIndices.dataSync());
    const names = ['crow_indices', 'col_indices'] as const;
    checkCompressed(this.constructor.name, names, heads, places, this.rows / height, this.columns / width);
    return { heads, places, order: null, block: this.blockSize };
  }

  private dropTurned(): void {
    for (const buffer of [this.turnedHeads, this.turnedPlaces, this.turnedOrder]) buffer?.dispose();
    this.turnedHeads = null;
    this.turnedPlaces = null;
    this.turnedOrder = null;
  }

  /** Where each value stands in the matrix, read row by row. */
  private positions(): Tensor<'int32'> {
    const places = new Int32Array(this.nnz);
    visitElements(this.pattern().layout, (row, column, value) => {
      places[value] = row * this.columns + column;
    });
    return indicesLike(this.values, places, [places.length], 'sparse');
  }
}
