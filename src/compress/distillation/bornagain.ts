import { fail } from '../../core/errors.js';
import { Distiller, type DistillerOptions } from './distill.js';
import type { Classifier } from './teachers.js';

export interface BornAgainOptions<M extends Classifier> extends Omit<DistillerOptions, 'teacher' | 'student'> {
  /** The first teacher, trained. */
  readonly teacher: M;
  /** Makes an untrained student, as a rule of the teacher's own architecture. */
  readonly make: (generation: number) => M;
  /** How many students are trained, each by the one before. Default 1. */
  readonly generations?: number;
  /** Trains `distiller.student`. */
  readonly train: (distiller: Distiller, generation: number) => void | Promise<void>;
}

/**
 * Trains students one after another, each taught by the one before, and gives them all: the last one alone, or all of them on
 * average, are as a rule better than the first teacher. Furlanello, Lipton, Tschannen, Itti, Anandkumar 2018, "Born-again
 * neural networks", section 3.
 */
export async function bornAgain<M extends Classifier>(options: BornAgainOptions<M>): Promise<M[]> {
  const { teacher, make, generations = 1, train, ...rest } = options;
  if (!Number.isInteger(generations) || generations < 1) {
    fail('argument', `bornAgain: generations must be a whole number ≥ 1, got ${generations}.`);
  }
  const students: M[] = [];
  for (let generation = 1; generation <= generations; generation++) {
    const student = make(generation);
    const distiller = new Distiller({ ...rest, teacher: students.at(-1) ?? teacher, student });
    try {
      await train(distiller, generation);
    } finally {
      distiller.dispose();
    }
    students.push(student);
  }
  return students;
}
