import { optimizers } from '#binary';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul } from '../ops/arithmetic.js';
import { lerp } from '../ops/lerp.js';
import { matmul } from '../ops/matmul.js';
import { transpose } from '../ops/movement.js';
import { copyInto, dense, elementwise } from '../ops/op.js';
import { clamp } from '../ops/unary.js';
import { norm } from '../ops/vectornorm.js';
import type { GroupOptions, ParamGroup, Params, Settings } from './groups.js';
import { Optimizer } from './optimizer.js';
import { checkNonNegative, readSettings } from './settings.js';
import type { Blank } from './statedict.js';

export interface MuonSettings extends Settings {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** The share, times lr, that weights lose in a step. Default 0.1. */
  weightDecay: number;
  /** How much of the average of gradients is kept at a step. Default 0.95. */
  momentum: number;
  /** Look ahead along the momentum. Default true. */
  nesterov: boolean;
  /** Coefficients of X, of X Xᵀ X and of (X Xᵀ)² X in an iteration. Default [3.4445, −4.775, 2.0315]. */
  nsCoefficients: readonly [number, number, number];
  /** The least norm that an update is divided by. Default 1e-7. */
  eps: number;
  /** Iterations. Default 5. */
  nsSteps: number;
  /**
   * How the learning rate follows the shape [A, B]: 'original' times √max(1, A / B), 'match_rms_adamw' times 0.2 √max(A, B), so
   * that a step is as long as AdamW's. Default null, which is 'original'.
   */
  adjustLrFn: 'original' | 'match_rms_adamw' | null;
}

export type MuonOptions = Partial<MuonSettings>;

/** What may come by position, in PyTorch's order. */
const MUON_ORDER = ['lr'] as const;

type MuonState = { momentum_buffer: Tensor };

const DEFAULTS: MuonSettings = {
  lr: 1e-3,
  weightDecay: 0.1,
  momentum: 0.95,
  nesterov: true,
  nsCoefficients: [3.4445, -4.775, 2.0315],
  eps: 1e-7,
  nsSteps: 5,
  adjustLrFn: null,
};

/**
 * An approximation of U Vᵀ for `x` = U S Vᵀ by Newton and Schulz's iteration, which brings every singular value near 1. It works
 * on the side of the matrix that is shorter.
 */
function orthogonalized(x: Tensor, { nsCoefficients, nsSteps, eps }: MuonSettings): Tensor {
  const [a, b, c] = nsCoefficients;
  const [rows, columns] = x.shape as [number, number];
  const isTall = rows > columns;
  let y = div(x, clamp(norm(x), eps));
  if (isTall) y = transpose(y, 0, 1);
  for (let i = 0; i < nsSteps; i++) {
    const gram = matmul(y, transpose(y, 0, 1));
    const polynomial = add(mul(gram, b), mul(matmul(gram, gram), c));
    y = add(mul(y, a), matmul(polynomial, y));
  }
  return isTall ? transpose(y, 0, 1) : y;
}

/**
 * Muon: steps of momentum whose matrix is made nearly orthogonal, so that every direction in it moves alike. For the matrices of
 * hidden layers; biases, norms, embeddings and the last layer are better left to AdamW.
 * K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; J. Liu et al., Muon is scalable for LLM
 * training, 2025 (weight decay and 'match_rms_adamw').
 *
 * The iteration runs in float32, where PyTorch's runs in bfloat16. State: `momentum_buffer`.
 */
export class Muon extends Optimizer<MuonSettings, MuonState> {
  /** Throws for parameters that are not matrices. */
  constructor(params: Params<MuonSettings>, ...given: NamedArguments<MuonOptions, typeof MUON_ORDER>) {
    super(params, readSettings<MuonOptions>(new.target.name, given, MUON_ORDER), DEFAULTS);
  }

  override addParamGroup(group: GroupOptions<MuonSettings>): void {
    super.addParamGroup(group);
    const { params } = this.paramGroups[this.paramGroups.length - 1] as ParamGroup<MuonSettings>;
    const other = params.find(({ ndim }) => ndim !== 2);
    if (other === undefined) return;
    this.paramGroups.pop();
    fail('argument', `Muon: parameters must be matrices, got one of ${show(other.shape)}. Give the others to AdamW.`);
  }

  protected override check(settings: MuonSettings): void {
    checkNonNegative(this.name, settings, 'lr', 'weightDecay', 'momentum', 'eps', 'nsSteps');
    const { nsCoefficients, nsSteps, adjustLrFn } = settings;
    if (!Array.isArray(nsCoefficients) || nsCoefficients.length !== 3) {
      fail('argument', 'Muon: nsCoefficients must be three numbers, as in [3.4445, -4.775, 2.0315].');
    }
    if (!(Number.isInteger(nsSteps) && nsSteps < 100)) {
      fail('argument', `Muon: nsSteps must be a whole number below 100, got ${String(nsSteps)}.`);
    }
    if (adjustLrFn !== null && adjustLrFn !== 'original' && adjustLrFn !== 'match_rms_adamw') {
      fail('argument', `Muon: adjustLrFn must be 'original' or 'match_rms_adamw', got '${String(adjustLrFn)}'.`);
    }
  }

  protected blank(): Blank {
    return { momentum_buffer: { fill: 0 } };
  }

  protected update(param: Tensor, grad: Tensor, state: MuonState, group: ParamGroup<MuonSettings>): void {
    const { lr, weightDecay, momentum, nesterov, adjustLrFn } = group;
    const [rows, columns] = param.shape as [number, number];
    if (param.numel() === 0) return;
    copyInto(state.momentum_buffer, lerp(state.momentum_buffer, grad, 1 - momentum));
    const way = nesterov ? lerp(grad, state.momentum_buffer, momentum) : state.momentum_buffer;
    const ratio =
      adjustLrFn === 'match_rms_adamw'
        ? 0.2 * Math.sqrt(Math.max(rows, columns))
        : Math.sqrt(Math.max(1, rows / columns));
    if (weightDecay !== 0) elementwise('affine_f32', param, [param], [1 - lr * weightDecay, -0]);
    elementwise(optimizers.kernel('addScaled_f32'), param, [param, dense(orthogonalized(way, group))], [-lr * ratio]);
  }
}
