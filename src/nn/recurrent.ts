import { readArguments } from '../core/arguments.js';
import { fail, show, warnOnce } from '../core/errors.js';
import { checkSize, sameShape } from '../core/shape.js';
import {
  add,
  cat,
  dropout,
  empty,
  indexSelect,
  linear,
  reshape,
  squeeze,
  transpose,
  unsqueeze,
  zeros,
} from '../ops/index.js';
import { type RecurrentMode, recurrences, unroll } from '../ops/recurrent.js';
import { pieces } from '../ops/recurrentcell.js';
import { recurrentSequence } from '../ops/recurrentsequence.js';
import type { Tensor } from '../tensor.js';
import { uniform_ } from './init.js';
import { Module, Parameter } from './module.js';
import { checkFloat, modeOf } from './recurrentcell.js';
import { float } from './repr.js';
import { PackedSequence } from './sequence.js';

/** Recurrent layers: whole sequences, in one or more layers, in one or both directions. */

export interface RecurrentOptions {
  /** Layers, each of which takes the output of the one before. Default 1. */
  readonly numLayers?: number;
  /** Whether to add learned shifts. Default true. */
  readonly bias?: boolean;
  /** [N, T, ..] instead of [T, N, ..] for input and output; states are [layers, N, ..] in any case. Default false. */
  readonly batchFirst?: boolean;
  /** Probability with which outputs between layers are dropped in training. Default 0. */
  readonly dropout?: number;
  /** Whether to go through the sequence backwards too; the outputs of both stand side by side. Default false. */
  readonly bidirectional?: boolean;
}

export interface RNNOptions extends RecurrentOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

export interface LSTMOptions extends RecurrentOptions {
  /** Size of outputs and hidden states, if they are projected from cells of hiddenSize; 0 where not. Default 0. */
  readonly projSize?: number;
}

/** What follows the sizes, by position or by name. */
export type RecurrentArguments<Options> =
  | readonly [options?: Options]
  | readonly [
      numLayers?: number,
      bias?: boolean | Options,
      batchFirst?: boolean | Options,
      dropout?: number | Options,
      bidirectional?: boolean | Options,
      projSize?: number | Options,
    ];

const NAMES = ['numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional'] as const;

/** A sequence as the layers run it: rows of all times one after the other. */
interface Rows {
  readonly data: Tensor;
  /** Rows at each time. */
  readonly sizes: readonly number[];
  readonly batch: number;
}

/** The weights have PyTorch's names, as properties too: weight_ih_l0, weight_hh_l0, bias_ih_l0, …, weight_ih_l0_reverse. */
abstract class RecurrentLayer extends Module {
  [weight: `weight_${string}`]: Parameter;
  [bias: `bias_${string}`]: Parameter;

  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;

