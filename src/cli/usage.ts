import { DATA_HELP } from './demo/source.js';

/** A mistake in the arguments: one line that says what to type instead, and exit code 2. */
export class UsageError extends Error {}

export const HELP = `fettle: train, trim and ship neural networks.

  fettle demo [options]         train a network on handwritten digits, prune, shrink, distil and
                                quantize it, measure everything, and say which result to take
  fettle eval FILE [options]    load a saved model and score it on the test part of its data

Options of demo
  --data NAME      ${DATA_HELP} (default digits, which come with fettle)
  --seed N         split, initial weights and order follow from it (default 0)
  --epochs N       epochs of the teacher; the other trainings keep their proportion
  --quick          a quarter of the training, to see everything work
  --out DIR        folder for the models and the report (default runs/<time>)
  --resume [DIR]   go on with a run that was interrupted: in DIR, or the latest in runs/
  --json           progress and results as JSON, one object a line

Options of eval
  --data NAME      score on other data of the same kind (default: the data the model was trained on)
  --json           print one JSON object

  --help, --version
`;

/** The known word nearest to `word`, if one is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** Insertions, deletions and replacements that turn one word into another (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
