import { readFileSync } from 'node:fs';
import { mul, type Tensor, tensor } from 'fettle';
import type * as nn from 'fettle/nn';
import { describe, expect, test } from 'vitest';
import { compare, type Expected, outputsOf } from './compare.js';
import { argument, type InputSpec, type JsonNumber, makeInput, weights } from './inputs.js';

/**
 * Layers and nets against PyTorch's: what they print, the names and layouts of their state, what they compute from it, the
 * gradients of every parameter, and what a run leaves in their buffers. nets/NAME.py has the same models, nn/NAME.json what
 * PyTorch makes of them.
 */

type Named<T> = readonly (readonly [name: string, value: T])[];

interface Run {
  readonly mode: 'train' | 'eval';
  readonly in: readonly InputSpec[];
  /** Absent where the model takes the inputs alone. */
  readonly args?: readonly unknown[];
  readonly out: readonly Expected[];
  readonly grad: readonly (readonly JsonNumber[] | null)[];
  readonly grads: Named<readonly JsonNumber[] | null>;
  readonly after: Named<readonly JsonNumber[]>;
}

interface Model {
  readonly name: string;
  readonly repr: string;
  readonly state: Named<Expected>;
  readonly parameters: readonly string[];
  readonly modules: readonly string[];
  readonly runs: readonly Run[];
}

interface Loss {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly repr: string;
  readonly in: readonly InputSpec[];
  /** How many of the inputs go to forward, and what follows them. */
  readonly count: number;
  readonly extra?: readonly unknown[];
  readonly out: Expected;
  readonly grad: readonly (readonly JsonNumber[] | null)[];
}

/** A module as these checks call it. */
export type Layer = nn.Module & { forward(...args: never[]): unknown };
/** A loss of two or more tensors. */
export type Judge = new (options: never) => Omit<nn.Module, 'forward'> & { forward(...args: never[]): Tensor };

function read(family: string): { readonly models: readonly Model[]; readonly losses: readonly Loss[] } {
  return JSON.parse(readFileSync(new URL(`nn/${family}.json`, import.meta.url), 'utf8'));
}

/** A tensor that PyTorch gave. */
function given({ shape, dtype = 'float32', data }: Expected): Tensor {
  return tensor(Float64Array.from(data, Number), shape, { dtype: dtype as 'float32' });
}

/** Fails where a gradient is not PyTorch's, or is there where PyTorch has none. */
function compareGrad(what: string, { shape, grad }: Tensor, data: readonly JsonNumber[] | null, ulps?: number): void {
  if (data === null) expect(grad, what).toBeNull();
  else if (grad === null) throw new Error(`${what} is missing`);
  else compare(what, grad, { shape, data }, true, ulps);
}

/** Runs a model and compares all that it gives. Nets sum over several layers, and so do their rounding errors. */
function check(what: string, model: Layer, run: Run): void {
  const ulps = 32;
  model.train(run.mode === 'train');
  model.zeroGrad();
  const made = run.in.map((spec, k) => makeInput(spec, k, 'contiguous'));
  const inputs = made.map(({ x }) => x);
  const args = run.args?.map((value) => argument(value, inputs)) ?? inputs;
  const outputs = outputsOf(model.forward(...(args as never[])));
  expect(outputs.length, `${what}: number of outputs`).toBe(run.out.length);
  for (const [k, want] of run.out.entries()) compare(`${what}: value ${k}`, outputs[k] as Tensor, want, true, ulps);
  outputs
    .filter((y) => y.requiresGrad)
    .map((y, k) => mul(y, weights(k, y.shape)).sum())
    .reduce((a, b) => a.add(b))
    .backward();
  for (const [k, data] of run.grad.entries()) {
    compareGrad(`${what}: gradient of input ${k}`, (made[k] as { leaf: Tensor }).leaf, data, ulps);
  }
  const parameters = model.namedParameters();
  expect(parameters.map(([name]) => name)).toEqual(run.grads.map(([name]) => name));
  for (const [i, [name, data]] of run.grads.entries()) {
    compareGrad(`${what}: gradient of ${name}`, (parameters[i] as [string, Tensor])[1], data, ulps);
  }
  const buffers = model.namedBuffers();
  expect(buffers.map(([name]) => name)).toEqual(run.after.map(([name]) => name));
  for (const [i, [name, data]] of run.after.entries()) {
    const [, buffer] = buffers[i] as [string, Tensor];
    compare(`${what}: ${name}`, buffer, { shape: buffer.shape, dtype: buffer.dtype, data }, true, ulps);
  }
}

/** Checks every model of a family; `models` makes them by their names. */
export function checkModels(family: string, models: Readonly<Record<string, () => Layer>>): void {
  const golden = read(family).models;

  describe.each(golden.map((model) => [model.name, model] as const))('%s', (name, expected) => {
    function withModel(body: (model: Layer) => void): void {
      const make = models[name];
      if (make === undefined) throw new Error(`there is no model '${name}' here`);
      const model = make();
      try {
        body(model);
      } finally {
        model.dispose();
      }
    }

    test('prints as PyTorch', () => {
      withModel((model) => expect(String(model)).toBe(expected.repr));
    });

    test('has PyTorch’s names and layouts', () => {
      withModel((model) => {
        const state = Object.entries(model.stateDict());
        expect(state.map(([key, { shape, dtype }]) => [key, shape, dtype])).toEqual(
          expected.state.map(([key, { shape, dtype = 'float32' }]) => [key, shape, dtype]),
        );
        expect(model.namedParameters().map(([key]) => key)).toEqual(expected.parameters);
        expect(model.namedModules().map(([key]) => key)).toEqual(expected.modules);
      });
    });

    test('computes what PyTorch does', () => {
      withModel((model) => {
        const state = Object.fromEntries(expected.state.map(([key, value]) => [key, given(value)]));
        expect(model.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
        for (const [i, run] of expected.runs.entries()) check(`run ${i + 1}, ${run.mode}`, model, run);
      });
    });
  });

  test('there is a golden value for every model', () => {
    expect(golden.map(({ name }) => name)).toEqual(Object.keys(models));
  });
}

/** Checks every loss of a family; `losses` has their classes by name. */
export function checkLosses(family: string, losses: Readonly<Record<string, Judge>>): void {
  const golden = read(family).losses;
  const titled = golden.map((loss) => [`${loss.name} ${JSON.stringify(loss.options)}`, loss] as const);

  test.each(titled)('%s is PyTorch’s', (_title, loss) => {
    const made = loss.in.map((spec, k) => makeInput(spec, k, 'contiguous'));
    const inputs = made.map(({ x }) => x);
    const isTensor = (key: string): boolean => key === 'weight' || key === 'posWeight';
    const options = Object.entries(loss.options).map(([key, v]) => [key, isTensor(key) ? inputs[v as number] : v]);
    const module = new (losses[loss.name] as Judge)(Object.fromEntries(options) as never);
    expect(String(module)).toBe(loss.repr);
    const y = module.forward(...([...inputs.slice(0, loss.count), ...(loss.extra ?? [])] as never[]));
    compare('value', y, loss.out, true);
    mul(y, weights(0, y.shape)).sum().backward();
    for (const [k, data] of loss.grad.entries()) {
      compareGrad(`gradient of input ${k}`, (made[k] as { leaf: Tensor }).leaf, data);
    }
    (module as unknown as nn.Module).dispose();
  });

  test('there is a golden value for every loss', () => {
    expect(new Set(golden.map(({ name }) => name))).toEqual(new Set(Object.keys(losses)));
  });
}
