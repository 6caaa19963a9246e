import { checkOptions } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { where } from './compare.js';
import { type BlendOptions, bmm, matmul } from './matmul.js';
import { permute, reshape } from './movement.js';
import { checkTensor, scalarLike } from './op.js';
import { sum } from './reduce.js';
import { diagonal } from './triangle.js';

/** Products of tensors along dimensions that are named or listed. */

/** A tensor whose dimensions have names. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/** The names in a term of an equation; the dimensions of an ellipsis are named '…0' for the last, '…1' before it, and so on. */
function labelsOf(term: string, equation: string, hidden: number): string[] {
  const labels: string[] = [];
  for (let i = 0; i < term.length; i++) {
    const letter = term[i] as string;
    if (term.startsWith('...', i)) {
      if (labels.some((l) => l.startsWith('…')) || term.indexOf('...', i + 3) >= 0) {
        fail('argument', `einsum: '${term}' of '${equation}' has more than one ellipsis.`);
      }
      for (let k = hidden - 1; k >= 0; k--) labels.push(`…${k}`);
      i += 2;
    } else if (/[A-Za-z]/.test(letter)) labels.push(letter);
    else fail('argument', `einsum: '${letter}' in '${equation}' is neither a letter nor part of an ellipsis.`);
  }
  return labels;
}

/** An operand with each name once: a name that comes twice takes the diagonal. */
function labelled(x: Tensor, term: string, equation: string): Labelled {
  checkTensor('einsum', x, 'operands');
  const letters = term.replace('...', '').length;
  const hidden = x.ndim - letters;
  if (hidden < 0 || (hidden > 0 && !term.includes('...'))) {
    fail(
      'shape',
      `einsum: '${term}' of '${equation}' names ${letters} dimensions, and the operand is ${show(x.shape)}.`,
    );
  }
  let labels = labelsOf(term, equation, hidden);
  let y = x;
  for (let again = repeat(labels); again !== null; again = repeat(labels)) {
    const [first, second] = again;
    if (y.shape[first] !== y.shape[second]) {
      fail('shape', `einsum: '${labels[first]}' of '${equation}' has two sizes in ${show(x.shape)}.`);
    }
    const name = labels[first] as string;
    y = diagonal(y, 0, first, second);
    labels = [...labels.filter((_, i) => i !== first && i !== second), name];
  }
  return { x: y, labels };
}

/** Where a name comes for the first and the second time, or null. */
function repeat(labels: readonly string[]): [number, number] | null {
  const second = labels.findIndex((l, i) => labels.indexOf(l) < i);
  return second < 0 ? null : [labels.indexOf(labels[second] as string), second];
}

