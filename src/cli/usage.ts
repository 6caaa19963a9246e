import { relative } from 'node:path';
import { DATA_HELP } from './demo/source.js';
import type { Environment } from './terminal.js';

/** A mistake in the arguments: one line that says what to type instead, and exit code 2. */
export class UsageError extends Error {}

export const HELP = `fettle: train, trim and ship neural networks.

  fettle demo [options]         train a network on handwritten digits, prune, shrink, distil and
                                quantize it, measure everything, and say which result to take
  fettle eval FILE [options]    load a saved model and score it on the test part of its data

In the repository, npm start -- [options] is fettle demo, and npm start -- eval FILE is fettle eval.

Options of demo
  --data NAME      ${DATA_HELP} (default digits, which come with fettle)
  --seed N         split, initial weights and order follow from it (default 0)
  --epochs N       epochs of the teacher; the other trainings keep their proportion
  --quick          a quarter of the training, to see everything work (--epochs goes first)
  --out DIR        folder for the models and the report (default runs/<time>)
  --resume [DIR]   go on with a run that was interrupted: in DIR, or the latest in runs/
  --json           progress and results as JSON, one object a line

Options of eval
  --data NAME      score on other data of the same kind (default: the data the model was trained on)
  --json           print one JSON object

  -h, --help       this text
  -v, --version    the version

A folder for mnist or fashion holds the four IDX files, gzipped or not. Ctrl-C stops a demo, and
--resume goes on with it. Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 stopped. NO_COLOR
turns colours off.
`;

/** A command as the user would type it: after `npm start`, that again. */
export function typed(command: 'demo' | 'eval', rest: string, env: Environment = process.env): string {
  if (env.npm_lifecycle_event !== 'start') return `fettle ${command} ${rest}`;
  return command === 'demo' ? `npm start -- ${rest}` : `npm start -- ${command} ${rest}`;
}

/** A path as a person would write it: relative to where they are, unless that leads upwards. */
export function shortPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') ? path : fromHere;
}

/** The known word nearest to `word`, if one is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into another (Damerau, Levenshtein). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1]);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1, isSwap ? at(i - 2, j - 2) + 1 : Infinity));
    }
  }
  return at(a.length, b.length);
}