  constructor(
    private readonly mode: RecurrentMode,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: LSTMOptions,
  ) {
    super();
    const name = new.target.name;
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false, projSize = 0 } = options;
    const { dropout: p = 0 } = options;
    for (const [argument, size] of Object.entries({ inputSize, hiddenSize, numLayers, projSize })) {
      checkSize(name, argument, size);
    }
    if (hiddenSize === 0 || numLayers === 0) fail('argument', `${name}: hiddenSize and numLayers must be at least 1.`);
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) {
      fail('argument', `${name}: dropout must be a number in [0, 1], got ${String(p)}.`);
    }
    if (projSize >= hiddenSize) {
      fail('argument', `${name}: projSize must be smaller than hiddenSize ${hiddenSize}, got ${projSize}.`);
    }
    if (p > 0 && numLayers === 1) {
      warnOnce(`${name}: dropout ${p} acts between layers, and there is one layer alone.`);
    }
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    const rows = recurrences[mode].gates * hiddenSize;
    for (const [layer, suffix] of this.suffixes()) {
      this[`weight_ih_${suffix}`] = new Parameter(
        empty([rows, layer === 0 ? inputSize : this.directions * this.width]),
      );
      this[`weight_hh_${suffix}`] = new Parameter(empty([rows, this.width]));
      if (bias) {
        this[`bias_ih_${suffix}`] = new Parameter(empty([rows]));
        this[`bias_hh_${suffix}`] = new Parameter(empty([rows]));
      }
      if (projSize > 0) this[`weight_hr_${suffix}`] = new Parameter(empty([projSize, hiddenSize]));
    }
    this.resetParameters();
  }

  /** Size of the hidden state, which is the output of a direction. */
  private get width(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize;
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** Layers and directions in the order of the states, with what the names of their weights end in. */
  private suffixes(): [layer: number, suffix: string][] {
    return Array.from({ length: this.numLayers }, (_, layer) =>
      ['', '_reverse'].slice(0, this.directions).map((end): [number, string] => [layer, `l${layer}${end}`]),
    ).flat();
  }

  /** Uniform in ±1 / √hiddenSize, as PyTorch begins. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** Does nothing: the weights are used as they lie. It is there for models that call it. */
  flattenParameters(): void {}

  /** Runs all layers. States come and go as [layers · directions, N, size], or without N where the input has none. */
  protected run<Input extends Tensor | PackedSequence>(
    input: Input,
    given: readonly (Tensor | null | undefined)[],
  ): { output: Input; states: Tensor[] } {
    const rows = this.rowsOf(input);
    const batched = input instanceof PackedSequence || (input as Tensor).ndim === 3;
    const count = this.numLayers * this.directions;
    const initial = given.map((state, k) => {
      const size = k === 0 ? this.width : this.hiddenSize;
      const shape = batched ? [count, rows.batch, size] : [count, size];
      if (state === null || state === undefined) return zeros([count, rows.batch, size]);
      checkFloat(this.constructor.name, 'the state', state);
      if (!sameShape(state.shape, shape)) {
        const what = given.length === 1 ? 'hx' : (['h0', 'c0'][k] as string);
        fail('shape', `${this.constructor.name}: ${what} must be ${show(shape)}, got ${show(state.shape)}.`);
      }
      const whole = batched ? state : unsqueeze(state, 1);
      const order = input instanceof PackedSequence ? input.sortedIndices : null;
      return order === null ? whole : indexSelect(whole, 1, order);
    });
    const { data, final } = this.layers(rows, initial);
    const back = input instanceof PackedSequence ? input.unsortedIndices : null;
    const states = final.map((state) => {
      const whole = reshape(state, [count, rows.batch, state.shape[1] as number]);
      if (!batched) return squeeze(whole, 1);
      return back === null ? whole : indexSelect(whole, 1, back);
    });
    return { output: this.shaped(data, rows, input) as Input, states };
  }

  /** All layers over rows: the output, and the states of layers and directions one after the other, [.. · N, size]. */
  private layers(rows: Rows, initial: readonly Tensor[]): { data: Tensor; final: Tensor[] } {
    const { step, joinsBiases } = recurrences[this.mode];
    const all = this.suffixes();
    const ones = all.map(() => 1);
    const begins = initial.map((state) => pieces(state, ones, 0).map((one) => squeeze(one, 0)));
    const ends: Tensor[][] = [];
    let x = rows.data;
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs = all.flatMap(([own, suffix], k) => {
        if (own !== layer) return [];
        const [fromInput, fromState] = this.bias
          ? [this[`bias_ih_${suffix}`] as Parameter, this[`bias_hh_${suffix}`] as Parameter]
          : [null, null];
        const joint = joinsBiases && fromInput !== null ? add(fromInput, fromState as Parameter) : fromInput;
        const gates = linear(x, this[`weight_ih_${suffix}`] as Parameter, joint);
        const weights = {
          hidden: this[`weight_hh_${suffix}`] as Parameter,
          hiddenBias: joinsBiases ? null : fromState,
          projection: this.projSize > 0 ? (this[`weight_hr_${suffix}`] as Parameter) : null,
        };
        const states = begins.map((parts) => parts[k] as Tensor);
        const reverse = suffix.endsWith('_reverse');
        const { mode } = this;
        const isEven = rows.sizes[rows.sizes.length - 1] === rows.batch && rows.batch > 0;
        if ((mode === 'LSTM' || mode === 'GRU') && this.projSize === 0 && isEven && gates.dtype === 'float32') {
          const sequence = { mode, batch: rows.batch, reverse };
          const { hidden, hiddenBias } = weights;
          const compose = ([x, ...rest]: readonly Tensor[]): Tensor[] => {
            const [begin, [matrix, shift = null]] = [rest.slice(0, states.length), rest.slice(states.length)];
            const own = { hidden: matrix as Tensor, hiddenBias: shift, projection: null };
            const { output, final } = unroll(step, x as Tensor, rows.sizes, begin, own, reverse);
            return [output, ...final];
          };
          const [output, ...final] = recurrentSequence(sequence, gates, states, hidden, hiddenBias, compose);
          ends.push(final);
          return [output as Tensor];
        }
        const { output, final } = unroll(step, gates, rows.sizes, states, weights, reverse);
        ends.push(final);
        return [output];
      });
      x = outputs.length === 1 ? (outputs[0] as Tensor) : cat(outputs, 1);
      if (layer < this.numLayers - 1) x = dropout(x, this.dropout, this.training);
    }
    return { data: x, final: initial.map((_, k) => cat(ends.map((parts) => parts[k] as Tensor))) };
  }

  private rowsOf(input: Tensor | PackedSequence): Rows {
    const name = this.constructor.name;
    checkFloat(name, 'the input', input instanceof PackedSequence ? input.data : (input as Tensor));
    if (input instanceof PackedSequence) {
      const sizes = [...input.batchSizes.dataSync()].map(Number);
      if (input.data.ndim !== 2 || input.data.shape[1] !== this.inputSize) {
        fail('shape', `${name}: expected packed data [.., ${this.inputSize}], got ${show(input.data.shape)}.`);
      }
      return { data: input.data, sizes, batch: sizes[0] as number };
    }
    const x = input as Tensor;
    if ((x.ndim !== 2 && x.ndim !== 3) || x.shape[x.ndim - 1] !== this.inputSize) {
      const order = this.batchFirst ? 'N, T' : 'T, N';
      fail('shape', `${name}: expected [${order}, ${this.inputSize}] or [T, ${this.inputSize}], got ${show(x.shape)}.`);
    }
    const whole = x.ndim === 2 ? unsqueeze(x, 1) : this.batchFirst ? transpose(x, 0, 1) : x;
    const [time, batch] = whole.shape as readonly [number, number];
    if (time === 0) fail('shape', `${name}: expected a sequence of at least one element, got ${show(x.shape)}.`);
    const sizes = new Array<number>(time).fill(batch);
    return { data: reshape(whole, [time * batch, this.inputSize]), sizes, batch };
  }

  /** Rows in the form of the input. */
  private shaped(data: Tensor, rows: Rows, input: Tensor | PackedSequence): Tensor | PackedSequence {
    if (input instanceof PackedSequence) {
      return new PackedSequence(data, input.batchSizes, input.sortedIndices, input.unsortedIndices);
    }
    if ((input as Tensor).ndim === 2) return data;
    const whole = reshape(data, [rows.sizes.length, rows.batch, data.shape[1] as number]);
    return this.batchFirst ? transpose(whole, 0, 1) : whole;
  }

  protected override extraRepr(): string {
    const { inputSize, hiddenSize, projSize, numLayers, bias, batchFirst, dropout: p, bidirectional } = this;
    return [
      `${inputSize}, ${hiddenSize}`,
      ...(projSize > 0 ? [`proj_size=${projSize}`] : []),
      ...(numLayers === 1 ? [] : [`num_layers=${numLayers}`]),
      ...(bias ? [] : ['bias=False']),
      ...(batchFirst ? ['batch_first=True'] : []),
      ...(p === 0 ? [] : [`dropout=${float(p)}`]),
      ...(bidirectional ? ['bidirectional=True'] : []),
    ].join(', ');
  }
}

