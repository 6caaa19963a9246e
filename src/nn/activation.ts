import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module, Parameter } from './module.js';
import { type InplaceArguments, type InplaceOptions, Overwriting, usualDim } from './overwriting.js';
import { float, python } from './repr.js';

/** The rest of the activations as layers: those with parameters, and those that stand in for ReLU, sigmoid and tanh. */

/** min(max(x, 0), 6), element by element. */
export class ReLU6 extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('ReLU6', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.relu6(x);
  }
}

/** Scaled ELU, which keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017). */
export class SELU extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('SELU', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.selu(x);
  }
}

/** x · tanh(softplus(x)), element by element (Misra 2019). */
export class Mish extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('Mish', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.mish(x);
  }
}

/** max(0, min(1, x / 6 + 1 / 2)), element by element. */
export class Hardsigmoid extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('Hardsigmoid', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.hardsigmoid(x);
  }

  // PyTorch's does not say whether it works in place.
  protected override extraRepr(): string {
    return '';
  }
}

/** x · hardsigmoid(x), element by element (Howard et al. 2019). */
export class Hardswish extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('Hardswish', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.hardswish(x);
  }

  // PyTorch's does not say whether it works in place.
  protected override extraRepr(): string {
    return '';
  }
}

export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return ops.softsign(x);
  }
}

export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return ops.logSigmoid(x);
  }
}

export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return ops.tanhshrink(x);
  }
}

export interface LeakyReLUOptions extends InplaceOptions {
  readonly negativeSlope?: number;
}

const LEAKYRELU_NAMES = ['negativeSlope', 'inplace'] as const;

/** `negativeSlope` · x below 0. */
export class LeakyReLU extends Overwriting {
  readonly negativeSlope: number;

  constructor(...rest: NamedArguments<LeakyReLUOptions, typeof LEAKYRELU_NAMES>) {
    const given = readArguments<LeakyReLUOptions>('LeakyReLU', rest, LEAKYRELU_NAMES);
    super('LeakyReLU', [{ inplace: given.inplace ?? false }]);
    const { negativeSlope = 0.01 } = given;
    this.negativeSlope = negativeSlope;
  }

  protected compute(x: Tensor): Tensor {
    return ops.leakyRelu(x, this.negativeSlope);
  }

  protected override extraRepr(): string {
    return this.withInplace(`negative_slope=${float(this.negativeSlope)}`);
  }
}

export interface ELUOptions extends InplaceOptions {
  readonly alpha?: number;
}

const ELU_NAMES = ['alpha', 'inplace'] as const;

/** x above 0, `alpha` · (eˣ − 1) below. */
export class ELU extends Overwriting {
  readonly alpha: number;

  constructor(...rest: NamedArguments<ELUOptions, typeof ELU_NAMES>) {
    const given = readArguments<ELUOptions>('ELU', rest, ELU_NAMES);
    super('ELU', [{ inplace: given.inplace ?? false }]);
    const { alpha = 1 } = given;
    this.alpha = alpha;
  }

  protected compute(x: Tensor): Tensor {
    return ops.elu(x, this.alpha);
  }

  protected override extraRepr(): string {
    return this.withInplace(`alpha=${float(this.alpha)}`);
  }
}

export interface CELUOptions extends InplaceOptions {
  readonly alpha?: number;
}

const CELU_NAMES = ['alpha', 'inplace'] as const;

/** x above 0, `alpha` · (e^(x / alpha) − 1) below. */
export class CELU extends Overwriting {
  readonly alpha: number;

  constructor(...rest: NamedArguments<CELUOptions, typeof CELU_NAMES>) {
    const given = readArguments<CELUOptions>('CELU', rest, CELU_NAMES);
    super('CELU', [{ inplace: given.inplace ?? false }]);
    const { alpha = 1 } = given;
    this.alpha = alpha;
  }

  protected compute(x: Tensor): Tensor {
    return ops.celu(x, this.alpha);
  }

  protected override extraRepr(): string {
    return this.withInplace(`alpha=${float(this.alpha)}`);
  }
}

export interface HardtanhOptions extends InplaceOptions {
  readonly minVal?: number;
  readonly maxVal?: number;
}

const HARDTANH_NAMES = ['minVal', 'maxVal', 'inplace'] as const;

/** x, raised to `minVal` and lowered to `maxVal`. */
export class Hardtanh extends Overwriting {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(...rest: NamedArguments<HardtanhOptions, typeof HARDTANH_NAMES>) {
    const given = readArguments<HardtanhOptions>('Hardtanh', rest, HARDTANH_NAMES);
    super('Hardtanh', [{ inplace: given.inplace ?? false }]);
    const { minVal = -1, maxVal = 1 } = given;
    this.minVal = minVal;
    this.maxVal = maxVal;
  }

  protected compute(x: Tensor): Tensor {
    return ops.hardtanh(x, this.minVal, this.maxVal);
  }

  protected override extraRepr(): string {
    return this.withInplace(`min_val=${float(this.minVal)}, max_val=${float(this.maxVal)}`);
  }
}

export interface ThresholdOptions extends InplaceOptions {
  readonly threshold: number;
  readonly value: number;
}

const THRESHOLD_NAMES = ['threshold', 'value', 'inplace'] as const;

/** x where it is above `threshold`, `value` elsewhere. */
export class Threshold extends Overwriting {
  readonly threshold: number;
  readonly value: number;

  constructor(...rest: NamedArguments<ThresholdOptions, typeof THRESHOLD_NAMES>) {
    const given = readArguments<ThresholdOptions>('Threshold', rest, THRESHOLD_NAMES);
    super('Threshold', [{ inplace: given.inplace ?? false }]);
    const { threshold, value } = given;
    if (typeof threshold !== 'number' || typeof value !== 'number') {
      fail('argument', 'Threshold: expected two numbers, threshold and value.');
    }
    this.threshold = threshold;
    this.value = value;
  }

