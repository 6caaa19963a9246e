import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/cli/report/html.js';
import { layerShares } from '../../src/cli/report/layers.js';
import { channels, DARK, LIGHT, type Theme } from '../../src/cli/report/palette.js';
import type { Report, ReportDetails } from '../../src/cli/report/report.js';
import { accuracyInterval, verdict } from '../../src/cli/report/verdict.js';
import { logTicks, thinned } from '../../src/compress/choosing/drawing/axis.js';
import { overlap, placeLabels } from '../../src/compress/choosing/drawing/labels.js';
import { escapeText, html } from '../../src/compress/choosing/drawing/markup.js';
import { paretoFront } from '../../src/compress/choosing/pareto.js';
import { digitsDetails, digitsReport } from './report-fixture.js';

const VOID = new Set(['meta', 'img', 'br', 'hr', 'link', 'input']);

/** Whether every element is closed in its turn; text of style and script is not looked at. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  const faults: string[] = [];
  const markup = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '').replace(/^<!doctype html>/, '');
  for (const [, closing, name = '', attributes = ''] of markup.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^>"])*)>/g,
  )) {
    if (closing) {
      const last = open.pop();
      if (last !== name) faults.push(`</${name}> after <${last}>`);
    } else if (!VOID.has(name) && !attributes.endsWith('/')) open.push(name);
  }
  return [...faults, ...open];
}

/** The first number or object, with what stands around it, that was printed without having a meaning. */
function meaningless(text: string): string | null {
  const markup = text.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
  return /.{0,40}(?:NaN|Infinity|undefined|\[object).{0,20}/.exec(markup)?.[0] ?? null;
}

const page = await renderReport(digitsReport, digitsDetails);

describe('renderReport', () => {
  it('makes one well-formed file that loads nothing', () => {
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(unbalanced(page)).toEqual([]);
    const outside = /https?:|["'(]\/\/|@import|<link|<iframe|<object|url\(|fetch\(|import\(/i;
    expect(outside.exec(page)?.[0]).toBeUndefined();
    for (const [, source] of page.matchAll(/\bsrc="([^"]*)"/g)) expect(source).toMatch(/^data:image\/png;base64,/);
    expect(meaningless(page)).toBeNull();
  });

  it('allows the script of the page and no other', () => {
    const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    expect(page).toContain(`script-src 'sha256-${hash}'`);
    expect(() => new Function(script)).not.toThrow();
  });

  it('shows every part', () => {
    for (const { name } of digitsReport.variants) expect(page).toContain(`>${name}</`);
    for (const id of ['results', 'trade', 'curves', 'sparsity', 'errors'])
      expect(page).toContain(`<section id="${id}"`);
    expect(page).toContain('<strong>Take int8</strong> because it is the smallest');
    expect(page).toContain('fettle demo --data digits --seed 0');
    expect(page).toContain('2026-03-14 15:09 UTC');
    expect(page.match(/<img /g)).toHaveLength(6);
    expect(page.match(/class="panel chart curve"/g)).toHaveLength(6);
  });

  it('gives charts a name and a description', () => {
    const drawings = [...page.matchAll(/<svg [^>]*role="img"[^>]*aria-labelledby="(\S+) (\S+)"/g)];
    expect(drawings.length).toBeGreaterThanOrEqual(8);
    for (const [, title, description] of drawings) {
      expect(page).toMatch(new RegExp(`<title id="${title}">[^<]+`));
      expect(page).toMatch(new RegExp(`<desc id="${description}">[^<]+`));
    }
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [image] of page.matchAll(/<img [^>]*>/g)) expect(image).toMatch(/alt="[^"]+"/);
  });

  it('is the same on every call', async () => {
    expect(await renderReport(digitsReport, digitsDetails)).toBe(page);
  });

  it('escapes everything that comes from outside', async () => {
    const evil = `</script><img src=x onerror="alert(1)">&'"`;
    const report: Report = {
      version: evil,
      data: evil,
      seed: 0,
      device: evil,
      runtime: evil,
      recommended: evil,
      reason: evil,
      seconds: 1,
      variants: digitsReport.variants.map((variant, index) => ({
        ...variant,
        name: index === 0 ? evil : `${evil}${index}`,
        method: evil,
        file: 'javascript:alert(1)',
      })),
    };
    const details: ReportDetails = {
      ...digitsDetails,
      command: evil,
      classes: digitsDetails.classes.map(() => evil),
      curves: digitsDetails.curves.map(({ stages }, index) => ({
        variant: index === 0 ? evil : `${evil}${index}`,
        stages: stages.map(({ epochs }) => ({ name: evil, epochs })),
      })),
      sparsity: [{ variant: evil, layers: [{ layer: evil, weights: 4, zeros: 2 }] }],
    };
    const text = await renderReport(report, details);
    expect(unbalanced(text)).toEqual([]);
    expect(text.match(/<script/g)).toHaveLength(1);
    expect(text.match(/<\/script/g)).toHaveLength(1);
    expect(text).not.toContain('<img src=x');
    expect(text).not.toContain('href="javascript');
  });

  it('links files beside the report, and nothing else', async () => {
    const withFile = (file: string) =>
      renderReport(
        { ...digitsReport, variants: digitsReport.variants.map((variant) => ({ ...variant, file })) },
        digitsDetails,
      );
    expect(await withFile('models/my net.safetensors')).toContain('href="models/my%20net.safetensors"');
    for (const file of ['/etc/passwd', 'data:text/html,x', '//host/x', 'C:\\x']) {
      expect(await withFile(file)).not.toContain('<a ');
    }
  });

  it('copes with runs that measured little', async () => {
    const bare: ReportDetails = {
      ...digitsDetails,
      curves: [
        {
          variant: 'teacher',
          stages: [
            { name: 'train', epochs: [{ epoch: 1, trainLoss: 0, validationLoss: Number.NaN, validationAccuracy: 1 }] },
            { name: 'nothing', epochs: [] },
          ],
        },
      ],
      sparsity: [],
      confusion: [],
      wrong: [],
    };
    const [teacher] = digitsReport.variants;
    if (!teacher) throw new Error('The fixture has no teacher.');
    const one = await renderReport({ ...digitsReport, variants: [teacher], recommended: 'teacher' }, bare);
    expect(unbalanced(one)).toEqual([]);
    expect(one).toContain('One network for digits');
    expect(one).toContain('<strong>Take teacher</strong>');
    const none = await renderReport({ ...digitsReport, variants: [] }, { ...bare, curves: [] });
    expect(unbalanced(none)).toEqual([]);
    expect(none).toContain('No variant is recommended.');
    for (const text of [one, none]) expect(meaningless(text)).toBeNull();
  });

  it('says so where nothing is wrong', async () => {
    const confusion = digitsDetails.confusion.map((row, label) => row.map((_, chosen) => (label === chosen ? 36 : 0)));
    expect(await renderReport(digitsReport, { ...digitsDetails, confusion, wrong: [] })).toContain(
      'every test sample is named',
    );
  });

  it('shows the most confident errors first, and says how many there are', async () => {
    const [sample] = digitsDetails.wrong;
    if (!sample) throw new Error('The fixture has no sample.');
    const wrong = Array.from({ length: 60 }, (_, index) => ({ ...sample, confidence: 0.3 + index / 100 }));
    const text = await renderReport(digitsReport, { ...digitsDetails, wrong });
    expect(text.match(/<img /g)).toHaveLength(48);
    expect(/(\d+)\u00a0% sure/.exec(text)?.[1]).toBe('89');
    expect(text).toContain('The 48 most confident of 60 errors.');
  });
});

describe('verdict', () => {
  it('is one paragraph about the choice and the teacher', () => {
    expect(verdict(digitsReport)).toBe(
      'Take int8 because it is the smallest file within half a point of the teacher. It names 98.33 % of the test ' +
        'samples correctly, 0.28 points below the teacher; its file of 20.1 kB is 10 times smaller, and it answers one ' +
        'sample in 0.014 ms, 2.9 times faster.',
    );
    expect(verdict({ ...digitsReport, recommended: 'teacher', reason: undefined })).toBe(
      'Take teacher. It names 98.61 % of the test samples correctly, from a file of 205 kB, and answers one sample in ' +
        '0.041 ms.',
    );
  });
});

describe('accuracyInterval', () => {
  it("is Wilson's", () => {
    const [low, high] = accuracyInterval(0.9, 100);
    expect(low).toBeCloseTo(0.8256, 4);
    expect(high).toBeCloseTo(0.9448, 4);
    expect(accuracyInterval(1, 360)[1]).toBe(1);
    expect(accuracyInterval(1, 360)[0]).toBeCloseTo(0.98944, 4);
    expect(accuracyInterval(0.5, 0)).toEqual([0, 1]);
  });
});

describe('paretoFront', () => {
  const point = fc.record({ cost: fc.integer({ min: 1, max: 20 }), worth: fc.integer({ min: 0, max: 20 }) });
  it('holds exactly what nothing beats', () => {
    fc.assert(
      fc.property(fc.array(point), (points) => {
        const front = paretoFront(
          points,
          ({ cost }) => cost,
          ({ worth }) => worth,
        );
        for (const item of points) {
          const beaten = points.some(
            (other) =>
              other.cost <= item.cost &&
              other.worth >= item.worth &&
              (other.cost < item.cost || other.worth > item.worth),
          );
          const inside = front.some((other) => other.cost === item.cost && other.worth === item.worth);
          expect(inside).toBe(!beaten);
        }
      }),
    );
  });
});

describe('placeLabels', () => {
  const bounds = { x: 0, y: 0, width: 500, height: 300 };
  const names = ['teacher', 'pruned', 'pruned-activation', 'shrunk', 'student', 'student-alone', 'int8'];

  it('keeps names apart and inside, wherever seven points lie', () => {
    const position = fc.record({ x: fc.integer({ min: 40, max: 460 }), y: fc.integer({ min: 30, max: 270 }) });
    fc.assert(
      fc.property(fc.array(position, { minLength: 7, maxLength: 7 }), (positions) => {
        const points = positions.map(({ x, y }, index) => ({ x, y, text: names[index] ?? '' }));
        const labels = placeLabels(points, { bounds });
        labels.forEach((label, index) => {
          expect(overlap(label, bounds)).toBeCloseTo(label.width * label.height, 6);
          for (const other of labels.slice(index + 1)) expect(overlap(label, other)).toBe(0);
        });
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('keeps names off the points, even where those stand close', () => {
    const points = names.map((text, index) => ({ x: 250 + 7 * (index % 3), y: 150 + 9 * index, text }));
    const labels = placeLabels(points, { bounds, radius: 6 });
    for (const label of labels) {
      for (const { x, y } of points) expect(overlap(label, { x: x - 4, y: y - 4, width: 8, height: 8 })).toBe(0);
    }
  });
});

describe('ticks', () => {
  it('are round and far enough apart', () => {
    const position = (value: number) => 100 * Math.log10(value);
    expect(logTicks(8, 1200, position, 20)).toEqual([10, 20, 50, 100, 200, 500, 1000]);
    expect(logTicks(8, 1200, position, 40)).toEqual([10, 30, 100, 300, 1000]);
    expect(logTicks(8, 1200, position, 60)).toEqual([10, 100, 1000]);
    expect(logTicks(4.1, 4.4, position, 60)).toEqual([4]);
    expect(thinned([5, 1, 6, 9], (value) => value, 3)).toEqual([5, 1, 9]);
  });
});

describe('layerShares', () => {
  it('adds up to one', () => {
    expect(layerShares(100, 75, 100)).toEqual({ kept: 0.25, zero: 0.75, removed: 0 });
    expect(layerShares(40, 10, 100)).toEqual({ kept: 0.3, zero: 0.1, removed: 0.6 });
    expect(layerShares(100, 50, 20)).toEqual({ kept: 0.5, zero: 0.5, removed: 0 });
    expect(layerShares(100, 50, undefined)).toEqual({ kept: 0.5, zero: 0.5, removed: 0 });
  });
});

describe('html', () => {
  it('escapes text, and not what is markup already', () => {
    expect(html`<p title="${'"x"'}">${html`<b>${'<&>'}</b>`}${['a', 1.23456]}${false}${null}</p>`.source).toBe(
      '<p title="&quot;x&quot;"><b>&lt;&amp;&gt;</b>a1.23</p>',
    );
    expect(escapeText("it's\0")).toBe('it&#39;s\ufffd');
  });
});

describe('palette', () => {
  /** Relative luminance and contrast of WCAG 2.2. */
  const luminance = (color: string) => {
    const [red, green, blue] = channels(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  };
  const contrast = (a: string, b: string) => {
    const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const mix = (top: string, bottom: string, alpha: number) => {
    const under = channels(bottom);
    const mixed = channels(top).map((value, index) => Math.round(alpha * value + (1 - alpha) * (under[index] ?? 0)));
    return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  };

  it.each<[string, Theme]>([
    ['light', LIGHT],
    ['dark', DARK],
  ])('%s text and marks can be told from what is behind them', (_, theme) => {
    for (const behind of [theme.page, theme.surface, theme.accentWash]) {
      for (const text of [theme.ink, theme.soft, theme.accent])
        expect(contrast(text, behind)).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(theme.surface, theme.accent)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.wrong, theme.surface)).toBeGreaterThanOrEqual(4.5);
    // Names in the scatter charts have the colour of their variant, so these count as text.
    for (const color of theme.variants) expect(contrast(color, theme.surface)).toBeGreaterThanOrEqual(4.5);
    for (const heat of [theme.right, theme.wrong]) {
      expect(contrast(theme.ink, mix(heat, theme.surface, 0.5))).toBeGreaterThanOrEqual(4.5);
    }
  });
});