/** h_t = tanh(W_ih · x_t + b_ih + W_hh · h_{t−1} + b_hh), or with relu (Elman 1990). */
export class RNN extends RecurrentLayer {
  readonly nonlinearity: 'tanh' | 'relu';

  /** `nonlinearity` may stand behind numLayers, as in PyTorch 2, or among the options. */
  constructor(
    inputSize: number,
    hiddenSize: number,
    ...rest:
      | RecurrentArguments<RNNOptions>
      | readonly [numLayers: number, nonlinearity: 'tanh' | 'relu', ...rest: readonly (boolean | number | RNNOptions)[]]
  ) {
    const [first, ...others] = NAMES;
    const named = typeof rest[1] === 'string';
    // Its name as an option is known in either case.
    const names = named ? ([first, 'nonlinearity', ...others] as const) : ([first, ...others, 'nonlinearity'] as const);
    const { nonlinearity = 'tanh', ...options } = readArguments<RNNOptions>('RNN', rest, names);
    super(modeOf('RNN', nonlinearity), inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  /** [T, N, inputSize] → output [T, N, directions · hiddenSize] and the last states [layers · directions, N, hiddenSize]. */
  forward<Input extends Tensor | PackedSequence>(input: Input, hx?: Tensor | null): [output: Input, hN: Tensor] {
    const { output, states } = this.run(input, [hx]);
    return [output, states[0] as Tensor];
  }
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997), with projections where asked (Sak et al. 2014).
 *
 * @example
 * const lstm = new nn.LSTM(3, 8, { numLayers: 2, batchFirst: true });
 * const [output, [h, c]] = lstm.forward(randn([4, 10, 3]));
 * output.shape; // → [4, 10, 8]
 * h.shape; // → [2, 4, 8]
 */
export class LSTM extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, ...rest: RecurrentArguments<LSTMOptions>) {
    super('LSTM', inputSize, hiddenSize, readArguments<LSTMOptions>('LSTM', rest, [...NAMES, 'projSize']));
  }

  /** [T, N, inputSize] → output [T, N, directions · size] and the last states and cells, [layers · directions, N, ..]. */
  forward<Input extends Tensor | PackedSequence>(
    input: Input,
    hx?: readonly [h0: Tensor, c0: Tensor] | null,
  ): [output: Input, states: [hN: Tensor, cN: Tensor]] {
    const [h0, c0] = hx ?? [];
    const { output, states } = this.run(input, [h0, c0]);
    return [output, states as [Tensor, Tensor]];
  }
}

/** Gated recurrent units (Cho et al. 2014); the reset gate acts behind the product, as in cuDNN. */
export class GRU extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, ...rest: RecurrentArguments<RecurrentOptions>) {
    super('GRU', inputSize, hiddenSize, readArguments<RecurrentOptions>('GRU', rest, NAMES));
  }

  /** [T, N, inputSize] → output [T, N, directions · hiddenSize] and the last states [layers · directions, N, hiddenSize]. */
  forward<Input extends Tensor | PackedSequence>(input: Input, hx?: Tensor | null): [output: Input, hN: Tensor] {
    const { output, states } = this.run(input, [hx]);
    return [output, states[0] as Tensor];
  }
}
