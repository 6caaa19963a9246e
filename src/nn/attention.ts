import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { checkSize, sameShape } from '../core/shape.js';
import { attention } from '../ops/attention.js';
import { additive, attentionWeights } from '../ops/attentionweights.js';
import {
  add,
  cat,
  dropout,
  empty,
  expand,
  linear,
  logicalNot,
  matmul,
  mean,
  narrow,
  pad,
  reshape,
  squeeze,
  transpose,
  unsqueeze,
  zeros,
} from '../ops/index.js';
import { pieces } from '../ops/recurrentcell.js';
import type { Tensor } from '../tensor.js';
import { xavierNormal_, xavierUniform_, zeros_ } from './init.js';
import { Linear } from './linear.js';
import { Module, Parameter } from './module.js';

export interface MultiheadAttentionOptions {
  /** Probability with which a weight is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Whether projections add learned shifts. Default true. */
  readonly bias?: boolean;
  /** Whether a learned key and value stand behind the given ones. Default false. */
  readonly addBiasKv?: boolean;
  /** Whether a key and value of zeros stand behind the given ones. Default false. */
  readonly addZeroAttn?: boolean;
  /** Size of keys. Default embedDim. */
  readonly kdim?: number | null;
  /** Size of values. Default embedDim. */
  readonly vdim?: number | null;
  /** [N, L, ..] instead of [L, N, ..]. Default false. */
  readonly batchFirst?: boolean;
  /** Size of each head. Default embedDim / numHeads, which must be whole then; where heads were removed, it is not. */
  readonly headDim?: number | null;
}

/** What follows embedDim and numHeads, by position or by name. */
export type MultiheadAttentionArguments =
  | readonly [options?: MultiheadAttentionOptions]
  | readonly [
      dropout?: number,
      bias?: boolean | MultiheadAttentionOptions,
      addBiasKv?: boolean | MultiheadAttentionOptions,
      addZeroAttn?: boolean | MultiheadAttentionOptions,
      kdim?: number | null | MultiheadAttentionOptions,
      vdim?: number | null | MultiheadAttentionOptions,
      batchFirst?: boolean | MultiheadAttentionOptions,
      headDim?: number | null | MultiheadAttentionOptions,
    ];

export interface MultiheadAttentionForwardOptions {
  /** Keys to leave out, [N, S], or [S] without a batch: bool, true where left out, or floats added to the scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights are given too. Default true. */
  readonly needWeights?: boolean;
  /** What not to see, [L, S] or [N · heads, L, S]: bool, true where hidden, or floats added to the scores. */
  readonly attnMask?: Tensor | null;
  /** Whether the weights given are the mean of all heads’. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that attnMask is the causal one; it has to be given all the same. Default false. */
  readonly isCausal?: boolean;
}

/** What follows query, key and value, by position or by name. */
export type MultiheadAttentionForwardArguments =
  | readonly [options?: MultiheadAttentionForwardOptions]
  | readonly [
      keyPaddingMask?: Tensor | null,
      needWeights?: boolean | MultiheadAttentionForwardOptions,
      attnMask?: Tensor | null | MultiheadAttentionForwardOptions,
      averageAttnWeights?: boolean | MultiheadAttentionForwardOptions,
      isCausal?: boolean | MultiheadAttentionForwardOptions,
    ];

/** Named as PyTorch prints the layer that joins the heads. */
export class NonDynamicallyQuantizableLinear extends Linear {}

const STATE_NAMES: Readonly<Record<string, string>> = {
  qProjWeight: 'q_proj_weight',
  kProjWeight: 'k_proj_weight',
  vProjWeight: 'v_proj_weight',
  inProjWeight: 'in_proj_weight',
  inProjBias: 'in_proj_bias',
  biasK: 'bias_k',
  biasV: 'bias_v',
  outProj: 'out_proj',
};

/** A mask of what to leave out, as what is added to scores. */
function hiding(name: string, argument: string, mask: Tensor): Tensor {
  if (mask.dtype === 'bool') return additive(logicalNot(mask));
  if (mask.dtype === 'float32') return mask;
  return fail('dtype', `${name}: ${argument} must be bool or float32, got ${mask.dtype}. Use .to('bool').`);
}

/**
 * Attention in several heads, each on projections of its own (Vaswani et al. 2017, section 3.2.2).
 *
 * @example
 * const attention = new nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = randn([4, 10, 8]);
 * const [output, weights] = attention.forward(x, x, x);
 * output.shape; // → [4, 10, 8]
 * weights?.shape; // → [4, 10, 10]
 */
