import { describe, expect, it } from 'vitest';
import { createProgress, rateEstimator } from '../../src/cli/progress.js';
import { epochLine, formatBar, formatLoss, progressLine, summaryLine } from '../../src/cli/progress-lines.js';
import { displayWidth } from '../../src/cli/terminal.js';

const ESCAPE = '\u001b';

function fakeStream(isTTY: boolean, columns = 100) {
  const writes: string[] = [];
  return { isTTY, columns, writes, write: (text: string) => writes.push(text), text: () => writes.join('') };
}

function fakeClock() {
  let time = 0;
  return { now: () => time, pass: (milliseconds: number) => (time += milliseconds) };
}

/** What a terminal shows after `text`: enough of one for carriage return, cursor up and clear to the end. */
function screen(text: string): string[] {
  const lines = [''];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters.
  for (const token of text.match(/\u001b\[\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g) ?? []) {
    const up = /\[(\d+)A$/.exec(token);
    if (token === '\r') continue;
    if (token === '\n') {
      row++;
      lines[row] ??= '';
    } else if (up) row -= Number(up[1]);
    else if (token.endsWith('[J')) {
      lines.length = row + 1;
      lines[row] = '';
    } else if (!token.startsWith(ESCAPE)) lines[row] += token;
  }
  return lines;
}

const state = {
  name: 'teacher',
  total: 2000,
  done: 1240,
  epoch: 12,
  epochs: 20,
  loss: 0.0421,
  accuracy: 0.989,
  samplesPerSecond: 41234,
  secondsLeft: 14,
  seconds: 23,
};
const plain = { color: false, unicode: true };

describe('formatBar', () => {
  it('fills in half cells', () => {
    expect(formatBar(0, 6, plain)).toBe('──────');
    expect(formatBar(0.25, 6, plain)).toBe('━╸────');
    expect(formatBar(0.5, 6, plain)).toBe('━━━───');
    expect(formatBar(1, 6, plain)).toBe('━━━━━━');
    expect(formatBar(0.25, 6, { color: false, unicode: false })).toBe('=>----');
  });

  it('takes fractions that no job should give', () => {
    expect(formatBar(-1, 4, plain)).toBe('────');
    expect(formatBar(7, 4, plain)).toBe('━━━━');
    expect(formatBar(Number.NaN, 4, plain)).toBe('────');
  });
});

describe('formatLoss', () => {
  it('keeps its width over the sizes of a training', () => {
    expect(formatLoss(Math.LN10)).toBe('2.3026');
    expect(formatLoss(0.0421)).toBe('0.0421');
    expect(formatLoss(12.3456)).toBe('12.346');
    expect(formatLoss(0)).toBe('0.0000');
    expect(formatLoss(0.00000123)).toBe('1.2e-6');
    expect(formatLoss(1234567)).toBe('1.2e+6');
    expect(formatLoss(Number.NaN)).toBe('NaN');
  });
});

describe('progressLine', () => {
  it('says everything where there is room', () => {
    expect(progressLine(state, { ...plain, columns: 120 })).toBe(
      '▸ teacher  ━━━━━━━━━━━━━━━━━───────────   62 %  epoch 12/20  loss 0.0421  acc  98.9 %  41.2k/s   0:14 left',
    );
  });

  it('keeps bar, percent, loss, accuracy, speed and time left on 80 columns', () => {
    expect(progressLine(state, { ...plain, columns: 80 })).toMatch(
      /^▸ teacher {2}[━╸─]{8,} {3}62 % .*loss 0\.0421 {2}acc {2}98\.9 % {2}41\.2k\/s {3}0:14 left$/,
    );
  });

  it('never fills a terminal of any width', () => {
    const names = ['teacher', 'a stage with a long name indeed', '数字の学習'];
    for (let columns = 1; columns <= 130; columns++) {
      for (const name of names) {
        const noted = { ...state, name, note: 'a note that takes some room' };
        expect(displayWidth(progressLine(noted, { ...plain, columns }))).toBeLessThanOrEqual(Math.max(1, columns - 1));
        for (const finished of [true, false]) {
          const line = summaryLine(noted, { ...plain, columns }, { finished });
          expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(2, columns - 1));
        }
      }
    }
  });

  it('colours without changing the text', () => {
    const colored = progressLine(state, { color: true, unicode: true, columns: 100 });
    expect(colored).toContain(ESCAPE);
    expect(displayWidth(colored)).toBe(displayWidth(progressLine(state, { ...plain, columns: 100 })));
  });

  it('shows time instead of a bar where the total is unknown', () => {
    const line = progressLine({ name: 'load', total: 0, done: 3, seconds: 5 }, { ...plain, columns: 80 });
    expect(line).toBe('▸ load  0:05');
  });

  it('speaks ASCII', () => {
    expect(progressLine(state, { color: false, unicode: false, columns: 100 })).toMatch(/^[\u0020-\u007e]+$/);
  });
});

describe('summaryLine', () => {
  it('leaves one tidy line', () => {
    expect(summaryLine(state, { ...plain, columns: 100, nameWidth: 9 }, { finished: true })).toBe(
      '✓ teacher    12 epochs, loss 0.0421, accuracy 98.90 %  23.0 s',
    );
    expect(summaryLine(state, { ...plain, columns: 100 }, { finished: true, summary: '98.9 % on validation' })).toBe(
      '✓ teacher  98.9 % on validation  23.0 s',
    );
    expect(summaryLine(state, { ...plain, columns: 100 }, { finished: false })).toMatch(
      /^■ teacher {2}stopped, 12 epochs/,
    );
  });
});

describe('epochLine', () => {
  it('says what is known', () => {
    expect(epochLine('teacher', state)).toBe('teacher: epoch 12/20, loss 0.0421, accuracy 98.90 %, 41.2k samples/s');
    expect(epochLine('teacher', { done: 3, epoch: 1 })).toBe('teacher: epoch 1');
  });
});

describe('rateEstimator', () => {
  it('is exact for a steady job from the first sample on', () => {
    const rate = rateEstimator(100);
    expect(rate.rate()).toBeUndefined();
    rate.sample(50, 200);
    expect(rate.rate()).toBeCloseTo(0.5, 12);
    rate.sample(500, 1100);
    expect(rate.rate()).toBeCloseTo(0.5, 12);
  });

  it('follows a change of speed', () => {
    const rate = rateEstimator(0, 1000);
    rate.sample(100, 1000);
    for (let step = 1; step <= 10; step++) rate.sample(100 + 400 * step, 1000 + 1000 * step);
    expect(rate.rate()).toBeGreaterThan(0.39);
    expect(rate.rate()).toBeLessThanOrEqual(0.4);
  });
});

describe('createProgress on a terminal', () => {
  it('redraws one line in place and leaves one', () => {
    const stream = fakeStream(true);
    const clock = fakeClock();
    const progress = createProgress({ stream, env: { NO_COLOR: '1' }, now: clock.now });
    const stage = progress.stage('teacher', { total: 100 });
    for (let done = 1; done <= 100; done++) {
      clock.pass(100);
      stage.update({ done, epoch: Math.ceil(done / 10), epochs: 10, loss: 1 / done });
    }
    expect(screen(stream.text())).toEqual([expect.stringMatching(/^▸ teacher .*100 %.*epoch 10\/10/)]);
    stage.finish('99.1 %');
    stage.update({ done: 1 });
    stage.finish();
    expect(screen(stream.text())).toEqual(['✓ teacher  99.1 %  10.0 s', '']);
  });

  it('redraws at most 15 times a second', () => {
    const stream = fakeStream(true);
    const clock = fakeClock();
    const stage = createProgress({ stream, env: {}, now: clock.now }).stage('fast', { total: 10_000 });
    for (let done = 1; done <= 10_000; done++) {
      clock.pass(0.1);
      stage.update({ done });
    }
    expect(stream.writes.length).toBeLessThanOrEqual(16);
  });

  it('estimates the time left and keeps figures that are not repeated', () => {
    const stream = fakeStream(true, 120);
    const clock = fakeClock();
    const stage = createProgress({ stream, env: { NO_COLOR: '1' }, now: clock.now }).stage('teacher', { total: 100 });
    clock.pass(10_000);
    stage.update({ done: 25, accuracy: 0.5 });
    clock.pass(10_000);
    stage.update({ done: 50, loss: 2 });
    expect(screen(stream.text())[0]).toMatch(/50 % {2}loss 2\.0000 {2}acc {2}50\.0 % {3}0:20 left$/);
  });

  it('keeps several stages and lines above them apart', () => {
    const stream = fakeStream(true);
    const clock = fakeClock();
    const progress = createProgress({ stream, env: { NO_COLOR: '1' }, now: clock.now });
    const first = progress.stage('magnitude', { total: 10 });
    const second = progress.stage('activation', { total: 10 });
    progress.line('hello');
    clock.pass(1000);
    first.update({ done: 5 });
    second.note('early stop');
    expect(screen(stream.text())).toEqual([
      'hello',
      expect.stringMatching(/^▸ magnitude .*50 %/),
      expect.stringMatching(/^▸ activation .* 0 %.*early stop/),
    ]);
    first.finish('done well');
    expect(screen(stream.text())).toEqual([
      'hello',
      expect.stringMatching(/^✓ magnitude {3}done well/),
      expect.stringMatching(/^▸ activation/),
    ]);
    progress.close();
    expect(screen(stream.text())[2]).toMatch(/^■ activation {2}stopped, early stop/);
    expect(screen(stream.text())[3]).toBe('');
  });
});

describe('createProgress in a pipe', () => {
  const run = (json: boolean) => {
    const stream = fakeStream(false);
    const clock = fakeClock();
    const progress = createProgress({ stream, json, env: {}, now: clock.now });
    const stage = progress.stage('teacher', { total: 20 });
    for (let done = 1; done <= 20; done++) {
      clock.pass(100);
      stage.update({ done, epoch: Math.ceil(done / 10), epochs: 2, loss: 1 / done });
      if (done % 10 === 0) stage.update({ done, accuracy: done / 40 });
    }
    stage.note('stopped early');
    stage.finish('50 %');
    progress.line(`${ESCAPE}[1mbold${ESCAPE}[22m`);
    progress.stage('student', { total: 5 }).update({ done: 1 });
    progress.close();
    return stream.text();
  };

  it('prints one line at the start and one per epoch, without control characters', () => {
    expect(run(false).split('\n')).toEqual([
      'teacher ...',
      'teacher: epoch 1/2, loss 0.1000, accuracy 25.00 %',
      'teacher: epoch 2/2, loss 0.0500, accuracy 50.00 %',
      'teacher: stopped early',
      'teacher: done in 2.00 s, 50 %',
      'bold',
      'student ...',
      'student: stopped after 0.00 s',
      '',
    ]);
  });

  it('prints one JSON object per line when asked', () => {
    const events = run(true)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual('stage epoch epoch note finish line stage stop'.split(' '));
    expect(events[1]).toEqual({
      event: 'epoch',
      stage: 'teacher',
      total: 20,
      done: 10,
      epoch: 1,
      epochs: 2,
      loss: 0.1,
      accuracy: 0.25,
    });
  });
});
