import {
  argmax,
  crossEntropy,
  deterministic,
  layerNorm,
  logSoftmax,
  logsumexp,
  manualSeed,
  max,
  min,
  randn,
  relu,
  scope,
  softmax,
  sum,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentDevice, useDevice } from '../../src/backend/current.js';
import { WebGpuDevice } from '../../src/backend/webgpu/device.js';
import type { Chip, Dispatch, Executor } from '../../src/backend/webgpu/executor.js';
import { type Pass, writes } from '../../src/backend/webgpu/pass.js';
import { Planner } from '../../src/backend/webgpu/planner.js';
import { BufferPool } from '../../src/backend/webgpu/pool.js';
import type { Device } from '../../src/core/device.js';
import { FakeExecutor } from './fake.js';

/** Joins within subgroups: where they are written, on no GPU, and what they give, on one, for subgroups of all sizes. */

let before: Device;

beforeEach(() => {
  before = currentDevice();
});

afterEach(async () => {
  await deterministic(false);
  useDevice(before.name === 'wasm' ? null : before);
});

describe('texts', () => {
  let executor: FakeExecutor;

  const on = (chip: Partial<Chip>): void => {
    executor = new FakeExecutor(chip);
    useDevice(new WebGpuDevice(executor));
  };

  /** The texts of the programs that join values of rows of 700, one for each of five ops. */
  const joins = (): string[] => {
    const x = zeros([3, 700]);
    const weight = zeros([700]);
    const target = tensor([1, 2, 3], { dtype: 'int32' });
    const acts = [
      () => sum(x, 1),
      () => argmax(x, 1),
      () => softmax(x, 1),
      () => crossEntropy(x, target),
      () => layerNorm(x, [700], weight),
    ];
    return acts.map((act) => {
      executor.dispatches.length = 0;
      scope(() => void act());
      const codes = executor.dispatches.map(({ program }) => program.code);
      const joining = codes.find((code) => /local \/ 256u|i32\(local\) \/ 256/.test(code));
      return joining ?? expect.fail('no program has lanes that share a row');
    });
  };

  it('join within subgroups where the chip has them', () => {
    on({ subgroups: 32 });
    for (const code of joins()) {
      expect(code).toMatch(/^enable subgroups;\n/);
      expect(code).toContain('subgroupShuffleXor(all, 16u)');
      // No shuffle is longer than the chip's subgroups.
      expect(code).not.toContain('subgroupShuffleXor(all, 32u)');
      expect(code).not.toContain('half >>= 1u');
    }
  });

  it('join by halves where it has none, and with deterministic(true)', async () => {
    on({});
    for (const code of joins()) expect(code).not.toContain('subgroup');
    on({ subgroups: 32 });
    await deterministic(true);
    for (const code of joins()) expect(code).not.toContain('subgroup');
    await deterministic(false);
    for (const code of joins()) expect(code).toContain('subgroupShuffleXor');
  });

  it('that join nothing are the same programs in either mode', async () => {
    on({ subgroups: 32 });
    const [x, long] = [zeros([4]), zeros([2, 600])];
    const programs = async (act: () => unknown): Promise<number> => {
      executor.dispatches.length = 0;
      act();
      await deterministic(true);
      act();
      await deterministic(false);
      act();
      return new Set(executor.dispatches.map(({ program }) => program.id)).size;
    };
    expect(await programs(() => relu(x))).toBe(1);
    expect(await programs(() => sum(long, 1))).toBe(2);
  });

  it('need no shuffle where a row has one invocation', () => {
    on({ subgroups: 32 });
    const x = zeros([5, 4]);
    softmax(x, 1);
    expect(executor.dispatches.at(-1)?.program.name).toBe('softmax_f32');
    expect(executor.dispatches.at(-1)?.program.code).not.toContain('subgroup');
  });
});

