import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { folderStore, type Objective, type SearchProgress, type SearchResult, search } from '../../compress/index.js';
import { fail } from '../../core/errors.js';
import { saveModel } from '../../train/index.js';
import type { Net } from '../demo/nets.js';
import { writeWhole } from '../demo/session.js';
import {
  COMPUTING,
  dataName,
  decimal,
  type Entry,
  type Options,
  oneFile,
  oneOf,
  type Shell,
  wholeNumber,
} from '../options.js';
import { formatBytes, formatPercent } from '../table.js';
import { openModel, type Task } from '../task.js';
import { shortPath, typed, UsageError } from '../usage.js';
import { dataOf, exampleOf, spoken, testAccuracy } from '../work.js';

/** What a search is asked for; a resumed one takes it from its folder. */
export interface SearchPlan {
  readonly file: string;
  readonly data: string | null;
  readonly maxDrop: number;
  readonly objective: Objective;
  readonly minutes: number | null;
  readonly trials: number | null;
  readonly methods: readonly string[] | null;
  readonly depth: number;
  readonly epochs: number;
  readonly seed: number;
}

export interface SearchAsked {
  readonly out: string;
  /** Null to go on with what is in the folder. */
  readonly plan: SearchPlan | null;
}

const PLAN = 'search-plan.json';
const TRIALS = 'trials';
const PICTURE = 'search.svg';
const RESULT = 'search.json';
const BEST = 'best.safetensors';
const OBJECTIVES = ['size', 'latency', 'flops'] as const;

const OPTIONS: Options = {
  ...COMPUTING,
  'max-drop': { example: '0.01' },
  objective: { example: 'latency' },
  methods: { example: 'prune,quantize' },
  depth: { example: '2' },
  minutes: { example: '5' },
  trials: { example: '40' },
  epochs: { example: '2' },
  seed: { example: '3' },
  out: { short: '-o', example: 'runs/search' },
  resume: { example: 'runs/search' },
};

export const searchCommand: Entry<SearchAsked> = {
  options: OPTIONS,
  read(parsed) {
    const { values } = parsed;
    if (values.resume !== undefined) {
      const given = Object.keys(values)
        .filter((key) => !['resume', 'json'].includes(key))
        .map((key) => `--${key}`);
      const all = [...parsed.positionals, ...given];
      if (all.length > 0) {
        throw new UsageError(
          `--resume goes on with the file and the options of the interrupted search; leave out ${all.join(', ')}.`,
        );
      }
      return { out: values.resume, plan: null };
    }
    const file = oneFile('search', parsed, 'mlp.safetensors --max-drop 0.01');
    return {
      out: values.out ?? `${file.replace(/\.safetensors$/, '')}-search`,
      plan: {
        file,
        data: dataName(values.data, { every: true }),
        maxDrop: decimal('--max-drop', values['max-drop'], { least: 0, example: '0.01' }) ?? 0.01,
        objective: oneOf('--objective', values.objective, OBJECTIVES) ?? 'size',
        minutes: decimal('--minutes', values.minutes, { least: 1e-3, example: '5' }),
        trials: wholeNumber('--trials', values.trials, 1),
        methods: values.methods?.split(',') ?? null,
        depth: wholeNumber('--depth', values.depth, 1) ?? 3,
        epochs: wholeNumber('--epochs', values.epochs, 0) ?? 2,
        seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      },
    };
  },
  run,
  goOn: ({ out }) => typed('search', `--resume ${shortPath(out)}`),
};

function readPlan(folder: string): SearchPlan {
  const path = join(folder, PLAN);
  if (!existsSync(path)) {
    throw new UsageError(
      `--resume: there is no interrupted search in ${shortPath(folder)}. Start one without --resume.`,
    );
  }
  try {
    const plan = JSON.parse(readFileSync(path, 'utf8')) as SearchPlan;
    if (typeof plan.file === 'string' && typeof plan.maxDrop === 'number') return plan;
  } catch (error) {
    return fail('format', `--resume: ${path} cannot be read. Start anew without --resume.`, error);
  }
  return fail('format', `--resume: ${path} is not the plan of a search. Start anew without --resume.`);
}

