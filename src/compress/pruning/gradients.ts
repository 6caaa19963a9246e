import { grad, noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import type { Buffer, Module, Parameter } from '../../nn/index.js';
import { abs, copy_, mul, ones, sum } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { UnitGroup } from '../structure/units.js';
import type { Batch } from './activations.js';
import { makersOf, sumByUnit } from './units.js';

/** Scores from gradients of a loss over batches. Nothing of the model is changed: not its gradients, modes or statistics. */

/** The loss of a batch, a tensor of one element. */
export type Loss<M extends Module = Module, B extends Batch = Batch> = (model: M, batch: B) => Tensor;

/** What is made of weights and gradients, batch by batch. */
export type GradientCriterion = 'taylor' | 'hessian' | 'movement' | 'snip' | 'grasp' | 'synflow';

/** What each batch adds to a weight's sum. */
const ADDS: Readonly<Record<GradientCriterion, (w: number, g: number) => number>> = {
  taylor: (w, g) => Math.abs(w * g),
  hessian: (_, g) => g * g,
  movement: (w, g) => -w * g,
  snip: (_, g) => g,
  grasp: (w, hg) => w * hg,
  synflow: (w, g) => w * g,
};

/** What becomes of the mean over batches. */
const ENDS: Readonly<Record<GradientCriterion, (w: number, mean: number) => number>> = {
  taylor: (_, mean) => mean,
  hessian: (w, mean) => (w * w * mean) / 2,
  movement: (_, mean) => mean,
  snip: (w, mean) => Math.abs(w * mean),
  grasp: (_, mean) => mean,
  synflow: (_, mean) => mean,
};

/** Sums of what batches say about weights, and about the units of groups. */
export class GradientSums {
  private readonly sums = new Map<Parameter, Float64Array>();
  private readonly jointly = new Map<UnitGroup, Float64Array[]>();
  private batches = 0;

  constructor(
    private readonly criterion: GradientCriterion,
    private readonly groups: readonly UnitGroup[],
  ) {}

  /** Takes in the gradients of one batch. */
  add(gradients: ReadonlyMap<Parameter, Tensor>): void {
    const add = ADDS[this.criterion];
    const products = new Map<Parameter, Float64Array>();
    for (const [parameter, gradient] of gradients) {
      const [w, g] = [parameter.dataSync(), gradient.dataSync()];
      const total = this.sums.get(parameter) ?? new Float64Array(w.length);
      this.sums.set(parameter, total);
      for (let i = 0; i < w.length; i++) total[i] = (total[i] as number) + add(w[i] as number, g[i] as number);
      if (this.criterion === 'taylor' && this.groups.length > 0) {
        products.set(
          parameter,
          Float64Array.from(w, (value, i) => value * (g[i] as number)),
        );
      }
    }
    this.batches++;
    if (products.size > 0) for (const group of this.groups) this.addUnits(group, products);
  }

  /** |Σ w · g| of each unit: the weights of a unit go together, and what they do may cancel. */
  private addUnits(group: UnitGroup, products: ReadonlyMap<Parameter, Float64Array>): void {
    const makers = makersOf(group);
    const totals = this.jointly.get(group) ?? makers.map(() => new Float64Array(group.units));
    this.jointly.set(group, totals);
    makers.forEach((slices, m) => {
      const joint = new Float64Array(group.units);
      for (const slice of slices) {
        const values = products.get(slice.value as Parameter);
        if (values !== undefined) sumByUnit(slice, values, joint);
      }
      const total = totals[m] as Float64Array;
      for (let u = 0; u < joint.length; u++) total[u] = (total[u] as number) + Math.abs(joint[u] as number);
    });
  }

  /** The score of each weight; zeros where no batch came. */
  weights(parameter: Parameter): Float64Array {
    const total = this.sums.get(parameter);
    if (total === undefined) return new Float64Array(parameter.numel());
    const [end, w] = [ENDS[this.criterion], parameter.dataSync()];
    return total.map((value, i) => end(w[i] as number, value / this.batches));
  }

  /** The scores of a group's units by each of the layers that make them. */
  units(group: UnitGroup): Float64Array[] {
    const joint = this.jointly.get(group);
    if (joint !== undefined) return joint.map((total) => total.map((value) => value / this.batches));
    if (this.criterion === 'taylor') {
      return fail(
        'argument',
        `importance: 'taylor' has not watched the units of '${group.name}'. Pass exampleInputs, so that they are found first.`,
      );
    }
    return makersOf(group).map((slices) => {
      const sums = new Float64Array(group.units);
      for (const slice of slices) sumByUnit(slice, this.weights(slice.value as Parameter), sums);
      return sums;
    });
  }

  get count(): number {
    return this.batches;
  }
}

/** Gradients of `loss` for the parameters, also of those that are frozen; those that it does not reach have none. */
function gradientsOf(
  parameters: readonly Parameter[],
  loss: () => Tensor,
  use: (gradients: ReadonlyMap<Parameter, Tensor>) => void,
  wantsHessian = false,
): void {
  const learned = parameters.map((parameter) => parameter.requiresGrad);
  for (const parameter of parameters) parameter.requiresGrad = true;
  try {
    scope(() => {
      const first = grad([loss()], parameters, { allowUnused: true, createGraph: wantsHessian });
      const reached = parameters.flatMap((p, i): [Parameter, Tensor][] => {
        const g = first[i];
        return g === null || g === undefined ? [] : [[p, g]];
      });
      if (!wantsHessian) return use(new Map(reached));
      // H · g: the gradient of g · g with the second factor held fast.
      const product = reached.map(([, g]) => sum(mul(g, g.detach()))).reduce((a, b) => a.add(b));
      const second = grad(
        [product],
        reached.map(([p]) => p),
        { allowUnused: true },
      );
      use(new Map(reached.flatMap(([p], i) => (second[i] == null ? [] : [[p, second[i] as Tensor]]))));
    });
  } finally {
    parameters.forEach((parameter, i) => {
      parameter.requiresGrad = learned[i] as boolean;
    });
  }
}

/** Runs batches through a model for one criterion. In training mode, running statistics are put back in the end. */
export class GradientWatch {
  readonly sums: GradientSums;
  private readonly modes: readonly (readonly [Module, boolean])[];
  private readonly statistics: readonly (readonly [Buffer, Tensor])[];

  constructor(
    private readonly model: Module,
    private readonly criterion: Exclude<GradientCriterion, 'synflow'>,
    private readonly loss: Loss<never, never>,
    groups: readonly UnitGroup[],
    training: boolean,
  ) {
    this.sums = new GradientSums(criterion, groups);
    this.modes = model.modules().map((module) => [module, module.training] as const);
    this.statistics = training ? model.buffers().map((buffer) => [buffer, noGrad(() => buffer.clone()).keep()]) : [];
    model.train(training);
  }

  see(batch: Batch): void {
    gradientsOf(
      this.model.parameters(),
      () => (this.loss as unknown as Loss)(this.model, batch),
      (gradients) => this.sums.add(gradients),
      this.criterion === 'grasp',
    );
  }

  close(): void {
    for (const [buffer, before] of this.statistics) {
      noGrad(() => copy_(buffer, before));
      before.dispose();
    }
    for (const [module, training] of this.modes) module.training = training;
  }
}

/** Synaptic flow: gradients of the summed outputs of the network of absolute weights, for inputs of ones. */
export function synapticFlow(model: Module, inputs: readonly Tensor[], groups: readonly UnitGroup[]): GradientSums {
  const sums = new GradientSums('synflow', groups);
  const modes = model.modules().map((module) => [module, module.training] as const);
  const parameters = model.parameters();
  const before = parameters.map((parameter) => noGrad(() => parameter.clone()).keep());
  model.eval();
  try {
    scope(() => {
      noGrad(() => {
        for (const parameter of parameters) copy_(parameter, abs(parameter));
      });
      const given = inputs.map((x) => ones([1, ...x.shape.slice(1)]));
      gradientsOf(
        parameters,
        () => sum((model.forward as (...xs: Tensor[]) => Tensor)(...given)),
        (gradients) => sums.add(gradients),
      );
    });
    return sums;
  } finally {
    parameters.forEach((parameter, i) => {
      noGrad(() => copy_(parameter, before[i] as Tensor));
      (before[i] as Tensor).dispose();
    });
    for (const [module, training] of modes) module.training = training;
  }
}
