import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { Tensor } from '../core/tensor.js';
import { tensor } from './create.js';
import { checkTensor, knownValues } from './op.js';

export interface IsinOptions {
  /** Accepted for PyTorch's sake: repeated elements cost nothing here. */
  readonly assumeUnique?: boolean;
  /** Say which are not among them. Default false. */
  readonly invert?: boolean;
}

function numbersOf(name: string, x: Tensor | number): ArrayLike<number> {
  if (typeof x === 'number') return [x];
  checkTensor('isin', x, name);
  return knownValues('isin', x);
}

/** Which of `elements` are among `testElements`: bool, of the shape of `elements`. Either may be a number. NaN is among none. */
export const isin = /* @__PURE__ */ leading(
  'isin',
  ['testElements'],
  (
    elements: Tensor | number,
    testElements: Tensor | number,
    ...rest: (boolean | IsinOptions | undefined)[]
  ): Tensor<'bool'> => {
    const { invert = false } = readArguments<IsinOptions>('isin', rest, ['assumeUnique', 'invert']);
    if (!(elements instanceof Tensor || testElements instanceof Tensor)) {
      fail('argument', 'isin: elements or testElements must be a Tensor, got two numbers.');
    }
    const among = new Set(Array.from(numbersOf('testElements', testElements)));
    among.delete(Number.NaN);
    const found = Uint8Array.from(numbersOf('elements', elements), (x) => Number(among.has(x) !== invert));
    return tensor(found, elements instanceof Tensor ? elements.shape : [], { dtype: 'bool' });
  },
);