describe.runIf(process.env.FETTLE_TEST_DEVICE === 'webgpu')('on a GPU', { timeout: 240_000 }, () => {
  const lengths = [7, 33, 130, 257, 1100];

  /** Rows with what sums and extremes must heed, and a plain one. */
  function rows(length: number): Tensor {
    manualSeed(length);
    const x = randn([6, length]).mul(3);
    const special = Float32Array.from(x.dataSync());
    special[2 * length + 3] = Number.NaN;
    special[3 * length + (length >> 1)] = Number.POSITIVE_INFINITY;
    special[4 * length + length - 1] = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) special[5 * length + i] = Number.NEGATIVE_INFINITY;
    return tensor(special, [6, length]);
  }

  const figures = (): Record<string, number[]> => {
    const found: Record<string, number[]> = {};
    for (const length of lengths) {
      const x = rows(length);
      const target = tensor([0, 1, 2, 3, 4, 5], { dtype: 'int32' });
      const all: Record<string, Tensor> = {
        sum: sum(x, 1),
        max: max(x, 1).values,
        min: min(x, 1).values,
        argmax: argmax(x, 1),
        logsumexp: logsumexp(x, 1),
        softmax: softmax(x, 1),
        logSoftmax: logSoftmax(x, 1),
        layerNorm: layerNorm(x, [length]),
        crossEntropy: crossEntropy(x, target, { reduction: 'none' }),
        whole: sum(x.narrow(0, 0, 2)),
      };
      for (const [name, y] of Object.entries(all)) found[`${name} of ${length}`] = [...y.dataSync()];
    }
    return found;
  };

  /** The same but for rounding; what is NaN, infinite or a place, exactly. */
  function isClose(got: Record<string, number[]>, want: Record<string, number[]>): void {
    for (const [name, values] of Object.entries(want)) {
      values.forEach((y, i) => {
        const x = got[name]?.[i] as number;
        if (Number.isFinite(y))
          expect(Math.abs(x - y), `${name}, ${i}`).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(y)));
        else expect(x, `${name}, ${i}`).toBe(y);
      });
    }
  }

  const tree = async (): Promise<Record<string, number[]>> => {
    await deterministic(true);
    const want = scope(figures);
    await deterministic(false);
    return want;
  };

  it('subgroups of the driver give what halves give, the same bits at every run', async () => {
    const chip = (currentDevice() as WebGpuDevice).chip;
    expect(chip.subgroups, 'the driver of these tests has subgroups').toBeGreaterThan(0);
    const want = await tree();
    const got = scope(figures);
    isClose(got, want);
    expect(scope(figures)).toEqual(got);
  });

  it('finds those of the driver to be runs of neighbours', () => {
    const device = currentDevice() as WebGpuDevice;
    const executor = Reflect.get(device, 'executor') as Executor;
    const y = zeros([256], { dtype: 'int32' });
    const pool = new BufferPool(executor, 1 << 20);
    const around = { pool, scratches: new Map(), flags: pool.own(4), refusals: 0 };
    const pass: Pass = {
      name: 'look_i32',
      structure: '',
      bind: { y: writes(y) },
      groups: 1,
      text: (chip) => ({ body: chip.subgroups > 0 ? 'store_y(i32(local), i32(subgroup_run));' : '' }),
    };
    // Numbers of its own for its programs: those of the device are not to be taken for them.
    const { program, ...rest } = new Planner(device, executor).dispatchOf(pass, around);
    executor.dispatch({ ...rest, program: { ...program, id: 1 << 20 } });
    expect([...new Set(y.dataSync())]).toEqual([device.chip.subgroups]);
  });

  /**
   * An executor that makes the driver's subgroups what it is told: shuffles go through shared memory, all of them standing where
   * all invocations come by; a length of 1 is what a shader finds where subgroups are no runs of neighbours.
   */
  function ofSize(executor: Executor, length: number): Executor {
    const seen = new Map<number, Dispatch['program']>();
    const shuffles = (code: string): string =>
      code
        .replace(/^enable subgroups;\n/, '')
        .replace(/, @builtin\(subgroup_invocation_id\).*subgroup_lanes: u32/, '')
        .replace(/var<workgroup> subgroup_runs[\s\S]*?\n}/, '')
        .replace(/^ {2}look_at_subgroups.*$/m, `  subgroup_run = ${length}u;`)
        .replace(/var<workgroup> (\w+)_values: array<([\w<>]+), (\d+)>;/g, (line, name, type, size) =>
          [
            line,
            `var<workgroup> ${name}_shuffled: array<${type}, ${size}>;`,
            `fn ${name}_shuffle(local: u32, value: ${type}, step: u32) -> ${type} {`,
            `  ${name}_shuffled[local] = value;`,
            '  workgroupBarrier();',
            `  let other = ${name}_shuffled[local ^ step];`,
            '  workgroupBarrier();',
            '  return other;',
            '}',
          ].join('\n'),
        )
        .replace(/fn (\w+)\(local: u32, value[\s\S]*?\n}/g, (text, name) =>
          text.replace(/subgroupShuffleXor\(all, /g, `${name}_shuffle(local, all, `),
        );
    const changed = (program: Dispatch['program']): Dispatch['program'] => {
      if (!program.code.includes('subgroup_run')) return program;
      let made = seen.get(program.id);
      if (made === undefined) {
        made = { ...program, code: shuffles(program.code) };
        seen.set(program.id, made);
      }
      return made;
    };
    return new Proxy(executor, {
      get(target, key) {
        if (key === 'chip') return { ...target.chip, subgroups: Math.max(4, length) };
        if (key === 'dispatch') return (d: Dispatch) => target.dispatch({ ...d, program: changed(d.program) });
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  for (const length of [1, 8, 32, 64, 128]) {
    it(`subgroups of ${length} do as well`, async () => {
      const want = await tree();
      const { RemoteExecutor } = await import('../support/gpu/remote.js');
      const remote = new RemoteExecutor();
      const texts: string[] = [];
      const executor = ofSize(
        new Proxy(remote, {
          get(target, key) {
            if (key === 'dispatch')
              return (d: Dispatch) => {
                texts.push(d.program.code);
                target.dispatch(d);
              };
            const value = Reflect.get(target, key);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
        length,
      );
      useDevice(new WebGpuDevice(executor));
      const got = scope(figures);
      useDevice(before);
      remote.close();
      expect(texts.some((code) => code.includes(`subgroup_run = ${length}u;`))).toBe(true);
      expect(texts.some((code) => /subgroupShuffle|subgroup_lane/.test(code))).toBe(false);
      isClose(got, want);
    });
  }
});
