import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { checkSize } from '../core/shape.js';
import { empty, linear, squeeze, unsqueeze, zeros } from '../ops/index.js';
import { type RecurrentMode, recurrences } from '../ops/recurrent.js';
import type { Tensor } from '../tensor.js';
import { uniform_ } from './init.js';
import { Module, Parameter } from './module.js';

/** Recurrent cells: single steps, whose caller goes through time. */

export interface CellOptions {
  /** Whether to add learned shifts. Default true. */
  readonly bias?: boolean;
}

export interface RNNCellOptions extends CellOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** The weights have PyTorch's names, as properties too. */
abstract class Cell extends Module {
  weight_ih: Parameter;
  weight_hh: Parameter;
  bias_ih: Parameter | null;
  bias_hh: Parameter | null;

  constructor(
    private readonly mode: RecurrentMode,
    readonly inputSize: number,
    readonly hiddenSize: number,
    bias: boolean,
  ) {
    super();
    checkSize(this.constructor.name, 'inputSize', inputSize);
    checkSize(this.constructor.name, 'hiddenSize', hiddenSize);
    const rows = recurrences[mode].gates * hiddenSize;
    this.weight_ih = new Parameter(empty([rows, inputSize]));
    this.weight_hh = new Parameter(empty([rows, hiddenSize]));
    this.bias_ih = bias ? new Parameter(empty([rows])) : null;
    this.bias_hh = bias ? new Parameter(empty([rows])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √hiddenSize, as PyTorch begins. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** One step; states that are not given are zero. */
  protected step(input: Tensor, given: readonly (Tensor | null | undefined)[]): Tensor[] {
    const name = this.constructor.name;
    if ((input.ndim !== 1 && input.ndim !== 2) || input.shape[input.ndim - 1] !== this.inputSize) {
      fail('shape', `${name}: expected [N, ${this.inputSize}] or [${this.inputSize}], got ${show(input.shape)}.`);
    }
    checkFloat(name, 'the input', input);
    const expected = [...input.shape.slice(0, -1), this.hiddenSize];
    for (const state of given) {
      if (state === null || state === undefined) continue;
      checkFloat(name, 'the state', state);
      if (state.ndim !== expected.length || state.shape.some((size, d) => size !== expected[d])) {
        fail('shape', `${name}: the state must be ${show(expected)}, got ${show(state.shape)}.`);
      }
    }
    const batched = input.ndim === 2;
    const [x, ...states] = [input, ...given.map((state) => state ?? zeros(expected))].map((t) =>
      batched ? t : unsqueeze(t, 0),
    ) as [Tensor, ...Tensor[]];
    const weights = { hidden: this.weight_hh, hiddenBias: this.bias_hh, projection: null };
    const next = recurrences[this.mode].step(linear(x, this.weight_ih, this.bias_ih), states, weights);
    return batched ? next : next.map((state) => squeeze(state, 0));
  }

  protected override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.bias_ih === null ? ', bias=False' : ''}`;
  }
}

type CellArguments = readonly [bias?: boolean | CellOptions];

/** h' = tanh(W_ih · x + b_ih + W_hh · h + b_hh), or with relu: [N, inputSize] or [inputSize] → [.., hiddenSize]. */
export class RNNCell extends Cell {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    inputSize: number,
    hiddenSize: number,
    ...rest: readonly [bias?: boolean | RNNCellOptions, nonlinearity?: 'tanh' | 'relu' | RNNCellOptions]
  ) {
    const given = readArguments<RNNCellOptions>('RNNCell', rest, ['bias', 'nonlinearity']);
    const nonlinearity = given.nonlinearity ?? 'tanh';
    super(modeOf('RNNCell', nonlinearity), inputSize, hiddenSize, given.bias ?? true);
    this.nonlinearity = nonlinearity;
  }

  forward(input: Tensor, hx?: Tensor | null): Tensor {
    return this.step(input, [hx])[0] as Tensor;
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`}`;
  }
}

/** A step of a long short-term memory: (h, c) → (h', c'). */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...rest: CellArguments) {
    const { bias = true } = readArguments<CellOptions>('LSTMCell', rest, ['bias']);
    super('LSTM', inputSize, hiddenSize, bias);
  }

  forward(input: Tensor, hx?: readonly [h: Tensor, c: Tensor] | null): [h: Tensor, c: Tensor] {
    const [h, c] = hx ?? [];
    return this.step(input, [h, c]) as [Tensor, Tensor];
  }
}

/** A step of a gated recurrent unit: h → h'. */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...rest: CellArguments) {
    const { bias = true } = readArguments<CellOptions>('GRUCell', rest, ['bias']);
    super('GRU', inputSize, hiddenSize, bias);
  }

  forward(input: Tensor, hx?: Tensor | null): Tensor {
    return this.step(input, [hx])[0] as Tensor;
  }
}

/** The mode of a plain recurrent network with this nonlinearity. */
export function modeOf(name: string, nonlinearity: unknown): 'RNN_TANH' | 'RNN_RELU' {
  if (nonlinearity === 'tanh') return 'RNN_TANH';
  if (nonlinearity === 'relu') return 'RNN_RELU';
  return fail('argument', `${name}: nonlinearity must be 'tanh' or 'relu', got '${String(nonlinearity)}'.`);
}

/** Throws unless `x` holds float32: the kernels of a step take nothing else. */
export function checkFloat(name: string, what: string, x: Tensor): void {
  if (x.dtype !== 'float32') fail('dtype', `${name}: ${what} must be float32, got ${x.dtype}. Use .float().`);
}
