import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { convert, copyInto, empty } from '../ops/op.js';
import type { ParamGroup, Settings } from './groups.js';
import { propertyName, savedName } from './settings.js';

/** What a hyper-parameter may be in saved state. */
export type Saved = number | boolean | string | null | readonly number[];

/** A group in saved state: hyper-parameters by PyTorch's names, parameters by index. */
export interface SavedGroup {
  params: number[];
  [hyperParameter: string]: Saved;
}

/** What an optimizer remembers of one parameter, by PyTorch's names. */
export type ParamState = Record<string, Tensor | number | undefined>;

/** A value in saved state; LBFGS has lists. */
export type SavedValue = Tensor | number | readonly Tensor[] | readonly number[];

/** An optimizer's state in PyTorch's shape: that of each parameter by its index, and the groups. */
export interface OptimizerStateDict {
  state: Record<string, Record<string, SavedValue>>;
  param_groups: SavedGroup[];
}

/** What one parameter's state begins as: numbers, and tensors of the parameter's shape filled with a number. */
export type Blank = Readonly<Record<string, number | { readonly fill: number }>>;

/** A contiguous float32 copy of `source` on the device of `param`. */
function copyFor(param: Tensor, source: Tensor, label: string): Tensor {
  const values = convert(source, 'float32');
  const copy = empty(param, values.shape, 'float32', label);
  copyInto(copy, values);
  if ((values as Tensor) !== source) values.dispose();
  return copy;
}

/** The state of `groups` and `state` with tensors copied, so that later steps do not change it. */
export function saveState<H extends Settings>(
  name: string,
  groups: readonly ParamGroup<H>[],
  state: ReadonlyMap<Tensor, ParamState>,
): OptimizerStateDict {
  const saved: OptimizerStateDict = { state: {}, param_groups: [] };
  let index = 0;
  for (const { params, ...settings } of groups) {
    const indices = params.map(() => index++);
    const entries = Object.entries(settings).map(([key, value]) => [savedName(key), copyOf(value as Saved)]);
    saved.param_groups.push({ ...(Object.fromEntries(entries) as Record<string, Saved>), params: indices });
    params.forEach((param, i) => {
      const values: Record<string, Tensor | number> = {};
      for (const [key, value] of Object.entries(state.get(param) ?? {})) {
        if (value !== undefined) values[key] = value instanceof Tensor ? copyFor(param, value, `${name} state`) : value;
      }
      if (Object.keys(values).length > 0) saved.state[String(indices[i])] = values;
    });
  }
  return saved;
}

function copyOf(value: Saved): Saved {
  return Array.isArray(value) ? [...value] : value;
}

/** Saved state that has been found to fit, ready to be taken over. */
export interface Loaded<H extends Settings> {
  readonly groups: ParamGroup<H>[];
  /** Entries still refer to the caller's tensors; `adopt` copies them. */
  readonly state: Map<Tensor, Record<string, Tensor | number>>;
}

/**
 * Fits saved state to `groups`. Throws, with nothing changed, where the groups or the shapes of the state differ, or where
 * something that `blank` names is missing.
 */
export function fitState<H extends Settings>(
  name: string,
  saved: OptimizerStateDict,
  groups: readonly ParamGroup<H>[],
  defaults: H,
  blank: (group: ParamGroup<H>) => Blank,
): Loaded<H> {
  const theirs = saved?.param_groups;
  if (!Array.isArray(theirs) || typeof saved.state !== 'object') {
    fail('state', `${name}: expected a state dict { state, param_groups }, as stateDict() gives it.`);
  }
  if (theirs.length !== groups.length) {
    fail('state', `${name}: the state has ${theirs.length} parameter groups, this optimizer ${groups.length}.`);
  }
  const fitted = groups.map((group, g) => fitGroup(name, theirs[g] as SavedGroup, group, defaults, g));
  const state = new Map<Tensor, Record<string, Tensor | number>>();
  for (const [g, group] of fitted.entries()) {
    for (const [i, param] of group.params.entries()) {
      const values = saved.state[String(theirs[g]?.params[i])];
      if (values !== undefined) state.set(param, fitValues(name, values, param, blank(group)));
    }
  }
  return { groups: fitted, state };
}

function fitGroup<H extends Settings>(
  name: string,
  saved: SavedGroup,
  group: ParamGroup<H>,
  defaults: H,
  index: number,
): ParamGroup<H> {
  const { params, ...settings } = saved;
  if (params?.length !== group.params.length) {
    const got = `${params?.length ?? 'no'} parameters in group ${index}`;
    fail('state', `${name}: the state has ${got}, this optimizer ${group.params.length}.`);
  }
  const entries = Object.entries(settings).map(([key, value]) => [propertyName(key), copyOf(value)]);
  // What an older version did not save yet has its default.
  return { ...defaults, ...Object.fromEntries(entries), params: group.params } as ParamGroup<H>;
}

function fitValues(
  name: string,
  values: Readonly<Record<string, unknown>>,
  param: Tensor,
  blank: Blank,
): Record<string, Tensor | number> {
  const fitted: Record<string, Tensor | number> = {};
  for (const [key, value] of Object.entries(values)) {
    // PyTorch saves None where there is no momentum.
    if (value === null || value === undefined) continue;
    const scalar = typeof blank[key] === 'number' || typeof value === 'number';
    if (scalar) fitted[key] = numberOf(name, key, value);
    else if (value instanceof Tensor && sameShape(value.shape, param.shape)) fitted[key] = value;
    else {
      const got = value instanceof Tensor ? show(value.shape) : typeof value;
      fail('state', `${name}: ${key} must be a tensor ${show(param.shape)} like its parameter, got ${got}.`);
    }
  }
  const missing = Object.keys(blank).filter((key) => !(key in fitted));
  if (missing.length > 0) {
    fail('state', `${name}: the state of a parameter ${show(param.shape)} lacks ${missing.join(', ')}.`);
  }
  const wrong = Object.entries(blank).find(
    ([key, value]) => typeof value !== 'number' && !(fitted[key] instanceof Tensor),
  );
  if (wrong !== undefined) fail('state', `${name}: ${wrong[0]} must be a tensor ${show(param.shape)}, got a number.`);
  return fitted;
}

/** PyTorch keeps step counts in tensors, here they are numbers; both can be loaded. */
function numberOf(name: string, key: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Tensor && value.numel() === 1) return value.item();
  return fail(
    'state',
    `${name}: ${key} must be a number, got ${value instanceof Tensor ? show(value.shape) : typeof value}.`,
  );
}

/** The values of a fitted state with copies of the tensors that no scope owns. */
export function adopt(name: string, param: Tensor, values: Record<string, Tensor | number>): ParamState {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      value instanceof Tensor ? copyFor(param, value, `${name} state`).keep() : value,
    ]),
  );
}