/** The operand without the dimensions that nobody else needs: they are summed. */
function reduced({ x, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const dims = labels.flatMap((l, i) => (needed.has(l) ? [] : [i]));
  return dims.length === 0 ? { x, labels } : { x: sum(x, dims), labels: labels.filter((l) => needed.has(l)) };
}

/** `x` with its dimensions in the order of `order`, as [batch, rows, columns] of the three groups. */
function folded({ x, labels }: Labelled, groups: readonly (readonly string[])[], sizes: ReadonlyMap<string, number>) {
  const order = groups.flat();
  const moved = permute(
    x,
    order.map((l) => labels.indexOf(l)),
  );
  const whole = expand(
    moved,
    order.map((l) => sizes.get(l) as number),
  );
  return reshape(
    whole,
    groups.map((group) => sizeOf(group.map((l) => sizes.get(l) as number))),
  );
}

/** The product of two operands, with those names summed that are not needed afterwards. */
function contract(p: Labelled, q: Labelled, needed: ReadonlySet<string>): Labelled {
  const a = reduced(p, new Set([...needed, ...q.labels]));
  const b = reduced(q, new Set([...needed, ...p.labels]));
  const sizes = new Map<string, number>();
  for (const { x, labels } of [a, b]) {
    labels.forEach((l, i) => {
      const size = x.shape[i] as number;
      const before = sizes.get(l) ?? 1;
      sizes.set(l, before === 1 ? size : before);
    });
  }
  const shared = a.labels.filter((l) => b.labels.includes(l));
  const batch = shared.filter((l) => needed.has(l));
  const summed = shared.filter((l) => !needed.has(l));
  const rows = a.labels.filter((l) => !shared.includes(l));
  const columns = b.labels.filter((l) => !shared.includes(l));
  const product = bmm(folded(a, [batch, rows, summed], sizes), folded(b, [batch, summed, columns], sizes));
  const labels = [...batch, ...rows, ...columns];
  return {
    x: reshape(
      product,
      labels.map((l) => sizes.get(l) as number),
    ),
    labels,
  };
}

/** Throws where a name has sizes that neither agree nor broadcast. */
function checkSizes(operands: readonly Labelled[], equation: string): void {
  const sizes = new Map<string, number>();
  for (const { x, labels } of operands) {
    labels.forEach((l, i) => {
      const size = x.shape[i] as number;
      const before = sizes.get(l) ?? 1;
      if (size !== 1 && before !== 1 && size !== before) {
        const name = l.startsWith('…') ? 'the ellipsis' : `'${l}'`;
        fail('shape', `einsum: ${name} of '${equation}' has sizes ${before} and ${size}.`);
      }
      sizes.set(l, before === 1 ? size : before);
    });
  }
}

/**
 * Sums of products by Einstein's convention: `einsum('bij,bjk->bik', a, b)`. A name that the output does not have is summed;
 * one that comes twice in an operand takes its diagonal; `...` stands for all dimensions without a name and broadcasts.
 * Without `->` the output has the names that come once, in alphabetical order. Operands are multiplied from left to right.
 */
export function einsum(equation: string, ...operands: Tensor[] | [readonly Tensor[]]): Tensor {
  const tensors = (Array.isArray(operands[0]) ? operands[0] : operands) as readonly Tensor[];
  const [left = '', right, more] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (more !== undefined || terms.length !== tensors.length || tensors.length === 0) {
    fail('argument', `einsum: '${equation}' has ${terms.length} operands, got ${tensors.length}.`);
  }
  const named = tensors.map((x, i) => labelled(x, terms[i] as string, equation));
  checkSizes(named, equation);
  const all = named.flatMap(({ labels }) => labels);
  const hidden = all.filter((l) => l.startsWith('…')).reduce((n, l) => Math.max(n, Number(l.slice(1)) + 1), 0);
  const letters = left.replace(/[^A-Za-z]/g, '');
  const output =
    right === undefined
      ? [...labelsOf('...', equation, hidden), ...[...letters].filter((l) => letters.split(l).length === 2).sort()]
      : labelsOf(right, equation, hidden);
  const odd = output.find((l, i) => !all.includes(l) || output.indexOf(l) < i);
  if (odd !== undefined) {
    fail('argument', `einsum: '${odd}' of the output of '${equation}' must come once there, and in an operand.`);
  }
  let result = named[0] as Labelled;
  for (let i = 1; i < named.length; i++) {
    const needed = new Set([...output, ...named.slice(i + 1).flatMap(({ labels }) => labels)]);
    result = contract(result, named[i] as Labelled, needed);
  }
  const last = reduced(result, new Set(output));
  return permute(
    last.x,
    output.map((l) => last.labels.indexOf(l)),
  );
}

/**
 * The sum of products over several dimensions at once: the last `dims` of `a` with the first of `b`, or those listed,
 * `[[of a], [of b]]`.
 */
export const tensordot = /* @__PURE__ */ keywords(
  'tensordot',
  ['b', 'dims'],
  (a: Tensor, b: Tensor, given: number | readonly (readonly number[])[] = 2): Tensor => {
    checkTensor('tensordot', a, 'a');
    checkTensor('tensordot', b, 'b');
    if (typeof given === 'number' && !(Number.isInteger(given) && given >= 0 && given <= Math.min(a.ndim, b.ndim))) {
      fail('argument', `tensordot: ${show(a.shape)} and ${show(b.shape)} have no ${given} dimensions to sum over.`);
    }
    const lists =
      typeof given === 'number'
        ? [Array.from({ length: given }, (_, i) => a.ndim - given + i), Array.from({ length: given }, (_, i) => i)]
        : given;
    const ofA = (lists[0] ?? []).map((d) => normalizeDim('tensordot', d, a.ndim));
    const ofB = (lists[1] ?? []).map((d) => normalizeDim('tensordot', d, b.ndim));
    if (ofA.length !== ofB.length || new Set(ofA).size !== ofA.length || new Set(ofB).size !== ofB.length) {
      fail(
        'argument',
        `tensordot: expected equally many dimensions of both, each once, got ${show(ofA)} and ${show(ofB)}.`,
      );
    }
    // A size of 1 meets any other: the other is summed, as in PyTorch.
    let [p, q] = [a, b];
    ofA.forEach((d, i) => {
      const [m, n] = [a.shape[d] as number, b.shape[ofB[i] as number] as number];
      if (m === n) return;
      if (n === 1) p = sum(p, d, true);
      else if (m === 1) q = sum(q, ofB[i] as number, true);
      else fail('shape', `tensordot: sizes to sum over differ: ${show(a.shape)} and ${show(b.shape)} (${m} ≠ ${n}).`);
    });
    const restA = p.shape.map((_, i) => i).filter((i) => !ofA.includes(i));
    const restB = q.shape.map((_, i) => i).filter((i) => !ofB.includes(i));
    const run = sizeOf(ofA.map((d) => p.shape[d] as number));
    const rows = restA.map((d) => p.shape[d] as number);
    const columns = restB.map((d) => q.shape[d] as number);
    const product = matmul(
      reshape(permute(p, [...restA, ...ofA]), [sizeOf(rows), run]),
      reshape(permute(q, [...ofB, ...restB]), [run, sizeOf(columns)]),
    );
    return reshape(product, [...rows, ...columns]);
  },
);

/** beta · input + alpha · batch1 × batch2: input broadcasts to [B, M, N]. With beta 0 nothing of input is seen. */
export const baddbmm = /* @__PURE__ */ leading(
  'baddbmm',
  ['batch1', 'batch2'],
  (input: Tensor, batch1: Tensor, batch2: Tensor, options: BlendOptions = {}): Tensor => {
    checkTensor('baddbmm', input);
    checkOptions('baddbmm', options, ['beta', 'alpha']);
    const { beta = 1, alpha = 1 } = options;
    const y = mul(bmm(batch1, batch2), alpha);
    // 0 · NaN would be NaN, and 0 is meant.
    const shift = beta === 0 ? where(scalarLike(input, false, 'bool'), input, 0) : mul(input, beta);
    return add(expand(shift, y.shape), y);
  },
);