  protected compute(x: Tensor): Tensor {
    return ops.threshold(x, this.threshold, this.value);
  }

  protected override extraRepr(): string {
    return this.withInplace(`threshold=${python(this.threshold)}, value=${python(this.value)}`);
  }
}

export interface SoftplusOptions {
  readonly beta?: number;
  readonly threshold?: number;
}

const SOFTPLUS_NAMES = ['beta', 'threshold'] as const;

/** log(1 + e^(`beta` · x)) / beta; x itself where beta · x is above `threshold`. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(...rest: NamedArguments<SoftplusOptions, typeof SOFTPLUS_NAMES>) {
    super();
    const given = readArguments<SoftplusOptions>('Softplus', rest, SOFTPLUS_NAMES);
    const { beta = 1, threshold = 20 } = given;
    this.beta = beta;
    this.threshold = threshold;
  }

  forward(x: Tensor): Tensor {
    return ops.softplus(x, this.beta, this.threshold);
  }

  protected override extraRepr(): string {
    return `beta=${python(this.beta)}, threshold=${python(this.threshold)}`;
  }
}

export interface HardshrinkOptions {
  readonly lambd?: number;
}

const HARDSHRINK_NAMES = ['lambd'] as const;

/** 0 where |x| ≤ `lambd`, x elsewhere. */
export class Hardshrink extends Module {
  readonly lambd: number;

  constructor(...rest: NamedArguments<HardshrinkOptions, typeof HARDSHRINK_NAMES>) {
    super();
    const given = readArguments<HardshrinkOptions>('Hardshrink', rest, HARDSHRINK_NAMES);
    const { lambd = 0.5 } = given;
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return ops.hardshrink(x, this.lambd);
  }

  protected override extraRepr(): string {
    return python(this.lambd);
  }
}

export interface SoftshrinkOptions {
  readonly lambd?: number;
}

const SOFTSHRINK_NAMES = ['lambd'] as const;

/** x, brought `lambd` nearer to 0, and 0 within that distance. */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(...rest: NamedArguments<SoftshrinkOptions, typeof SOFTSHRINK_NAMES>) {
    super();
    const given = readArguments<SoftshrinkOptions>('Softshrink', rest, SOFTSHRINK_NAMES);
    const { lambd = 0.5 } = given;
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return ops.softshrink(x, this.lambd);
  }

  protected override extraRepr(): string {
    return python(this.lambd);
  }
}

export interface RReLUOptions extends InplaceOptions {
  readonly lower?: number;
  readonly upper?: number;
}

const RRELU_NAMES = ['lower', 'upper', 'inplace'] as const;

/** x above 0, a random slope between `lower` and `upper` times x below; their mean in evaluation. */
export class RReLU extends Overwriting {
  readonly lower: number;
  readonly upper: number;

  constructor(...rest: NamedArguments<RReLUOptions, typeof RRELU_NAMES>) {
    const given = readArguments<RReLUOptions>('RReLU', rest, RRELU_NAMES);
    super('RReLU', [{ inplace: given.inplace ?? false }]);
    const { lower = 1 / 8, upper = 1 / 3 } = given;
    this.lower = lower;
    this.upper = upper;
  }

  protected compute(x: Tensor): Tensor {
    return ops.rrelu(x, this.lower, this.upper, this.training);
  }

  protected override extraRepr(): string {
    return this.withInplace(`lower=${python(this.lower)}, upper=${python(this.upper)}`);
  }
}

/** The first half along `dim` times the sigmoid of the second. */
export class GLU extends Module {
  readonly dim: number;

  constructor(...rest: NamedArguments<{ dim?: number }, readonly ['dim']>) {
    super();
    this.dim = readArguments<{ dim?: number }>('GLU', rest, ['dim']).dim ?? -1;
  }

  forward(x: Tensor): Tensor {
    return ops.glu(x, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Softmax of −x along `dim`. */
export class Softmin extends Module {
  readonly dim: number | null;

  constructor(...rest: NamedArguments<{ dim?: number | null }, readonly ['dim']>) {
    super();
    this.dim = readArguments<{ dim?: number | null }>('Softmin', rest, ['dim']).dim ?? null;
  }

  forward(x: Tensor): Tensor {
    return ops.softmin(x, this.dim ?? usualDim('Softmin', x));
  }

  protected override extraRepr(): string {
    return `dim=${python(this.dim)}`;
  }
}

/** Softmax over the channels of [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Module {
  forward(x: Tensor): Tensor {
    if (x.ndim !== 3 && x.ndim !== 4)
      fail('shape', `Softmax2d: expected [N, C, H, W] or [C, H, W], got ${show(x.shape)}.`);
    return ops.softmax(x, -3);
  }
}

export interface PReLUOptions {
  readonly numParameters?: number;
  readonly init?: number;
}

const PRELU_NAMES = ['numParameters', 'init'] as const;

/** Learned slopes below 0: one, or one for each channel. All begin at `init`. */
export class PReLU extends Module {
  weight: Parameter;
  readonly numParameters: number;
  readonly init: number;

  constructor(...rest: NamedArguments<PReLUOptions, typeof PRELU_NAMES>) {
    super();
    const { numParameters = 1, init = 0.25 } = readArguments<PReLUOptions>('PReLU', rest, PRELU_NAMES);
    this.numParameters = numParameters;
    this.init = init;
    this.weight = new Parameter(ops.full([numParameters], init));
  }

  forward(x: Tensor): Tensor {
    return ops.prelu(x, this.weight);
  }

  protected override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}
