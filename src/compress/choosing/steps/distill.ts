import { fail } from '../../../core/errors.js';
import { Module } from '../../../nn/index.js';
import { Distiller, type DistillerOptions } from '../../distillation/distill.js';
import type { Runnable } from '../data.js';
import { copyModel } from '../snapshot.js';
import { checkKeys, checkTraining, LEARNING_RATE, type StepKind, type TrainingOptions } from '../step.js';

/** Options of a Distiller, whose teacher is the model as it was before the first step. */
export interface Distill
  extends Omit<DistillerOptions, 'teacher' | 'teacherWeights' | 'student' | 'exampleInputs'>,
    TrainingOptions {
  /** The network that learns: a model, of which a copy is trained, or a function that makes one. Default: the model at hand. */
  readonly student?: Runnable | (() => Runnable);
  /** Passes over the training data. Default 5. */
  readonly epochs?: number;
}

const KEYS: readonly (keyof Distill)[] = [
  'student',
  'temperature',
  'alpha',
  'mixtures',
  'losses',
  'features',
  'generator',
  'epochs',
  'lr',
];

function distillerFor(options: Distill, teacher: Runnable, student: Runnable): Distiller {
  const { student: _, epochs: __, lr: ___, ...rest } = options;
  return new Distiller({ ...rest, teacher, student });
}

export const distillStep: StepKind<Distill> = {
  check(where, options, model, data) {
    checkKeys(where, options, KEYS);
    const { student, epochs = 5, features } = options;
    if (student !== undefined && !(student instanceof Module) && typeof student !== 'function') {
      fail('argument', `${where}: student must be a model, or a function that makes one.`);
    }
    if (features !== undefined) {
      fail('unsupported', `${where}: losses on features train layers of their own. Use a Distiller in a custom step.`);
    }
    checkTraining(where, { ...options, epochs }, data);
    // What a Distiller would refuse, it refuses here.
    const [teacher, learner] = [copyModel(model), copyModel(model)];
    try {
      distillerFor(options, teacher, learner);
    } finally {
      teacher.dispose();
      learner.dispose();
    }
  },
  label: ({ student }) => (student === undefined ? 'distill' : 'distill into a student'),
  async apply(model, options, { original, retrain }) {
    const { student, epochs = 5, lr = LEARNING_RATE } = options;
    const learner = student === undefined ? model : typeof student === 'function' ? student() : copyModel(student);
    // A teacher is put into evaluation mode; what the caller handed in keeps its own.
    const teacher = copyModel(original);
    try {
      const distiller = distillerFor(options, teacher, learner);
      await retrain(learner, { name: 'distill', epochs, lr, loss: (x, y) => distiller.loss(x, y) });
    } catch (error) {
      if (learner !== model) learner.dispose();
      throw error;
    } finally {
      teacher.dispose();
    }
    return learner === model ? {} : { model: learner };
  },
};
