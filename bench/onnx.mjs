/** Writes a net of bench/nets.mjs as an ONNX model: the few messages of the format that an inference graph needs. */
import { BATCH_NORM, forward, LAYER_NORM_EPS, sizeOf, valuesOf } from './nets.mjs';

/** @typedef {import('./nets.mjs').Net} Net */
/** @typedef {Uint8Array} Bytes */

const OPSET = 20;
const IR_VERSION = 9;
const FLOAT = 1;
const INT64 = 7;

/** @type {(value: number) => number[]} */
function varint(value) {
  /** @type {number[]} */
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** @type {(...parts: (Bytes | number[])[]) => Bytes} */
function join(...parts) {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A field that holds bytes: a message, a text, raw data.
 *
 * @type {(field: number, content: Bytes | string) => Bytes}
 */
function block(field, content) {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return join(varint(field * 8 + 2), varint(bytes.length), bytes);
}

/** @type {(field: number, value: number) => Bytes} */
const integer = (field, value) => join(varint(field * 8), varint(value));

/** @type {(field: number, value: number) => Bytes} */
const float = (field, value) => join(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));

/** @type {(name: string, value: number | number[], whole?: boolean) => Bytes} */
function attribute(name, value, whole = true) {
  const [kind, content] = Array.isArray(value)
    ? [7, join(...value.map((v) => integer(8, v)))]
    : whole
      ? [2, integer(3, value)]
      : [1, float(2, value)];
  return block(5, join(block(1, name), content, integer(20, kind)));
}

/** @type {(name: string, shape: number[], type: number, data: ArrayBufferView) => Bytes} */
function tensorProto(name, shape, type, data) {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return join(...shape.map((d) => integer(1, d)), integer(2, type), block(8, name), block(9, raw));
}

/** @type {(name: string, shape: number[]) => Bytes} */
function valueInfo(name, shape) {
  const dims = join(...shape.map((d) => block(1, integer(1, d))));
  return join(block(1, name), block(2, block(1, join(integer(1, FLOAT), block(2, dims)))));
}

/**
 * The model in evaluation at a batch, as bytes. Input `x`, output `y`.
 *
 * @param {Net} net
 * @param {number} batch
 */
export function onnxOf(net, batch) {
  /** @type {Bytes[]} */
  const nodes = [];
  /** @type {Bytes[]} */
  const initializers = [];
  /** @type {Set<string>} */
  const used = new Set();
  let made = 0;
  /** @type {(op: string, inputs: string[], attributes?: Bytes[], outputs?: string[]) => string} */
  const node = (op, inputs, attributes = [], outputs = [`v${made++}`]) => {
    for (const name of inputs) used.add(name);
    const names = [...inputs.map((name) => block(1, name)), ...outputs.map((name) => block(2, name))];
    nodes.push(block(1, join(...names, block(4, op), ...attributes)));
    return String(outputs[0]);
  };
  /** @type {(shape: number[], type: number, data: ArrayBufferView) => string} */
  const constant = (shape, type, data) => {
    const name = `c${made++}`;
    initializers.push(block(5, tensorProto(name, shape, type, data)));
    return name;
  };
  /** @type {(...values: number[]) => string} */
  const integers = (...values) => constant([values.length], INT64, BigInt64Array.from(values.map(BigInt)));
  const values = valuesOf(net);
  const byName = new Map(values.map((value) => [value.name, value]));
  const flat = net.input.length === 1 || net.loss === 'crossEntropy';

  /** @type {(x: string, weight: string, bias: string) => string} */
  const linear = (x, weight, bias) => {
    if (flat) return node('Gemm', [x, weight, bias], [attribute('transB', 1)]);
    const value = byName.get(weight);
    if (value === undefined) throw new Error(`no value ${weight}`);
    const [outputs, inputs] = /** @type {[number, number]} */ (value.shape);
    const turned = new Float32Array(sizeOf(value.shape));
    for (let i = 0; i < outputs; i++) {
      for (let j = 0; j < inputs; j++) turned[j * outputs + i] = Number(value.data[i * inputs + j]);
    }
    return node('Add', [node('MatMul', [x, constant([inputs, outputs], FLOAT, turned)]), bias]);
  };

  const vocabulary = {
    linear,
    /** @type {import('./nets.mjs').Vocabulary<string>['conv']} */
    conv: (x, weight, bias, { field, stride, pad }) =>
      node('Conv', bias === null ? [x, weight] : [x, weight, bias], [
        attribute('kernel_shape', [field, field]),
        attribute('strides', [stride, stride]),
        attribute('pads', [pad, pad, pad, pad]),
      ]),
    /** @type {import('./nets.mjs').Vocabulary<string>['batchNorm']} */
    batchNorm: (x, weight, bias, mean, variance) =>
      node('BatchNormalization', [x, weight, bias, mean, variance], [attribute('epsilon', BATCH_NORM.eps, false)]),
    /** @type {import('./nets.mjs').Vocabulary<string>['layerNorm']} */
    layerNorm: (x, weight, bias) =>
      node('LayerNormalization', [x, weight, bias], [attribute('epsilon', LAYER_NORM_EPS, false)]),
    /** @type {import('./nets.mjs').Vocabulary<string>['attention']} */
    attention(x, inWeight, inBias, outWeight, outBias, heads) {
      const width = /** @type {number} */ (net.input[1]);
      const names = ['q', 'k', 'v'].map((part) => `${part}${made++}`);
      const third = integers(width, width, width);
      node('Split', [linear(x, inWeight, inBias), third], [attribute('axis', 2)], names);
      const [q, k, v] = names.map((name, i) => {
        const split = node('Reshape', [name, integers(0, 0, heads, width / heads)]);
        return node('Transpose', [split], [attribute('perm', i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3])]);
      });
      const scale = constant([], FLOAT, Float32Array.of(1 / Math.sqrt(width / heads)));
      const scores = node('Mul', [node('MatMul', [String(q), String(k)]), scale]);
      const mixed = node('MatMul', [node('Softmax', [scores], [attribute('axis', 3)]), String(v)]);
      const merged = node('Reshape', [
        node('Transpose', [mixed], [attribute('perm', [0, 2, 1, 3])]),
        integers(0, 0, width),
      ]);
      return linear(merged, outWeight, outBias);
    },
    relu: (/** @type {string} */ x) => node('Relu', [x]),
    gelu: (/** @type {string} */ x) => node('Gelu', [x]),
    maxPool: (/** @type {string} */ x) =>
      node('MaxPool', [x], [attribute('kernel_shape', [2, 2]), attribute('strides', [2, 2])]),
    globalPool: (/** @type {string} */ x) => node('Flatten', [node('GlobalAveragePool', [x])]),
    flatten: (/** @type {string} */ x) => node('Flatten', [x]),
    add: (/** @type {string} */ a, /** @type {string} */ b) => node('Add', [a, b]),
    /** @type {(x: string) => [string, string]} */
    fork: (x) => [x, x],
  };

  let next = 0;
  const output = forward(net.layers, 'x', vocabulary, () => /** @type {string} */ (values[next++]?.name));
  node('Identity', [output], [], ['y']);
  for (const { name, shape, data } of values) {
    if (!used.has(name)) continue;
    initializers.push(block(5, tensorProto(name, shape, FLOAT, data)));
  }
  const outputShape = net.loss === 'crossEntropy' ? [batch, net.classes] : [batch, ...net.input];
  const graph = join(
    ...nodes,
    block(2, 'net'),
    ...initializers,
    block(11, valueInfo('x', [batch, ...net.input])),
    block(12, valueInfo('y', outputShape)),
  );
  return join(
    integer(1, IR_VERSION),
    block(2, 'fettle bench'),
    block(7, graph),
    block(8, join(block(1, ''), integer(2, OPSET))),
  );
}
