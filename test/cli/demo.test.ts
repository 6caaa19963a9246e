import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FettleError } from 'fettle';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoOptions, type DemoResult, runDemo } from '../../src/cli/demo/demo.js';
import { evalFile } from '../../src/cli/eval.js';
import type { Progress, ProgressUpdate } from '../../src/cli/progress.js';
import type { Report } from '../../src/cli/report/report.js';
import { UsageError } from '../../src/cli/usage.js';

/** A whole run takes seconds even so; everything below shares three of them. */
const OPTIONS: DemoOptions = { data: 'digits', seed: 3, epochs: 1, quick: true, out: null, resume: false };
const PATIENCE = 240_000;

let folder = '';
const place = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fettle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Log {
  readonly lines: string[];
  /** Stages in order, with the updates of each. */
  readonly stages: [name: string, updates: ProgressUpdate[]][];
}

/** A progress that shows nothing, remembers everything, and calls `watch` at each update. */
function silent(watch: (stage: string, update: ProgressUpdate) => void = () => {}): Progress & Log {
  const log: Log = { lines: [], stages: [] };
  return {
    ...log,
    stage(name) {
      const updates: ProgressUpdate[] = [];
      log.stages.push([name, updates]);
      return {
        update(update) {
          updates.push(update);
          watch(name, update);
        },
        note() {},
        finish() {},
      };
    },
    line(text) {
      log.lines.push(text);
    },
    close() {},
  };
}

/** Runs until batch `batch` of epoch `epoch` of a stage; without one, to the end. */
async function run(options: Partial<DemoOptions>, stopAt?: { stage: string; epoch?: number; batch: number }) {
  const abort = new AbortController();
  let batch = 0;
  const progress = silent((stage, update) => {
    if (stage !== stopAt?.stage || update.epoch !== stopAt.epoch) return;
    if (++batch === stopAt.batch) abort.abort(new Error('stopped'));
  });
  const result = runDemo({ ...OPTIONS, ...options }, progress, abort.signal);
  if (stopAt === undefined) return { log: progress, result: await result };
  await expect(result).rejects.toThrow('stopped');
  return { log: progress, result: null };
}

/** What must not depend on how often a run was interrupted. */
function figures({ variants, ...report }: Report) {
  return {
    data: report.data,
    seed: report.seed,
    variants: variants.map(({ name, method, accuracy, parameters, nonzero, bytes, file }) => {
      return { name, method, accuracy, parameters, nonzero, bytes, file };
    }),
  };
}

const reportIn = (name: string): Report => JSON.parse(readFileSync(join(place(name), 'report.json'), 'utf8')) as Report;

const NAMES = ['teacher', 'pruned', 'pruned-activation', 'shrunk', 'student', 'student-alone', 'int8'];
const ROUNDS = ['37 %', '61 %', '75 %', '85 %', '90 %'];
const JOBS = [
  'teacher',
  ...ROUNDS.map((round) => `pruned ${round}`),
  ...ROUNDS.map((round) => `pruned-activation ${round}`),
  'shrunk',
  'student',
  'student-alone',
];

let whole: DemoResult;
let log: Log;

beforeAll(async () => {
  // The folder as a process leaves it that is killed in the second epoch of this stage.
  let batches = 0;
  const progress = silent((stage, { epoch }) => {
    if (stage !== 'student-alone' || epoch !== 2 || ++batches !== 3) return;
    cpSync(place('whole'), place('killed'), { recursive: true });
    writeFileSync(join(place('killed'), 'checkpoint.safetensors.1-2.tmp'), 'half a chec');
  });
  whole = await runDemo({ ...OPTIONS, out: place('whole') }, progress, new AbortController().signal);
  log = progress;
}, PATIENCE);

describe('a run', () => {
  it('makes every network and says so', () => {
    expect(log.stages.map(([name]) => name)).toEqual([...JOBS, 'int8', 'measuring']);
    expect(log.lines).toEqual(['digits: 1,168 images to train on, 270 to validate, 359 to test; seed 3']);
    expect(whole.report.variants.map(({ name }) => name)).toEqual(NAMES);
    expect(NAMES).toContain(whole.report.recommended);
  });

  it('leaves the report and the models, and nothing that only a resumed run would need', () => {
    expect(readdirSync(place('whole')).sort()).toEqual(
      ['report.html', 'report.json', ...NAMES.map((name) => `${name}.safetensors`)].sort(),
    );
    expect(reportIn('whole')).toEqual(whole.report);
    const html = readFileSync(join(place('whole'), 'report.html'), 'utf8');
    for (const name of NAMES) expect(html).toContain(name);
  });

  it('tells validation figures with the epochs, and counts every batch', () => {
    for (const [name, updates] of log.stages.slice(0, JOBS.length)) {
      const epochs = Math.max(...updates.map(({ epoch }) => epoch ?? 0));
      expect(
        updates.filter(({ validation }) => validation !== undefined),
        name,
      ).toHaveLength(epochs);
      expect(updates.filter(({ epoch }) => epoch !== undefined)).toHaveLength(37 * epochs);
    }
    const [, measured] = log.stages[log.stages.length - 1] as [string, ProgressUpdate[]];
    expect(measured.map(({ done }) => done)).toEqual(Array.from({ length: 28 }, (_, i) => i + 1));
  });

  it('keeps what it promises of sizes and sparsity', () => {
    const by = Object.fromEntries(whole.report.variants.map((v) => [v.name, v]));
    const teacher = by.teacher as Report['variants'][number];
    for (const name of ['pruned', 'pruned-activation']) {
      // Biases are not pruned.
      expect((by[name]?.nonzero as number) / teacher.parameters).toBeLessThan(0.105);
      expect(by[name]?.parameters).toBe(teacher.parameters);
      expect(by[name]?.bytes).toBeLessThan(teacher.bytes * 0.2);
    }
    expect(by.shrunk?.parameters).toBeLessThan(teacher.parameters * 0.4);
    expect(by.student?.parameters).toBeLessThan(teacher.parameters * 0.1);
    expect(by['student-alone']?.parameters).toBe(by.student?.parameters);
    expect(by.int8?.bytes).toBeLessThan(teacher.bytes * 0.3);
    for (const { latencyMs } of whole.report.variants) {
      expect(latencyMs.batch1).toBeGreaterThan(0);
      expect(latencyMs.batch64).toBeGreaterThan(latencyMs.batch1);
    }
  });
});

