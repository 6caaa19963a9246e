import { readArguments } from '../core/arguments.js';
import * as ops from '../ops/index.js';
import { overwrite } from '../ops/overwrite.js';
import type { Tensor } from '../tensor.js';

/**
 * torch.nn.functional: every op, under the names it has there. Activations take their `inplace` here, which puts the result
 * in the memory of the input, under the rules of `copy_`.
 */
export * from '../ops/index.js';

type Overwritten<K extends string> = (
  input: Tensor,
  ...rest: readonly (number | boolean | undefined | null | { readonly [N in K | 'inplace']?: number | boolean })[]
) => Tensor;

/** An activation with PyTorch's arguments `names`, and `inplace` behind them. */
function activation<const K extends string>(
  name: string,
  op: (input: Tensor, ...rest: never[]) => Tensor,
  names: readonly K[],
): Overwritten<K> {
  return (input, ...rest) => {
    const { inplace, ...given } = readArguments<Record<string, unknown>>(name, rest, [...names, 'inplace']);
    const values = names.map((key) => given[key] ?? undefined);
    return overwrite(input, inplace === true, (x) => op(x, ...(values as never[])));
  };
}

export const relu = /* @__PURE__ */ activation('relu', ops.relu, []);
export const relu6 = /* @__PURE__ */ activation('relu6', ops.relu6, []);
export const selu = /* @__PURE__ */ activation('selu', ops.selu, []);
export const silu = /* @__PURE__ */ activation('silu', ops.silu, []);
export const mish = /* @__PURE__ */ activation('mish', ops.mish, []);
export const hardsigmoid = /* @__PURE__ */ activation('hardsigmoid', ops.hardsigmoid, []);
export const hardswish = /* @__PURE__ */ activation('hardswish', ops.hardswish, []);
export const leakyRelu = /* @__PURE__ */ activation('leakyRelu', ops.leakyRelu, ['negativeSlope']);
export const elu = /* @__PURE__ */ activation('elu', ops.elu, ['alpha']);
export const celu = /* @__PURE__ */ activation('celu', ops.celu, ['alpha']);
export const hardtanh = /* @__PURE__ */ activation('hardtanh', ops.hardtanh, ['minVal', 'maxVal']);
export const threshold = /* @__PURE__ */ activation('threshold', ops.threshold, ['threshold', 'value']);
export const rrelu = /* @__PURE__ */ activation('rrelu', ops.rrelu, ['lower', 'upper', 'training']);
export const dropout = /* @__PURE__ */ activation('dropout', ops.dropout, ['p', 'training']);

/** `logSigmoid` under the name it has in torch.nn.functional. */
export const logsigmoid = ops.logSigmoid;
