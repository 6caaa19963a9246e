import { fail, show } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add } from './arithmetic.js';
import { matmul } from './matmul.js';
import { permute, reshape } from './movement.js';
import { checkTensor, op } from './op.js';
import { build, type Reference, spread } from './sheet.js';

function checkShapes(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | null): void {
  const [lead1, lead2] = [input1.shape.slice(0, -1), input2.shape.slice(0, -1)];
  const [out, in1, in2] = weight.shape;
  const fits = weight.ndim === 3 && input1.shape.at(-1) === in1 && input2.shape.at(-1) === in2;
  if (!fits || !sameShape(lead1, lead2) || (bias !== null && !sameShape(bias.shape, [out as number]))) {
    const shapes = [input1, input2, weight, ...(bias === null ? [] : [bias])].map((t) => show(t.shape)).join(', ');
    fail('shape', `bilinear: expected [.., I1], [.., I2], weight [O, I1, I2] and bias [O], got ${shapes}.`);
  }
}

/** y[o] = input1 · weight[o] · input2ᵀ + bias[o]. */
export const bilinear = op(
  keywords(
    'bilinear',
    ['input2', 'weight', 'bias'],
    (input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor => {
      checkTensor('bilinear', input1, 'input1');
      checkTensor('bilinear', input2, 'input2');
      checkTensor('bilinear', weight, 'weight');
      checkShapes(input1, input2, weight, bias);
      const [out, in1, in2] = weight.shape as [number, number, number];
      const lead = input1.shape.slice(0, -1);
      const n = sizeOf(lead);
      // One product for all outputs, [n, I1] × [I1, O · I2], then one of each row's matrix [O, I2] with its second input.
      const spreadOut = matmul(reshape(input1, [n, in1]), reshape(permute(weight, [1, 0, 2]), [in1, out * in2]));
      const y = matmul(reshape(spreadOut, [n, out, in2]), reshape(input2, [n, in2, 1]));
      const shaped = reshape(y, [...lead, out]);
      return bias === null ? shaped : add(shaped, bias);
    },
  ),
  {
    name: 'bilinear',
    family: 'matmul',
    doc: 'input1 [.., I1] · weight [O, I1, I2] · input2 [.., I2] + bias [O]: [.., O].',
    dtypes: ['float32'],
    differentiable: [true, true, true, true],
    oracle: ([a, b, w, c]) => {
      const [x1, x2, weight] = [a, b, w] as [Reference, Reference, Reference];
      const [out, in1, in2] = weight.shape as [number, number, number];
      const lead = x1.shape.slice(0, -1);
      let row = 0;
      return build([...lead, out], (i) => {
        const o = i[i.length - 1] as number;
        let total = c?.data[o] ?? 0;
        for (let p = 0; p < in1; p++) {
          for (let q = 0; q < in2; q++) {
            total +=
              (x1.data[row * in1 + p] as number) *
              (weight.data[(o * in1 + p) * in2 + q] as number) *
              (x2.data[row * in2 + q] as number);
          }
        }
        if (o === out - 1) row++;
        return total;
      });
    },
    samples: () => [
      { inputs: [spread([5, 3]), spread([5, 4], -2, 2, 0.7), spread([2, 3, 4], -1, 1, 0.2)] },
      { inputs: [spread([3]), spread([2], -2, 2, 0.7), spread([4, 3, 2], -1, 1, 0.2), spread([4])] },
      { inputs: [spread([2, 3, 2]), spread([2, 3, 1], -2, 2, 0.7), spread([1, 2, 1], -1, 1, 0.2), spread([1])] },
      { inputs: [spread([0, 2]), spread([0, 3]), spread([4, 2, 3])] },
    ],
    tolerance: 3e-6,
  },
);
