/** What other threads are told, so that they make a model and a loss anew. */
import { compressedTypes } from '../compress/layertypes.js';
import { FettleError, fail } from '../core/errors.js';
import { moduleOf } from '../data/workers/frommodule.js';
import { bytesOf, type Carrier, type Parcel, pack } from '../data/workers/parcel.js';
import { describe, layerTypes, Module } from '../nn/index.js';
import type { LossPlan, ModelPlan } from './messages.js';

/** A loss: its name, a function, or a loss of fettle/nn. */
export type LossSource = string | Module | ((...args: never[]) => unknown);

/** All layers that a model of any description may have. */
export const allTypes = { ...layerTypes, ...compressedTypes };

const carrier: Carrier = {
  tensor: (x) => bytesOf(x),
  array: (array) => array,
  claims: (value) => moduleOf(value) !== undefined,
  other: (value, path) => {
    const made = typeof value === 'object' && value !== null ? constructionFor(value) : undefined;
    if (made !== undefined) return made;
    const kind = typeof value === 'object' ? value?.constructor?.name : typeof value;
    return fail(
      'argument',
      `DataParallel: worker threads make the model anew, and its ${path} is a ${kind}. Give numbers, texts, arrays and tensors.`,
    );
  },
};

/** The parcel of what a module, or a class with portable(), makes. */
function constructionFor(value: object): Parcel | undefined {
  const portable = 'portable' in value && typeof value.portable === 'function' ? value.portable : undefined;
  const known = moduleOf(value) ?? (portable?.call(value) as ReturnType<typeof moduleOf>);
  if (known === undefined) return undefined;
  const { type, args, module } = known;
  const items = args.map((arg, i) => pack(arg, carrier, `argument ${i + 1}`));
  return { kind: 'made', type, args: items, ...(module === undefined ? {} : { module }) };
}

/** What makes `model` anew. */
export function modelPlan(model: Module): ModelPlan {
  const made = constructionFor(model);
  if (made !== undefined) return { made };
  try {
    return { topology: describe(model, allTypes) };
  } catch (error) {
    if (!(error instanceof FettleError) || error.code !== 'unsupported') throw error;
    return fail(
      'unsupported',
      `DataParallel: worker threads make the model anew, and cannot: ${error.message.replace(/ Build the model .*$/, '')} ` +
        'Build it of the layers of fettle/nn; or put its class into a module of its own as the default export and make it by ' +
        "await fromModule(new URL('./net.js', import.meta.url)).",
      error,
    );
  }
}

/** The module that made `model`. */
export function addressOf(model: Module | null): string | undefined {
  return model === null ? undefined : moduleOf(model)?.module;
}

/** What gives a thread the loss. */
export async function lossPlan(loss: LossSource, model: Module, isStep: boolean): Promise<LossPlan> {
  if (typeof loss === 'string') return { name: loss, isStep };
  if (loss instanceof Module) {
    // All of fettle/nn, for its names: fetched here, since a program whose loss is told by its name needs none of it.
    const nn: Readonly<Record<string, unknown>> = await import('../nn/index.js');
    const name = nameIn(nn, loss.constructor);
    if (name === undefined || !('options' in loss)) {
      return fail('argument', `DataParallel: ${loss.constructor.name} is no loss of fettle/nn. ${REACH}`);
    }
    return { name, args: pack([loss.options], carrier), isStep };
  }
  const functional: Readonly<Record<string, unknown>> = await import('../ops/index.js');
  const address = addressOf(model);
  const exported: Readonly<Record<string, unknown>> =
    address === undefined ? {} : await import(/* @vite-ignore */ /* webpackIgnore: true */ address);
  const name = nameIn(functional, loss) ?? nameIn(exported, loss);
  if (name !== undefined) return { name, isStep };
  return fail(
    'argument',
    `DataParallel: the function ${loss.name || '(without a name)'} is not known to other threads. ${REACH}`,
  );
}

const REACH =
  "Give a loss of fettle/nn, the name of one of its functions ('crossEntropy'), or a function that the model's module exports, " +
  'with the model made by fromModule().';

function nameIn(exports: Readonly<Record<string, unknown>>, value: unknown): string | undefined {
  return Object.entries(exports).find(([, other]) => other === value)?.[0];
}
