import { tensor } from 'fettle';
import { Adam, lrScheduler, type Optimizer, SGD } from 'fettle/optim';
import { describe, expect, it, vi } from 'vitest';
import { golden, parameters, type SchedulerCase } from './problem.js';

type Plateau = lrScheduler.ReduceLROnPlateau;
type Spec = readonly [name: string, options: Readonly<Record<string, unknown>>];

const EPOCHS = 60;

function makeOptimizer(kind: 'SGD' | 'Adam' = 'SGD'): Optimizer {
  const [first, second] = parameters();
  if (first === undefined || second === undefined) throw new Error('the problem has two parameters');
  if (kind === 'Adam') return new Adam([first, second], { lr: 0.3 });
  return new SGD([{ params: [first] }, { params: [second], lr: 0.02 }], { lr: 0.5, momentum: 0.9 });
}

/** The figure that golden plateaus watch. */
function metric(epoch: number): number {
  const late = epoch > 45 ? 0.001 * (epoch - 45) : 0;
  return 1 / (1 + Math.min(epoch, 12)) + (epoch > 20 ? 0.02 * (epoch % 5) : 0) + late;
}

function build([name, options]: Spec, optimizer: Optimizer): lrScheduler.Scheduler {
  if (name === 'SequentialLR' || name === 'ChainedScheduler') {
    const parts = (options.schedulers as Spec[]).map((part) => build(part, optimizer));
    if (name === 'ChainedScheduler') return new lrScheduler.ChainedScheduler(parts);
    return new lrScheduler.SequentialLR(optimizer, parts, options.milestones as number[]);
  }
  const kind = lrScheduler[name as 'StepLR'] as new (optimizer: Optimizer, options: object) => lrScheduler.StepLR;
  if (options.lrLambda === undefined) return new kind(optimizer, options);
  const [a, b] = options.lrLambda as [number, number];
  return new kind(optimizer, { lrLambda: (epoch: number) => a + b / (1 + epoch) });
}

function stepOf(scheduler: lrScheduler.Scheduler, epoch: number, fraction?: number): void {
  if (fraction !== undefined) {
    (scheduler as lrScheduler.CosineAnnealingWarmRestarts).step((epoch + 1) * fraction);
    return;
  }
  if (scheduler instanceof lrScheduler.ReduceLROnPlateau) (scheduler as unknown as Plateau).step(metric(epoch));
  else scheduler.step();
}

function ratesOf(optimizer: Optimizer, { scheduler, optimizer: kind }: SchedulerCase): number[] {
  const rates = optimizer.paramGroups.map((group) => group.lr);
  if (scheduler !== 'OneCycleLR' && scheduler !== 'CyclicLR') return rates;
  return [
    ...rates,
    ...optimizer.paramGroups.map((group) => (kind === 'SGD' ? group.momentum : group.betas?.[0]) as number),
  ];
}

/** Nine digits are kept of what PyTorch gave: half a unit in the last of them, relative to a leading 1. */
function near(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((got[i] as number) - value)).toBeLessThanOrEqual(5.01e-9 * Math.abs(value) + 1e-16);
  }
}

const title = ({ scheduler, options }: SchedulerCase): string => `${scheduler} ${JSON.stringify(options)}`;
const cases = golden.schedulers.map((one) => [title(one), one] as const);

describe('schedules follow PyTorch', () => {
  it.each(cases)('%s', (_, one) => {
    const optimizer = makeOptimizer(one.optimizer);
    const scheduler = build([one.scheduler, one.options as Spec[1]], optimizer);
    near(ratesOf(optimizer, one), one.rates[0] as number[]);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      optimizer.step();
      stepOf(scheduler, epoch, one.fraction);
      near(ratesOf(optimizer, one), one.rates[epoch + 1] as number[]);
      expect(scheduler.getLastLr()).toEqual(optimizer.paramGroups.map((group) => group.lr));
    }
    const state = scheduler.stateDict();
    for (const [key, expected] of Object.entries(one.state)) {
      if (key === 'milestones') expect(state[key]).toEqual(expected);
      else near([state[key]].flat() as number[], [expected].flat() as number[]);
    }
  });

  it.each(cases)('goes on from its state: %s', (_, one) => {
    const before = makeOptimizer(one.optimizer);
    const first = build([one.scheduler, one.options as Spec[1]], before);
    for (let epoch = 0; epoch < 23; epoch++) {
      before.step();
      stepOf(first, epoch, one.fraction);
    }
    const after = makeOptimizer(one.optimizer);
    const second = build([one.scheduler, one.options as Spec[1]], after);
    after.loadStateDict(before.stateDict());
    second.loadStateDict(first.stateDict());
    expect(second.stateDict()).toEqual(first.stateDict());
    for (let epoch = 23; epoch < EPOCHS; epoch++) {
      after.step();
      stepOf(second, epoch, one.fraction);
      near(ratesOf(after, one), one.rates[epoch + 1] as number[]);
    }
  });
});