function checkFolder(out: string): void {
  if (existsSync(join(out, PLAN))) {
    throw new UsageError(
      `--out: ${shortPath(out)} holds an interrupted search. Go on with it: fettle search --resume ${shortPath(out)}, or choose another folder.`,
    );
  }
  if (existsSync(join(out, RESULT))) {
    throw new UsageError(
      `--out: ${shortPath(out)} holds a finished search. Choose another folder, or delete it first.`,
    );
  }
}

async function run({ out, plan: given }: SearchAsked, shell: Shell): Promise<void> {
  if (given !== null) checkFolder(out);
  const plan = given ?? readPlan(out);
  const { model, about, task } = await openModel(plan.file, plan.data);
  const example = exampleOf(about, 64);
  let found: SearchResult<Net> | null = null;
  try {
    mkdirSync(join(out, TRIALS), { recursive: true });
    writeWhole(join(out, PLAN), JSON.stringify(plan));
    found = await look(model, dataOf(task, plan.seed, example), plan, out, shell);
    const test = { before: await testAccuracy(model, task), after: await testAccuracy(found.model, task) };
    await saveModel(join(out, BEST), found.model, about);
    writeWhole(join(out, PICTURE), found.svg());
    const { original, best, steps, trials, pareto, cuts, seconds } = found;
    const result = { plan, original, best, steps, trials, pareto, cuts, seconds, test };
    writeWhole(join(out, RESULT), `${JSON.stringify(result, null, 1)}\n`);
    // Only now is there nothing left to go on with.
    rmSync(join(out, TRIALS), { recursive: true });
    rmSync(join(out, PLAN));
    tell(shell, out, found, test, task);
  } finally {
    example.dispose();
    found?.model.dispose();
    model.dispose();
  }
}

async function look(
  model: Net,
  data: ReturnType<typeof dataOf>,
  { maxDrop, objective, minutes, trials, methods, depth, epochs, seed }: SearchPlan,
  out: string,
  { progress, signal }: Shell,
): Promise<SearchResult<Net>> {
  const parts = 1000;
  const stage = progress.stage('search', { total: parts });
  const onProgress = ({ spent, trial, trials: count, best }: SearchProgress): void => {
    stage.update({ done: Math.round(spent * parts) });
    if (trial === undefined) return;
    const verdict = trial.error !== null ? 'not possible' : trial.drop <= maxDrop + 1e-9 ? 'good' : 'loses too much';
    progress.line(
      `${String(count).padStart(3)}  ${trial.label}: ${formatPercent(trial.metric)}, ${formatBytes(trial.bytes)}, ${verdict}${trial === best ? ', best so far' : ''}`,
    );
  };
  const budget = {
    ...(trials === null ? {} : { trials }),
    ...(minutes === null && trials === null ? { seconds: 300 } : minutes === null ? {} : { seconds: minutes * 60 }),
  };
  const found = await search(model, data, {
    maxAccuracyDrop: maxDrop,
    objective,
    depth,
    epochs,
    seed,
    budget,
    ...(methods === null ? {} : { methods }),
    store: folderStore(join(out, TRIALS)),
    signal,
    onProgress,
  });
  stage.finish(`${found.trials.length - 1} chains`);
  return found;
}

function tell(
  { stream, json, progress }: Shell,
  out: string,
  found: SearchResult<Net>,
  test: { readonly before: number; readonly after: number },
  task: Task,
): void {
  progress.close();
  const best = join(out, BEST);
  if (json) {
    const { original, best: trial, pareto, trials, seconds } = found;
    stream.write(`${JSON.stringify({ event: 'result', out, original, best: trial, pareto, trials, seconds, test })}\n`);
    return;
  }
  const lines = [
    '',
    found.table(),
    '',
    `Test     ${formatPercent(test.before)} before, ${formatPercent(test.after)} now, of ${task.test.length} samples that had no part in the search`,
    `Model    ${shortPath(best)} (${formatBytes(statSync(best).size)}); score it again with: ${typed('eval', shortPath(best))}`,
    `Picture  ${shortPath(join(out, PICTURE))}`,
  ];
  stream.write(spoken(stream, `${lines.join('\n')}\n`));
}