describe('an interrupted run', () => {
  it(
    'goes on to the same figures, wherever it was stopped',
    async () => {
      const stops = [
        { stage: 'teacher', epoch: 1, batch: 5 },
        { stage: 'pruned 61 %', epoch: 1, batch: 36 },
        { stage: 'pruned 90 %', epoch: 2, batch: 3 },
        { stage: 'pruned-activation 75 %', epoch: 1, batch: 1 },
        { stage: 'shrunk', epoch: 1, batch: 20 },
        { stage: 'student', epoch: 2, batch: 4 },
        { stage: 'measuring', batch: 2 },
      ];
      let resume = false;
      for (const stop of stops) {
        const { log: seen } = await run(resume ? { resume: place('often') } : { out: place('often') }, stop);
        const names = seen.stages.map(([name]) => name);
        expect(names[names.length - 1]).toBe(stop.stage);
        if (resume) expect(seen.lines[0]).toMatch(/^going on with .*often(: (1 training is|\d+ trainings are) done)?$/);
        resume = true;
      }
      const { log: last, result } = await run({ resume: place('often') });
      expect(last.stages.map(([name]) => name)).toEqual(['int8', 'measuring']);
      expect(figures((result as DemoResult).report)).toEqual(figures(whole.report));
      expect(figures(reportIn('often'))).toEqual(figures(whole.report));
      expect(readdirSync(place('often')).sort()).toEqual(readdirSync(place('whole')).sort());
    },
    PATIENCE,
  );

  it(
    'that was killed loses no more than the epoch under way',
    async () => {
      const state = JSON.parse(readFileSync(join(place('killed'), 'state.json'), 'utf8')) as { jobs: object };
      expect(Object.keys(state.jobs)).toEqual(JOBS.slice(0, -1));
      const { log: seen, result } = await run({ resume: place('killed') });
      expect(seen.stages.map(([name]) => name)).toEqual(['student-alone', 'int8', 'measuring']);
      expect(seen.stages[0]?.[1][0]?.epoch).toBe(2);
      expect(figures((result as DemoResult).report)).toEqual(figures(whole.report));
      expect(readdirSync(place('killed')).sort()).toEqual(readdirSync(place('whole')).sort());
    },
    PATIENCE,
  );

  it(
    'begins anew in the same folder without --resume, also with another seed',
    async () => {
      await run({ out: place('anew'), epochs: 2 }, { stage: 'teacher', epoch: 2, batch: 1 });
      const { log: seen } = await run(
        { out: place('anew'), epochs: 2, seed: 4 },
        { stage: 'teacher', epoch: 1, batch: 1 },
      );
      expect(seen.lines[0]).toContain('begins anew; --resume would have gone on with it');
      expect(seen.stages[0]?.[1][0]?.epoch).toBe(1);
      expect(readFileSync(join(place('anew'), 'state.json'), 'utf8')).toContain('"seed":4');
      // The latest run below a folder is found, too.
      const { log: found } = await run({ resume: folder }, { stage: 'teacher', epoch: 1, batch: 1 });
      expect(found.lines[0]).toContain(place('anew'));
    },
    PATIENCE,
  );

  it('that does not exist, is finished or is damaged is an error that says so', async () => {
    const attempt = (resume: string) => runDemo({ ...OPTIONS, resume }, silent(), new AbortController().signal);
    for (const name of ['nowhere', 'whole']) {
      await expect(attempt(place(name))).rejects.toThrow(UsageError);
      await expect(attempt(place(name))).rejects.toThrow('there is no unfinished run in');
    }
    for (const text of ['', '{', '{}', 'null', '{"options":null}', '{"options":{},"jobs":{}}']) {
      writeFileSync(join(place('anew'), 'state.json'), text);
      await expect(attempt(place('anew'))).rejects.toThrow(FettleError);
      await expect(attempt(place('anew'))).rejects.toThrow('Start anew without --resume.');
    }
  });

  it('whose data cannot be read leaves no folder behind', async () => {
    const options = { ...OPTIONS, data: `mnist:${place('nowhere')}`, out: place('never') };
    await expect(runDemo(options, silent(), new AbortController().signal)).rejects.toThrow(FettleError);
    expect(existsSync(place('never'))).toBe(false);
  });
});

describe('eval', () => {
  it('scores every model as the report says', async () => {
    for (const { name, accuracy, file } of whole.report.variants) {
      const score = await evalFile(join(place('whole'), file), null);
      expect(score, name).toMatchObject({ data: 'digits', samples: 359, accuracy: accuracy.test });
      expect(score.loss).toBeGreaterThan(0);
    }
  });
});
