import { fail } from '../../core/errors.js';
import type { Module, Parameter } from '../../nn/index.js';
import { silence, type UnitGroup } from '../structure/units.js';
import { type Importance, scoreValues } from './importance.js';
import { maskOf, setMask } from './mask.js';
import { blocksOf } from './method.js';
import { places, smallest, sortedScores } from './rank.js';
import { silentUnits } from './units.js';

/** What a Pruner removes pieces of: a parameter's weights or blocks, or a group's units. */
export interface Field {
  readonly name: string;
  /** Other names by which options may call it. */
  readonly aliases: readonly string[];
  /** The shape of what is pruned. */
  readonly shape: readonly number[];
  /** What each piece is worth. */
  readonly scores: ArrayLike<number>;
  /** 1 for each piece that went before. */
  readonly gone: Uint8Array<ArrayBuffer>;
  /** Pieces that stay in any case. */
  readonly atLeast: number;
  /** The parameter or the group whose pieces these are. */
  readonly of: Parameter | UnitGroup;
  /** How many weights of the parameter go with the pieces that are chosen. */
  weightsIn(chosen: Uint8Array): number;
  /** Prunes the pieces that are chosen, 1 for each. */
  remove(chosen: Uint8Array): void;
}

/** A weight that can be pruned: a parameter of two or more dimensions, and its layer. */
export interface NamedWeight {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly weight: Parameter;
}

/** The weights of a model, each once: parameters of two or more dimensions, as `sparsity` counts them. */
export function weightsOf(model: Module): NamedWeight[] {
  const seen = new Set<Parameter>();
  return model.namedModules().flatMap(([path, module]) => {
    const matrices = module.namedParameters({ recurse: false }).filter(([, p]) => p.ndim >= 2);
    return matrices.flatMap(([property, weight]): NamedWeight[] => {
      // Layers that share their weights lose them together.
      if (seen.has(weight)) return [];
      seen.add(weight);
      const full = path === '' ? property : `${path}.${property}`;
      const name = matrices.length === 1 ? path : full;
      return [{ name, aliases: [path, full], weight }];
    });
  });
}

function countSet(flags: Uint8Array): number {
  let count = 0;
  for (const flag of flags) count += flag;
  return count;
}

export function weightField({ name, aliases, weight }: NamedWeight, importance: Importance): Field {
  const mask = maskOf(weight)?.dataSync();
  return {
    name,
    aliases,
    shape: weight.shape,
    scores: scoreValues('Pruner', importance, weight),
    gone: Uint8Array.from({ length: weight.numel() }, (_, i) => Number(mask?.[i] === 0)),
    atLeast: 0,
    of: weight,
    weightsIn: countSet,
    remove: (chosen) =>
      setMask(
        weight,
        chosen.map((isGone) => 1 - isGone),
      ),
  };
}

/** Blocks of a weight, each worth the mean of what `importance` gives its weights, squared where `squares`. */
export function blockField(
  { name, aliases, weight }: NamedWeight,
  importance: Importance,
  size: readonly [number, number],
  squares: boolean,
): Field {
  const blockAt = blocksOf(weight.shape, size);
  const count = weight.numel() === 0 ? 0 : blockAt(weight.numel() - 1) + 1;
  const [sums, sizes] = [new Float64Array(count), new Float64Array(count)];
  const gone = new Uint8Array(count).fill(1);
  const mask = maskOf(weight)?.dataSync();
  const scores = scoreValues('Pruner', importance, weight);
  for (let i = 0; i < weight.numel(); i++) {
    const block = blockAt(i);
    const score = scores[i] as number;
    sums[block] = (sums[block] as number) + (squares ? score * score : score);
    sizes[block] = (sizes[block] as number) + 1;
    if (mask?.[i] !== 0) gone[block] = 0;
  }
  return {
    name,
    aliases,
    shape: weight.shape,
    scores: sums.map((sum, block) => sum / (sizes[block] as number)),
    gone,
    atLeast: 0,
    of: weight,
    weightsIn: (chosen) => sizes.reduce((n, held, block) => n + held * (chosen[block] as number), 0),
    remove: (chosen) =>
      setMask(
        weight,
        Uint8Array.from({ length: weight.numel() }, (_, i) => 1 - (chosen[blockAt(i)] as number)),
      ),
  };
}

/** Units of a group. `relative` divides scores by their mean, so that layers of different scales compare. */
export function unitField(group: UnitGroup, importance: Importance, keepAtLeast: number, relative: boolean): Field {
  const raw = scoreValues('Pruner', importance, group);
  let mean = 0;
  for (let u = 0; u < raw.length; u++) mean += (raw[u] as number) / raw.length;
  return {
    name: group.name,
    aliases: [],
    shape: [group.units],
    scores: relative ? Float64Array.from(raw, (score) => (mean === 0 ? 0 : score / mean)) : raw,
    gone: silentUnits(group),
    atLeast: Math.max(1, Math.ceil(group.units * keepAtLeast - 1e-9)),
    of: group,
    weightsIn: () => fail('state', 'Pruner: units are no weights.'),
    remove: (chosen) => silence(group, new Set(places(chosen.length, (unit) => chosen[unit] === 1))),
  };
}

/** The pieces of some fields that are left, in one ranking. */
export class Ranking {
  private readonly owner: Int32Array;
  private readonly piece: Int32Array;
  private readonly scores: Float64Array;
  /** Pieces that went before. */
  private readonly gone: number;
  /** Places of the pieces from the lowest score to the highest, where quotas ask for an order; made when it is asked for. */
  private order: Int32Array | null = null;
  private sorted: Float64Array | null = null;

  constructor(private readonly fields: readonly Field[]) {
    this.gone = fields.reduce((n, { gone }) => n + countSet(gone), 0);
    const count = fields.reduce((n, { gone }) => n + gone.length, -this.gone);
    this.owner = new Int32Array(count);
    this.piece = new Int32Array(count);
    this.scores = new Float64Array(count);
    let next = 0;
    fields.forEach(({ gone, scores }, f) => {
      for (let p = 0; p < gone.length; p++) {
        if (gone[p] === 1) continue;
        this.owner[next] = f;
        this.piece[next] = p;
        // As in ranking by hand: what is no number goes last.
        this.scores[next++] = Number.isNaN(scores[p]) ? Infinity : (scores[p] as number);
      }
    });
  }

  /** For every field what is gone once `count` pieces of all of them together are, the lowest scores first. */
  choose(count: number): Uint8Array<ArrayBuffer>[] {
    const { fields, owner, piece, scores } = this;
    const chosen = fields.map(({ gone }) => gone.slice());
    const missing = count - this.gone;
    if (missing <= 0) return chosen;
    const take = (i: number): void => {
      (chosen[owner[i] as number] as Uint8Array)[piece[i] as number] = 1;
    };
    if (fields.every(({ atLeast }) => atLeast === 0)) {
      this.sorted ??= sortedScores(scores);
      for (const i of smallest(scores, Math.min(missing, scores.length), this.sorted)) take(i);
      return chosen;
    }
    this.order ??= Int32Array.from(scores, (_, i) => i).sort(
      (a, b) => (scores[a] as number) - (scores[b] as number) || a - b,
    );
    const left = fields.map(({ gone, atLeast }) => Math.max(0, gone.length - atLeast - countSet(gone)));
    let open = missing;
    for (const i of this.order) {
      const f = owner[i] as number;
      if (open === 0) break;
      if (left[f] === 0) continue;
      take(i);
      left[f] = (left[f] as number) - 1;
      open--;
    }
    return chosen;
  }
}
