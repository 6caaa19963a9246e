import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { checkTemperature } from './soft.js';
import { averageLogits, type Classifier, sharesOf } from './teachers.js';

export interface TeacherLogitsOptions {
  /** Shares of several teachers. Default: all the same. */
  readonly weights?: readonly number[];
  /** At which several teachers are averaged; to be that of the distillation. Default 4. */
  readonly temperature?: number;
}

/**
 * What a teacher, or several on average, says of all batches in evaluation mode: logits [samples, C] in the order of the
 * batches, so that it runs once and not once an epoch. Put them beside the inputs in a TensorDataset, and hand each batch's to
 * `distiller.step(x, labels, { teacherLogits })`. Batches are tensors, or arrays that begin with the input.
 */
export async function teacherLogits(
  teacher: Classifier | readonly Classifier[],
  batches: Iterable<Tensor | readonly Tensor[]> | AsyncIterable<Tensor | readonly Tensor[]>,
  options: TeacherLogitsOptions = {},
): Promise<Tensor> {
  const teachers = Array.isArray(teacher) ? (teacher as readonly Classifier[]) : [teacher as Classifier];
  const shares = sharesOf('teacherLogits', teachers.length, options.weights);
  const temperature = checkTemperature('teacherLogits', options.temperature ?? 4);
  const modes = teachers.map(({ training }) => training);
  const parts: Float32Array[] = [];
  let classes = 0;
  try {
    for (const model of teachers) model.eval();
    for await (const batch of batches) {
      const x = batch instanceof Tensor ? batch : (batch[0] as Tensor);
      scope(() => {
        const logits = noGrad(() =>
          averageLogits(
            teachers.map((model) => model.forward(x)),
            shares,
            temperature,
          ),
        );
        classes = logits.shape[1] as number;
        parts.push(Float32Array.from(logits.dataSync()));
      });
    }
  } finally {
    teachers.forEach((model, i) => model.train(modes[i] as boolean));
  }
  if (parts.length === 0) fail('data', 'teacherLogits: there was no batch.');
  const values = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return tensor(values, [values.length / classes, classes]);
}