describe('arguments', () => {
  it('come by position, as options, or both', () => {
    const rates = [
      new lrScheduler.StepLR(makeOptimizer(), 2, 0.5),
      new lrScheduler.StepLR(makeOptimizer(), { stepSize: 2, gamma: 0.5 }),
      new lrScheduler.StepLR(makeOptimizer(), 2, { gamma: 0.5 }),
    ].map((scheduler) => {
      for (let epoch = 0; epoch < 4; epoch++) {
        scheduler.optimizer.step();
        scheduler.step();
      }
      return scheduler.getLastLr();
    });
    expect(rates).toEqual([
      [0.125, 0.005],
      [0.125, 0.005],
      [0.125, 0.005],
    ]);
  });

  it.each([
    ['an unknown option', 'StepLR', [{ stepSize: 3, gama: 0.1 }], "StepLR: there is no option 'gama'"],
    ['a missing one', 'StepLR', [{ gamma: 0.1 }], 'StepLR: stepSize must be given'],
    ['too many', 'ExponentialLR', [0.1, -1, 3], 'expected at most 2 arguments'],
    ['a step size of 0', 'StepLR', [0], 'stepSize must be a number > 0'],
    ['a factor above 1', 'LinearLR', [1.5], 'startFactor must be in (0, 1], got 1.5'],
    ['no period', 'CosineAnnealingLR', [], 'TMax must be given'],
    ['a fraction of a period', 'CosineAnnealingWarmRestarts', [2.5], 'T0 must be a whole number'],
    ['no steps', 'OneCycleLR', [0.1], 'expected totalSteps, or epochs and stepsPerEpoch'],
    ['another strategy', 'OneCycleLR', [0.1, 10, { annealStrategy: 'cubic' }], "must be 'cos' or 'linear'"],
    ['rates for other groups', 'OneCycleLR', [[0.1, 0.2, 0.3], 10], 'maxLr has 3 values, the optimizer 2'],
    ['another mode', 'CyclicLR', [0.1, 0.2, { mode: 'square' }], 'mode must be one of'],
    ['a number for a function', 'LambdaLR', [0.5], 'must be a function of the epoch'],
    ['a factor of 1', 'ReduceLROnPlateau', ['min', 1], 'factor must be below 1'],
    ['milestones that do not fit', 'SequentialLR', [[], []], 'expected a list of schedulers'],
  ])('refuses %s', (_, name, args, message) => {
    const kind = lrScheduler[name as 'StepLR'] as new (...args: unknown[]) => unknown;
    expect(() => new kind(makeOptimizer(), ...args)).toThrow(message);
  });

  it('refuses what is no optimizer, and momentum where there is none', () => {
    const kind = lrScheduler.StepLR as new (...args: unknown[]) => unknown;
    expect(() => new kind(parameters(), 3)).toThrow('the first argument must be an optimizer');
    const plain = makeOptimizer();
    Reflect.deleteProperty(plain.defaults, 'momentum');
    expect(() => new lrScheduler.CyclicLR(plain, 0.1, 0.2)).toThrow('has no momentum to cycle');
  });
});

describe('combinations', () => {
  it('warms up before any schedule', () => {
    const optimizer = makeOptimizer();
    const schedule = lrScheduler.warmup(new lrScheduler.StepLR(optimizer, 2, 0.5), 4, { startFactor: 0.2 });
    const rates = [optimizer.paramGroups[0]?.lr];
    for (let epoch = 0; epoch < 8; epoch++) {
      optimizer.step();
      schedule.step();
      rates.push(optimizer.paramGroups[0]?.lr);
    }
    near(rates as number[], [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.25, 0.25, 0.125]);
  });

  it.each([0.1, 1 / 3, 1])('falls from %f to 0, and not below', (startFactor) => {
    const optimizer = makeOptimizer();
    const schedule = new lrScheduler.LinearLR(optimizer, { startFactor, endFactor: 0, totalIters: 4 });
    for (let epoch = 0; epoch < 6; epoch++) {
      optimizer.step();
      schedule.step();
      if (epoch >= 3) near(schedule.getLastLr(), [0, 0]);
    }
  });

  it('nests', () => {
    const [flat, nested] = [makeOptimizer(), makeOptimizer()];
    const parts = (optimizer: Optimizer) =>
      [
        new lrScheduler.LinearLR(optimizer, { totalIters: 3 }),
        new lrScheduler.ExponentialLR(optimizer, 0.9),
        new lrScheduler.StepLR(optimizer, 2),
      ] as const;
    const one = new lrScheduler.SequentialLR(flat, parts(flat), [3, 7]);
    const [a, b, c] = parts(nested);
    const two = new lrScheduler.SequentialLR(nested, [a, new lrScheduler.SequentialLR(nested, [b, c], [4])], [3]);
    for (let epoch = 0; epoch < 15; epoch++) {
      expect(two.getLastLr()).toEqual(one.getLastLr());
      for (const scheduler of [one, two]) {
        scheduler.optimizer.step();
        scheduler.step();
      }
    }
  });

  it('refuses schedulers of another optimizer, and those that need a figure', () => {
    const optimizer = makeOptimizer();
    const foreign = new lrScheduler.ExponentialLR(makeOptimizer(), 0.9);
    expect(() => new lrScheduler.SequentialLR(optimizer, [foreign], [])).toThrow('belongs to another optimizer');
    const plateau = new lrScheduler.ReduceLROnPlateau(optimizer) as unknown as lrScheduler.Scheduler;
    expect(() => new lrScheduler.ChainedScheduler([plateau])).toThrow('needs a figure to step');
  });
});

