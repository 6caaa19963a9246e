import { fail, show } from '../core/errors.js';
import { refuseStranger, Tensor } from '../core/tensor.js';
import { given } from './settings.js';

/** What every optimizer has. */
export interface Settings {
  /** Learning rate. */
  lr: number;
}

/** What schedulers read and write in a group besides its learning rate. */
export interface Scheduled {
  /** The learning rate that schedules start from; set by the first scheduler. */
  initialLr?: number;
  maxLr?: number;
  minLr?: number;
  baseMomentum?: number;
  maxMomentum?: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** Parameters that are updated with the same hyper-parameters. All of them may be changed between steps. */
export type ParamGroup<H extends Settings = Settings> = H & Scheduled & { params: Tensor[] };

/** A group as a caller describes it: what is left out comes from the optimizer's options. */
export type GroupOptions<H extends Settings = Settings> = { readonly params: Tensor | Iterable<Tensor> } & Partial<H>;

/** What an optimizer is made for: tensors, or groups of them with hyper-parameters of their own. */
export type Params<H extends Settings = Settings> = Iterable<Tensor> | Iterable<GroupOptions<H>>;

/** Throws unless `param` can be optimized: a leaf of float32. */
function checkParameter(name: string, param: unknown, index: number): asserts param is Tensor {
  if (!(param instanceof Tensor)) {
    refuseStranger(name, param);
    const got = param === null ? 'null' : Array.isArray(param) ? 'an array' : `a ${typeof param}`;
    fail('argument', `${name}: parameter ${index} must be a Tensor, got ${got}. Pass model.parameters().`);
  }
  param.check(name);
  if (!param.isLeaf) {
    fail(
      'autograd',
      `${name}: parameter ${index} ${show(param.shape)} is not a leaf but the result of ${param.node?.name ?? 'an op'}. ` +
        'Optimize the tensor it was computed from, or detach() it and set requiresGrad.',
    );
  }
  if (param.dtype !== 'float32') {
    fail('dtype', `${name}: parameters must be float32, parameter ${index} ${show(param.shape)} is ${param.dtype}.`);
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'params' in value;
}

/** The groups of a constructor's argument; tensors without groups become one. Throws where there is nothing to optimize. */
export function parseParams<H extends Settings>(name: string, params: Params<H>): GroupOptions<H>[] {
  if (params instanceof Tensor || !isIterable(params)) {
    fail('argument', `${name}: expected a list of tensors or of groups { params, lr, … }. Pass model.parameters().`);
  }
  const list = [...params] as (Tensor | GroupOptions<H>)[];
  if (list.length === 0) fail('argument', `${name}: got an empty parameter list. Pass model.parameters().`);
  if (isGroup(list[0])) return list as GroupOptions<H>[];
  return [{ params: list } as unknown as GroupOptions<H>];
}

/** Completes a group from `defaults` and checks its parameters; `others` are the groups that are there already. */
export function makeGroup<H extends Settings>(
  name: string,
  options: GroupOptions<H>,
  defaults: H,
  others: readonly ParamGroup<H>[],
): ParamGroup<H> {
  if (!isGroup(options)) fail('argument', `${name}: a group must be an object { params, … }.`);
  if (!(options.params instanceof Tensor) && !isIterable(options.params)) {
    fail('argument', `${name}: params of a group must be a list of tensors. Pass module.parameters().`);
  }
  const params = options.params instanceof Tensor ? [options.params] : [...options.params];
  for (const [i, param] of params.entries()) checkParameter(name, param, i);
  const taken = new Set(others.flatMap((group) => group.params));
  for (const [i, param] of params.entries()) {
    if (taken.has(param)) {
      fail(
        'argument',
        `${name}: parameter ${i} ${show(param.shape)} is listed twice. A tensor belongs to one group, once.`,
      );
    }
    taken.add(param);
  }
  // Assigned, not spread: groups of the same keys then share their hidden class, so that the loops of steps stay fast however
  // many optimizers a program makes.
  return Object.assign({}, defaults, given(options), { params }) as unknown as ParamGroup<H>;
}