export class MultiheadAttention extends Module {
  /** Projections of query, key and value, one on top of the other; null where keys or values have sizes of their own. */
  inProjWeight: Parameter | null;
  qProjWeight: Parameter | null;
  kProjWeight: Parameter | null;
  vProjWeight: Parameter | null;
  inProjBias: Parameter | null;
  biasK: Parameter | null;
  biasV: Parameter | null;
  outProj: NonDynamicallyQuantizableLinear;
  readonly dropout: number;
  readonly kdim: number;
  readonly vdim: number;
  /** Size of each head. */
  readonly headDim: number;
  readonly addZeroAttn: boolean;
  readonly batchFirst: boolean;

  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    ...rest: MultiheadAttentionArguments
  ) {
    super();
    const names = ['dropout', 'bias', 'addBiasKv', 'addZeroAttn', 'kdim', 'vdim', 'batchFirst', 'headDim'] as const;
    const given = readArguments<MultiheadAttentionOptions>('MultiheadAttention', rest, names);
    const { dropout: p = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = false } = given;
    const [kdim, vdim] = [given.kdim ?? embedDim, given.vdim ?? embedDim];
    for (const [argument, size] of Object.entries({ embedDim, numHeads, kdim, vdim, headDim: given.headDim ?? 1 })) {
      checkSize('MultiheadAttention', argument, size);
    }
    const headDim = given.headDim ?? embedDim / numHeads;
    if (embedDim === 0 || numHeads === 0 || headDim === 0 || !Number.isInteger(headDim)) {
      fail('argument', `MultiheadAttention: embedDim ${embedDim} must be a multiple of numHeads ${numHeads}, above 0.`);
    }
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) {
      fail('argument', `MultiheadAttention: dropout must be a number in [0, 1], got ${String(p)}.`);
    }
    this.dropout = p;
    this.kdim = kdim;
    this.vdim = vdim;
    this.headDim = headDim;
    this.addZeroAttn = addZeroAttn;
    this.batchFirst = batchFirst;
    const matrix = (rows: number, columns: number): Parameter => xavierUniform_(new Parameter(empty([rows, columns])));
    const alike = kdim === embedDim && vdim === embedDim;
    const width = numHeads * headDim;
    this.inProjWeight = alike ? matrix(3 * width, embedDim) : null;
    this.qProjWeight = alike ? null : matrix(width, embedDim);
    this.kProjWeight = alike ? null : matrix(width, kdim);
    this.vProjWeight = alike ? null : matrix(width, vdim);
    this.inProjBias = bias ? new Parameter(zeros([3 * width])) : null;
    const one = (): Parameter => xavierNormal_(new Parameter(empty([1, 1, width])));
    this.biasK = addBiasKv ? one() : null;
    this.biasV = addBiasKv ? one() : null;
    this.outProj = new NonDynamicallyQuantizableLinear(width, embedDim, { bias });
    if (this.outProj.bias !== null) zeros_(this.outProj.bias);
  }

  /** What all heads have together. */
  private get width(): number {
    return this.numHeads * this.headDim;
  }

  protected override stateName(property: string): string {
    return STATE_NAMES[property] ?? property;
  }

  /**
   * query [L, N, embedDim], key [S, N, kdim], value [S, N, vdim] → output [L, N, embedDim] and the weights: [N, L, S], with
   * all heads [N, heads, L, S], or null where they are not wanted. N may be missing everywhere. Masks say what is hidden.
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...rest: MultiheadAttentionForwardArguments
  ): [output: Tensor, weights: Tensor | null] {
    const name = 'MultiheadAttention';
    const names = ['keyPaddingMask', 'needWeights', 'attnMask', 'averageAttnWeights', 'isCausal'] as const;
    const given = readArguments<MultiheadAttentionForwardOptions>(name, rest, names);
    const { needWeights = true, averageAttnWeights = true } = given;
    if (given.isCausal && (given.attnMask === null || given.attnMask === undefined)) {
      fail(
        'argument',
        `${name}: isCausal says that attnMask is causal, and there is none. ` +
          'Pass attnMask: Transformer.generateSquareSubsequentMask(length).',
      );
    }
    this.check(query, key, value);
    const batched = query.ndim === 3;
    // Batches come first here, so that heads can be split off behind them.
    const [q, k, v] = [query, key, value].map((x) =>
      batched ? (this.batchFirst ? x : transpose(x, 0, 1)) : unsqueeze(x, 0),
    ) as [Tensor, Tensor, Tensor];
    const [batch, length] = q.shape as readonly [number, number];
    const [queries, keys, values] = this.project(q, k, v).map((x) => this.intoHeads(x)) as [Tensor, Tensor, Tensor];
    const shift = this.shift(given, batched, batch, length, k.shape[1] as number, keys.shape[2] as number);
    const scale = 1 / Math.sqrt(this.headDim);
    const dropped = this.training ? this.dropout : 0;
    const weights = needWeights ? dropout(attentionWeights(queries, keys, shift, scale), dropped, true) : null;
    const heads =
      weights === null
        ? attention(queries, keys, values, { mask: shift, isCausal: false, scale }, dropped)
        : matmul(weights, values);
    const joined = reshape(transpose(heads, 1, 2), [batch, length, this.width]);
    // The layer itself is not called, as in PyTorch: it holds its weights alone.
    const output = linear(joined, this.outProj.weight, this.outProj.bias);
    const shown = weights === null ? null : averageAttnWeights ? mean(weights, 1) : weights;
    if (!batched) return [squeeze(output, 0), shown === null ? null : squeeze(shown, 0)];
    return [this.batchFirst ? output : transpose(output, 0, 1), shown];
  }

  private check(query: Tensor, key: Tensor, value: Tensor): void {
    const name = 'MultiheadAttention';
    const wanted = { query: this.embedDim, key: this.kdim, value: this.vdim };
    const given = { query, key, value };
    for (const [argument, size] of Object.entries(wanted)) {
      const { shape, ndim } = given[argument as 'query'];
      if ((ndim !== 2 && ndim !== 3) || ndim !== query.ndim || shape[ndim - 1] !== size) {
        const order = this.batchFirst ? '[N, length' : '[length, N';
        fail('shape', `${name}: ${argument} must be ${order}, ${size}] or [length, ${size}], got ${show(shape)}.`);
      }
    }
    if (!sameShape(key.shape.slice(0, -1), value.shape.slice(0, -1))) {
      fail('shape', `${name}: key ${show(key.shape)} and value ${show(value.shape)} must be of one length and batch.`);
    }
    const side = this.batchFirst ? 0 : 1;
    if (query.ndim === 3 && query.shape[side] !== key.shape[side]) {
      fail('shape', `${name}: query ${show(query.shape)} and key ${show(key.shape)} must be of one batch size.`);
    }
  }

  /** Query, key and value as the heads take them, [N, length, heads · size], with what stands behind the given keys. */
  private project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { width: size } = this;
    const part = (x: Parameter, k: number): Tensor => narrow(x, 0, k * size, size);
    const own = [this.qProjWeight, this.kProjWeight, this.vProjWeight];
    const shifts = this.inProjBias;
    const weight = this.inProjWeight;
    // One product where all three project the same.
    if (weight !== null && query === key && key === value) {
      const all = linear(query, weight, shifts);
      const [q, k, v] = pieces(all, [size, size, size], 2) as [Tensor, Tensor, Tensor];
      return [q, ...this.extended(k, v)];
    }
    const [q, k, v] = [query, key, value].map((x, i) =>
      linear(x, weight === null ? (own[i] as Parameter) : part(weight, i), shifts === null ? null : part(shifts, i)),
    ) as [Tensor, Tensor, Tensor];
    return [q, ...this.extended(k, v)];
  }

  /** Keys and values, [N, S, heads · size], with the learned one and the zeros behind them. */
  private extended(key: Tensor, value: Tensor): Tensor[] {
    const row = [key.shape[0] as number, 1, this.width];
    return [[key, this.biasK] as const, [value, this.biasV] as const].map(([x, learned]) => {
      const parts = [x, ...(learned === null ? [] : [expand(learned, row)]), ...(this.addZeroAttn ? [zeros(row)] : [])];
      return parts.length === 1 ? x : cat(parts, 1);
    });
  }

  /** [N, length, heads · size] → [N, heads, length, size]. */
  private intoHeads(x: Tensor): Tensor {
    const [batch, length] = x.shape as readonly [number, number];
    return transpose(reshape(x, [batch, length, this.numHeads, this.headDim]), 1, 2);
  }

  /** Both masks as what is added to the scores [N, heads, L, all], or null where there are none. */
  private shift(
    { attnMask, keyPaddingMask }: MultiheadAttentionForwardOptions,
    batched: boolean,
    batch: number,
    length: number,
    given: number,
    all: number,
  ): Tensor | null {
    const name = 'MultiheadAttention';
    const refuse = (argument: string, wanted: string, mask: Tensor): never =>
      fail('shape', `${name}: ${argument} must be ${wanted}, got ${show(mask.shape)}.`);
    const parts: Tensor[] = [];
    if (attnMask !== null && attnMask !== undefined) {
      const [heads, plain] = [
        [batch * this.numHeads, length, given],
        [length, given],
      ];
      if (!sameShape(attnMask.shape, plain) && !sameShape(attnMask.shape, heads)) {
        refuse('attnMask', `${show(plain)} or ${show(heads)}`, attnMask);
      }
      const mask = hiding(name, 'attnMask', attnMask);
      parts.push(mask.ndim === 2 ? mask : reshape(mask, [batch, this.numHeads, length, given]));
    }
    if (keyPaddingMask !== null && keyPaddingMask !== undefined) {
      const wanted = batched ? [batch, given] : [given];
      if (!sameShape(keyPaddingMask.shape, wanted)) refuse('keyPaddingMask', show(wanted), keyPaddingMask);
      parts.push(reshape(hiding(name, 'keyPaddingMask', keyPaddingMask), [batch, 1, 1, given]));
    }
    if (parts.length === 0) return null;
    const mask = parts.reduce((a, b) => add(a, b));
    // What stands behind the given keys is visible to all.
    return all === given ? mask : pad(mask, [0, all - given]);
  }
}
