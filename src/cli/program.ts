import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { noGrad } from '../autograd/index.js';
import { FettleError, fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { describe, Module } from '../nn/index.js';
import { zeros } from '../ops/index.js';
import { hasFile } from '../runtime/files.node.js';
import { Tensor } from '../tensor.js';
import type { Net } from './demo/nets.js';

/** Networks of one's own on the command line: a module whose default export is a function (shape, classes) that gives one. */

/** How help calls such a file. */
export const PROGRAM = 'FILE.js';

export function isProgram(text: string): boolean {
  return /\.[cm]?js$/.test(text);
}

/**
 * The network that `file` makes for samples of this shape. Before anything is trained it is tried on zeros, and its structure is
 * written down, as the file of the trained model has to hold it.
 */
export async function modelOf(file: string, shape: readonly number[], classes: number): Promise<Net> {
  const path = resolve(file);
  if (!(await hasFile(path))) fail('argument', `${file}: there is no such file.`);
  const { default: made } = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  if (typeof made !== 'function') {
    return fail(
      'argument',
      `${file}: expected a default export that is a function, got ${typeof made}. For example: ` +
        'export default (shape, classes) => new Sequential(new Flatten(), new Linear(64, classes));',
    );
  }
  const model: unknown = await made(shape, classes);
  if (!(model instanceof Module)) {
    return fail('argument', `${file}: its default export gave ${named(model)}, expected a Module of fettle/nn.`);
  }
  try {
    check(file, model as Net, shape, classes);
    describe(model);
  } catch (error) {
    model.dispose();
    if (!(error instanceof FettleError) || error.message.startsWith(file)) throw error;
    throw new FettleError(error.code, `${file}: ${error.message}`, { cause: error });
  }
  return model as Net;
}

function check(file: string, model: Net, shape: readonly number[], classes: number): void {
  scope(() => {
    const x = zeros([1, ...shape]);
    const y = noGrad(() => model.eval().forward(x));
    model.train();
    if (!(y instanceof Tensor) || y.shape.join() !== `1,${classes}`) {
      const got = y instanceof Tensor ? show(y.shape) : named(y);
      fail('shape', `${file}: for one sample ${show(x.shape)} expected logits [1, ${classes}], got ${got}.`);
    }
  });
}

const named = (value: unknown): string =>
  typeof value === 'object' && value !== null ? `a ${value.constructor?.name ?? 'plain object'}` : `${value}`;
