import { fail } from '../../core/errors.js';
import type { Module } from '../../nn/index.js';
import { agree, calmly, type ExampleInputs, outputsOf } from './calm.js';
import { couple } from './couple.js';
import { cut, type Goners } from './cut.js';
import { countSpeaking, deadUnits } from './dead.js';
import type { Uncoupled, UnitGroup } from './units.js';

/** Which units a layer kept. */
export interface ShrunkLayer {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

export interface ShrinkReport {
  readonly layers: readonly ShrunkLayer[];
  /** Layers whose units were left, and why. */
  readonly left: readonly Uncoupled[];
  /** Elements of all parameters. */
  readonly parameters: { readonly before: number; readonly after: number };
}

function countParameters(model: Module): number {
  return model.parameters().reduce((n, parameter) => n + parameter.numel(), 0);
}

/**
 * Removes neurons, channels, heads and hidden units that pruning has silenced, together with everything that only they fed:
 * tensors become smaller, the output stays the same to rounding. What depends on what is read off the graph of a run on
 * `exampleInputs`, whatever the model's forward is made of. The modules are changed in place and have new parameters, so make
 * optimizers afterwards. Connections that were pruned one by one stay pruned.
 *
 * The output on the example is compared before and after. Units without which it would differ stay, and the report names their
 * layers and says why. One unit of every layer stays, even if all are silent, since a layer of no units computes nothing that
 * can be trained.
 */
export function shrink(model: Module, exampleInputs: ExampleInputs): ShrinkReport {
  const before = countParameters(model);
  return calmly(model, () => {
    const { groups, uncoupled, silent, isReadByWeights } = couple(model, exampleInputs);
    const dead = deadUnits(groups, silent, isReadByWeights);
    const speaking = groups.flatMap((group) => speakingOf(group, dead.get(group) ?? new Set()));
    const goners = new Map([...dead].filter(([, gone]) => gone.size > 0));
    const refused = goners.size > 0 ? remove(model, exampleInputs, goners) : new Map<UnitGroup, string>();
    const layers = new Map<string, ShrunkLayer>();
    for (const group of groups) {
      const { name, units } = group;
      const lost = refused.has(group) ? 0 : (dead.get(group)?.size ?? 0);
      const known = layers.get(name) ?? { name, before: 0, after: 0 };
      layers.set(name, { name, before: known.before + units, after: known.after + units - lost });
    }
    const left = [...uncoupled, ...Array.from(refused, ([{ name }, reason]) => ({ name, reason })), ...speaking];
    return { layers: [...layers.values()], left, parameters: { before, after: countParameters(model) } };
  });
}

/** What to tell of units that are made by zeros alone and yet are read as something else. */
function speakingOf(group: UnitGroup, dead: ReadonlySet<number>): Uncoupled[] {
  const count = countSpeaking(group, dead);
  // One that stays of a group that is silent as a whole is no riddle.
  if (count === 0 || dead.size === group.units - 1) return [];
  const reason =
    `${count} of its units are made by zeros and still give something, as behind a sigmoid or the shift of a norm; ` +
    'silence() masks that and what reads them, too';
  return [{ name: group.name, reason }];
}

/** Removes units where that changes nothing; the groups that stay as they are, and why. */
function remove(model: Module, exampleInputs: ExampleInputs, goners: Goners): Map<UnitGroup, string> {
  const wanted = outputsOf(model, exampleInputs);
  if (!agree(wanted, outputsOf(model, exampleInputs))) {
    fail(
      'state',
      'shrink: the model gives something else each time, so that nothing can be checked. Make it repeatable.',
    );
  }
  const attempt = (some: Goners): string | null => {
    const change = cut(model, some);
    let reason: string | null;
    try {
      reason = agree(wanted, outputsOf(model, exampleInputs))
        ? null
        : 'without its silent units the model gives something else';
    } catch (error) {
      reason = `without its silent units the model fails: ${(error as Error).message}`;
    }
    if (reason === null) change.keep();
    else change.undo();
    return reason;
  };
  if (attempt(goners) === null) return new Map();
  const refused = new Map<UnitGroup, string>();
  for (const [group, gone] of goners) {
    const reason = attempt(new Map([[group, gone]]));
    if (reason !== null) refused.set(group, reason);
  }
  return refused;
}
