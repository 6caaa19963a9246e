/**
 * Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network", section 3: a large net with dropout, bounded
 * weights and shifted images teaches a smaller one that has none of these and sees the images as they are; then one that never
 * sees a 3, whose bias is put right afterwards.
 */
import { manualSeed, noGrad, renorm, tensor } from 'fettle';
import { correctBias, Distiller } from 'fettle/compress';
import { Dropout, Flatten, Linear, ReLU, Sequential } from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { select } from './data.mjs';
import { mlp } from './nets.mjs';
import { countErrors, logitsOf, predictions, train } from './training.mjs';

export const title = 'Hinton, Vinyals, Dean 2015, Distilling the knowledge in a neural network, section 3';
export const minutes = 40;

/** The softened targets of a teacher go on teaching long after labels have nothing more to say. */
const [TEACHER_EPOCHS, STUDENT_EPOCHS, TAUGHT_EPOCHS] = [14, 10, 30];
/** Shares of the minutes, where those run out. */
const [TEACHER_SHARE, STUDENT_SHARE] = [0.4, 0.3];
const TEMPERATURE = 20;
/** Learning rate of a student that is taught: the softened targets pull a tenth as hard as labels do, and more evenly. */
const TAUGHT_RATE = 0.1;
/** Weight of the soft targets against the labels. */
const ALPHA = 0.9;
/** Bound of the length of a unit's incoming weights, seen to at every so many steps: at each it would cost a third of them. */
const [LONGEST, BOUND_EVERY] = [3.9, 20];
const HIDDEN = 3;

/** @typedef {import('./run.mjs').Task} Task */

/** 784-1200-1200-10 with dropout. */
function makeTeacher() {
  return new Sequential({
    ...{ flatten: new Flatten(), fc1: new Linear(784, 1200), relu1: new ReLU(), drop1: new Dropout(0.1) },
    ...{ fc2: new Linear(1200, 1200), relu2: new ReLU(), drop2: new Dropout(0.1), fc3: new Linear(1200, 10) },
  });
}

/**
 * Bounds the length of each hidden unit's incoming weights.
 *
 * @param {Sequential} model
 */
function bound(model) {
  for (const name of ['fc1', 'fc2']) {
    const { weight } = /** @type {Linear} */ (model.get(name));
    noGrad(() => void weight.copy_(renorm(weight, 2, 0, LONGEST)));
  }
}

/**
 * A student 784-800-800-10 that begins from the same weights each time: taught by `said`, a row of the teacher's logits for
 * each image, or alone.
 *
 * @param {Task} task
 * @param {import('./data.mjs').Images} data
 * @param {Float32Array | null} said
 * @param {string} name
 */
function trainStudent({ seed, minutes: limit, log }, data, said, name) {
  manualSeed(1000 + seed);
  const student = mlp([784, 800, 800, 10]);
  const distiller = new Distiller({ student, temperature: TEMPERATURE, alpha: ALPHA });
  const taught = {
    extra: said === null ? [] : [{ values: said, width: 10 }],
    /** @type {import('./training.mjs').TrainOptions['loss']} */
    loss: (x, y, [teacherLogits]) => distiller.loss(x, y, { teacherLogits }),
    /** @param {import('fettle/nn').Parameter[]} all */
    optimizer: (all) => new SGD(all, { lr: TAUGHT_RATE, momentum: 0.9, nesterov: true }),
  };
  const epochs = said === null ? STUDENT_EPOCHS : TAUGHT_EPOCHS;
  train(student, {
    ...{ data, seed, epochs, minutes: limit * STUDENT_SHARE, ...(said === null ? {} : taught) },
    onEpoch: (epoch, loss) => log(`${name}: epoch ${epoch} of ${epochs}, loss ${loss.toFixed(4)}`),
  });
  return student;
}

/** @param {Task} task */
export function run(task) {
  const { seed, data, minutes: limit, log } = task;
  manualSeed(seed);
  const teacher = makeTeacher();
  train(teacher, {
    ...{ data: data.train, seed, epochs: TEACHER_EPOCHS, minutes: limit * TEACHER_SHARE, shift: 2 },
    onStep: (step) => {
      if (step % BOUND_EVERY === 0) bound(teacher);
    },
    onEpoch: (epoch, loss) => log(`teacher: epoch ${epoch} of ${TEACHER_EPOCHS}, loss ${loss.toFixed(4)}`),
  });
  const taught = countErrors(teacher, data.test);
  log(`teacher: ${taught} errors`);
  const said = logitsOf(teacher, data.train);
  teacher.dispose();

  const [alone, distilled] = [null, said].map((rows) => {
    const name = rows === null ? 'alone' : 'distilled';
    const student = trainStudent(task, data.train, rows, name);
    const errors = countErrors(student, data.test);
    log(`${name}: ${errors} errors`);
    student.dispose();
    return errors;
  });

  const seen = select(data.train, (label) => label !== HIDDEN);
  const saidOfSeen = said.filter((_, i) => data.train.labels[Math.floor(i / 10)] !== HIDDEN);
  const student = trainStudent(task, seen, saidOfSeen, 'without 3s');
  const before = countsOf(logitsOf(student, data.test), data.test.labels);
  log(`without 3s: ${before.errors} errors, ${before.hidden} of them on 3s`);
  // The share of 3s is known, and none of the images needs its label for this.
  const share = data.train.labels.filter((label) => label === HIDDEN).length / data.train.length;
  const shares = Array.from({ length: 10 }, (_, c) => (c === HIDDEN ? share : (1 - share) / 9));
  const logits = tensor(logitsOf(student, data.train), [data.train.length, 10]);
  const shift = correctBias(student.get('fc3'), logits, { classes: [HIDDEN], shares });
  logits.dispose();
  const after = countsOf(logitsOf(student, data.test), data.test.labels);
  log(
    `with the bias of 3 raised by ${shift[HIDDEN]?.toFixed(2)}: ${after.errors} errors, ${after.hidden} of them on 3s`,
  );
  student.dispose();

  return [
    { case: 'errors of the teacher, 2×1200', paper: '67', value: taught },
    { case: 'errors of the student alone, 2×800', paper: '146', value: Number(alone) },
    { case: 'errors of the student distilled', paper: '74', value: Number(distilled) },
    {
      ...{ case: 'of the gap closed by distilling', paper: '91.1 %', unit: '%', digits: 1, atLeast: 85 },
      // Without a gap there is nothing to close.
      value: taught < Number(alone) ? (100 * (Number(alone) - Number(distilled))) / (Number(alone) - taught) : 0,
    },
    { case: 'errors without 3s, before the correction', paper: '206', value: before.errors },
    { case: 'errors without 3s, bias corrected', paper: '109', value: after.errors },
    {
      ...{ case: 'of test 3s right, never having seen one', paper: '98.6 %', unit: '%', digits: 1, atLeast: 98 },
      value: 100 * (1 - after.hidden / after.shown),
    },
  ];
}

/**
 * Errors in all, errors on the hidden class, and how many images of it there are.
 *
 * @param {Float32Array} logits
 * @param {Uint8Array} labels
 */
function countsOf(logits, labels) {
  const said = predictions(logits);
  const wrong = [...labels.keys()].filter((n) => said[n] !== labels[n]);
  return {
    errors: wrong.length,
    hidden: wrong.filter((n) => labels[n] === HIDDEN).length,
    shown: labels.filter((label) => label === HIDDEN).length,
  };
}