describe('behaviour', () => {
  it('multiplies rates that were changed by hand', () => {
    const optimizer = makeOptimizer();
    const scheduler = new lrScheduler.ExponentialLR(optimizer, 0.5);
    for (const group of optimizer.paramGroups) group.lr = 1;
    optimizer.step();
    scheduler.step();
    expect(scheduler.getLastLr()).toEqual([0.5, 0.5]);
  });

  it('goes on from an epoch only where groups say where they began', () => {
    const optimizer = makeOptimizer();
    expect(() => new lrScheduler.StepLR(optimizer, 5, 0.1, { lastEpoch: 10 })).toThrow('needs an initialLr');
    for (const group of optimizer.paramGroups) group.initialLr = 0.5;
    const scheduler = new lrScheduler.CosineAnnealingLR(optimizer, 20, { lastEpoch: 9 });
    near(scheduler.getLastLr(), [0.25, 0.25]);
  });

  it('says so when it is stepped before the optimizer', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const optimizer = makeOptimizer();
    new lrScheduler.PolynomialLR(optimizer).step();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('Call optimizer.step() first'));
    warn.mockRestore();
  });

  it('takes the figure of a plateau as a tensor too, and as nothing else', () => {
    const scheduler = new lrScheduler.ReduceLROnPlateau(makeOptimizer(), { patience: 0 });
    scheduler.step(tensor(2));
    scheduler.step(tensor([3]));
    expect(scheduler.best).toBe(2);
    near(scheduler.getLastLr(), [0.05, 0.002]);
    expect(() => scheduler.step(undefined as unknown as number)).toThrow('needs the figure to watch');
  });

  it('keeps the state of a fresh plateau through JSON', () => {
    const [before, after] = [makeOptimizer(), makeOptimizer()].map((o) => new lrScheduler.ReduceLROnPlateau(o)) as [
      Plateau,
      Plateau,
    ];
    after.loadStateDict(JSON.parse(JSON.stringify(before.stateDict())));
    expect(after.best).toBe(Infinity);
  });

  it('steps warm restarts by fractions of an epoch', () => {
    const optimizer = makeOptimizer();
    const scheduler = new lrScheduler.CosineAnnealingWarmRestarts(optimizer, 4, 2);
    scheduler.step(4 + 4);
    near(scheduler.getLastLr(), [0.25, 0.01]);
    scheduler.step(2);
    near(scheduler.getLastLr(), [0.25, 0.01]);
    scheduler.step(12.0);
    near(scheduler.getLastLr(), [0.5, 0.02]);
  });

  it('refuses state that is none', () => {
    expect(() => new lrScheduler.ExponentialLR(makeOptimizer(), 0.9).loadStateDict({})).toThrow(
      'expected a state dict',
    );
  });

  it('can be extended', () => {
    class Inverse extends lrScheduler.LRScheduler<{ power: number }> {
      constructor(optimizer: Optimizer, power: number) {
        super(optimizer, { power });
      }

      getLr(): number[] {
        return this.baseLrs.map((lr) => lr / (1 + this.lastEpoch) ** this.variables.power);
      }
    }
    const scheduler = new Inverse(makeOptimizer(), 2);
    scheduler.optimizer.step();
    scheduler.step();
    expect(scheduler.getLastLr()).toEqual([0.125, 0.005]);
    expect(scheduler.stateDict()).toMatchObject({ power: 2, last_epoch: 1 });
  });
});
