import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, Module, Parameter } from '../../nn/index.js';
import {
  abs,
  add,
  clampMin,
  indexAdd,
  mul,
  narrow,
  reshape,
  sqrt,
  square,
  sum,
  tensor,
  zeros,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { UnitGroup } from '../structure/units.js';
import { weightsOf } from './fields.js';
import { unitAt } from './units.js';

/** What is added to a loss so that training itself makes weights and units small: scalars with gradients. */

/** What a penalty is of: the weights of a model, or the tensors given. */
export type Penalized = Module | Iterable<Tensor>;

function tensorsOf(by: string, of: Penalized): Tensor[] {
  const all = of instanceof Module ? weightsOf(of).map(({ weight }) => weight) : [...of];
  return all.length > 0 ? all : fail('argument', `${by}: there are no weights to penalize.`);
}

function total(parts: readonly Tensor[]): Tensor {
  return parts.reduce((a, b) => add(a, b));
}

/** Σ |w| over the weights: parameters of two or more dimensions (R. Tibshirani 1996, "Regression shrinkage and selection via the lasso"). */
export function l1(of: Penalized): Tensor {
  return total(tensorsOf('penalty.l1', of).map((weight) => sum(abs(weight))));
}

/** The root of sums of squares, whose gradient at 0 is 0, as that of a norm: the root of 0 itself would give NaN. */
function safeRoot(squares: Tensor): Tensor {
  return sqrt(clampMin(squares, 1e-24));
}

/** Sums of squares of every slice along `dim`: [size of dim]. */
function squaresAlong(x: Tensor, dim: number): Tensor {
  const others = x.shape.map((_, d) => d).filter((d) => d !== dim);
  return others.length === 0 ? square(x) : sum(square(x), others);
}

/** Sums of squares of the units of a group over everything that makes them, and how many numbers a unit has. */
function squaresOf(group: UnitGroup): { squares: Tensor; size: number } {
  let size = 0;
  const parts = group.slices.flatMap((slice): Tensor[] => {
    const { value, role, dim, places } = slice;
    if (role !== 'makes' || !(value instanceof Parameter)) return [];
    size += ((value.numel() / (value.shape[dim] as number)) * places.flat().length) / group.units;
    const units = noGrad(() => tensor(unitAt(slice).map((unit) => (unit < 0 ? group.units : unit))));
    // What belongs to no unit of this group goes to a place behind the last, which is cut off.
    const sums = indexAdd(zeros([group.units + 1]), 0, units, squaresAlong(value, dim));
    return [narrow(sums, 0, 0, group.units)];
  });
  return { squares: total(parts), size };
}

/**
 * Σ √size · ‖w‖₂ over groups of weights, which become 0 together: the rows (neurons, filters) of the weights of a model, or the
 * units that `coupleUnits` finds, with everything that makes them (M. Yuan and Y. Lin 2006, "Model selection and estimation in
 * regression with grouped variables"; W. Wen et al. 2016, "Learning structured sparsity in deep neural networks").
 */
export function groupLasso(of: Penalized | readonly UnitGroup[]): Tensor {
  const list = of instanceof Module ? [] : [...of];
  if (list.some((one) => 'slices' in one)) {
    return total(
      (list as unknown as UnitGroup[]).map((group) => {
        const { squares, size } = squaresOf(group);
        return mul(sum(safeRoot(squares)), Math.sqrt(size));
      }),
    );
  }
  return total(
    tensorsOf('penalty.groupLasso', of as Penalized).map((weight) => {
      const size = weight.numel() / Math.max(1, weight.shape[0] as number);
      return mul(sum(safeRoot(squaresAlong(weight, 0))), Math.sqrt(size));
    }),
  );
}

/**
 * Σ |γ| over the scales of batch norms, which then tell the channels that matter: network slimming (Z. Liu et al. 2017,
 * "Learning efficient convolutional networks through network slimming"). Prune by importance 'bnScale' afterwards.
 */
export function slimming(model: Module): Tensor {
  const scales = model.modules().flatMap((module) => {
    const { weight } = module as { weight?: unknown };
    const isNorm = [BatchNorm1d, BatchNorm2d, BatchNorm3d].some((type) => module instanceof type);
    return isNorm && weight instanceof Parameter ? [weight] : [];
  });
  if (scales.length === 0) fail('argument', 'penalty.slimming: the model has no batch norm with a scale.');
  return total(scales.map((scale) => sum(abs(reshape(scale, [scale.numel()])))));
}
