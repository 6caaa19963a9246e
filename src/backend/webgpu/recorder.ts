import type { Launch, Recording } from '../../core/device.js';
import { fail } from '../../core/errors.js';
import type { Storage } from '../../core/storage.js';
import { nameOf } from '../../runtime/part.js';
import { type GpuBlock, Slab } from './block.js';
import type { Command, Copy, Dispatch, Executor } from './executor.js';
import { type Elementwise, fused, runs } from './fuse.js';
import { heldBack } from './held.js';
import { type Pass, slotsOf } from './pass.js';
import type { Around, Planner } from './planner.js';
import type { Buffer, BufferPool } from './pool.js';
import type { Guard, Words } from './refusals.js';
import { type Refresher, Replay } from './replay.js';
import { type Member, updatePasses } from './shaders/update.js';
import { gather, kindsOf, together } from './slabs.js';

/**
 * Records a step while it runs. Its tensors take their buffers from a pool of their own, in which a buffer that is free again
 * serves the next tensor: so the commands as they are given are a plan of the memory already, and giving them again needs no other.
 *
 * What was there before stays where it is, and what the step leaves alive is held by the recording. What JavaScript writes (a
 * scalar, a table) has a buffer to itself, which nothing else uses; where a kernel writes it too, it is copied anew in each run.
 */

/** A buffer that JavaScript has written. */
interface Constant {
  readonly buffer: Buffer;
  readonly data: Uint8Array;
  /** Entries before it; when commands have been made of them, commands. */
  readonly at: number;
}

/** A pass as it was carried out. */
export interface Carried {
  /** Copies, before it, of what its shader could not see where it lies. */
  readonly copies: readonly Copy[];
  readonly pass: Pass;
  readonly dispatch: Dispatch;
  readonly around: Around;
}

/** What the step asked for: commands as they were given, a launch, or updates that stood one behind another. */
type Entry =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  | { readonly kind: 'launch'; readonly launch: Launch; readonly carried: readonly Carried[] }
  | { readonly kind: 'updates'; readonly members: readonly Member[]; readonly around: Around };

export class Recorder {
  readonly made = new Set<Storage>();
  private readonly entries: Entry[] = [];
  private commands: Command[] = [];
  private readonly outside = new Map<Storage, string>();
  private readonly written = new Set<Storage>();
  private readonly constants = new Map<Storage, Constant>();
  private readonly refreshers: Refresher[] = [];
  /** For each command the pass that it is, if it may be joined with others. */
  private readonly elementwise: (Pass | null)[] = [];
  /** What commands copy, which name its buffer. */
  private readonly copies = new Set<Storage>();
  /** The last entry that looks at a storage; when commands have been made of them, the last command. */
  private readonly lastUse = new Map<Storage, number>();
  private readonly slabs: Slab[] = [];
  private launches = 0;
  /** What is thrown for each word of `flags`. */
  readonly refusals: (() => never)[] = [];

  constructor(
    private readonly executor: Executor,
    readonly pool: BufferPool,
    readonly flags: Buffer,
  ) {}

  /** What a run must leave alone while one of its kernels has refused something: all of them, those of the run before too. */
  private get guards(): Guard[] {
    const { flags, refusals } = this;
    return refusals.length === 0 ? [] : [{ flags, count: refusals.length }];
  }

  /** A pass as a run has it: one that leaves what was there before the step alone where the guards say so. */
  private held(pass: Pass): Pass {
    return heldBack(pass, this.guards, this.executor.chip.buffers, (storage) => !this.made.has(storage));
  }

  /** A launch has been carried out. */
  launched(launch: Launch, carried: readonly Carried[]): void {
    this.launches++;
    this.entries.push({ kind: 'launch', launch, carried });
    this.usedBy(launch);
  }

  /** Updates have been carried out. */
  updated(members: readonly Member[], around: Around): void {
    this.launches += members.length;
    this.entries.push({ kind: 'updates', members, around });
    for (const member of members) this.usedBy(member);
  }

  private usedBy({ kernel, writes, reads }: Pick<Launch, 'kernel' | 'writes' | 'reads'>): void {
    for (const tensor of writes) if (tensor !== null) this.used(tensor.storage, nameOf(kernel), true);
    for (const tensor of reads) if (tensor !== null) this.used(tensor.storage, nameOf(kernel), false);
  }

  copied(target: Storage, source: Storage, commands: readonly Command[]): void {
    this.launches++;
    this.entries.push({ kind: 'commands', commands });
    this.copies.add(target).add(source);
    this.used(target, 'copy', true);
    this.used(source, 'copy', false);
  }

  /** Whether JavaScript's data may be put into a storage; throws where a replay would have to write them again. */
  writable(storage: Storage): void {
    if (!this.made.has(storage)) {
      fail(
        'unsupported',
        'capture: JavaScript wrote into a tensor that was there before the step; a replay would write the same again. ' +
          'Change tensors within a step by ops, such as add_.',
      );
    }
    if (this.users.has(storage)) {
      fail(
        'unsupported',
        'capture: JavaScript wrote into a tensor between two ops on it. Change tensors within a step by ops, such as add_.',
      );
    }
  }

  /** JavaScript has written `data`, all there is, into a storage whose buffer is its own. */
  wrote(storage: Storage, buffer: Buffer, data: Uint8Array): void {
    this.constants.set(storage, { buffer, data, at: this.entries.length });
  }

  constantOf(storage: Storage): Uint8Array | undefined {
    return this.constants.get(storage)?.data;
  }

  /** Called for every read, which the step must not make. */
  read(): never {
    return fail(
      'unsupported',
      'capture: the step reads a value (item(), toArray(), dataSync(), or an op whose result has a size that depends on values). ' +
        'A replay does not run the JavaScript in between. Return the tensor and read it after the step.',
    );
  }

  private readonly users = new Set<Storage>();

  private used(storage: Storage, by: string, writes: boolean): void {
    this.users.add(storage);
    this.lastUse.set(storage, this.entries.length - 1);
    if (writes) this.written.add(storage);
    if (!this.made.has(storage)) this.outside.set(storage, by);
  }

  /**
   * Gathers in slabs what the updates of the step write and read, so that one dispatch does them all, and gives the blocks that
   * have moved. Of what is alive after the step, the bytes are copied there by `give`.
   */
  private gather(most: number, usual: BufferPool, owned: ReadonlySet<GpuBlock>): ReadonlySet<GpuBlock> {
    const moved = new Set<GpuBlock>();
    const fixed = new Set([...this.copies].map(({ block }) => block as GpuBlock));
    const made = new Set([...this.made].map(({ block }) => block as GpuBlock));
    for (const entry of this.entries) {
      if (entry.kind !== 'updates') continue;
      const reads = together(entry.members.map(({ reads }) => reads[0]));
      for (const kind of [...kindsOf(entry.members), reads]) {
        const clashing = this.clashing(new Set(kind));
        const isMovable = (own: boolean) => (block: GpuBlock) =>
          made.has(block) === own && block.pins === 0 && !fixed.has(block) && !owned.has(block) && !clashing.has(block);
        // What the step makes lies in its own memory, where a place that is free serves again; a slab of it serves nothing else.
        const copies = [
          ...gather(kind, isMovable(true), most, (bytes) => this.slab(this.pool.own(bytes), this.pool)),
          ...gather(kind, isMovable(false), most, (bytes) => {
            const buffer = usual.take(bytes);
            return buffer && new Slab(buffer, usual);
          }),
        ];
        for (const copy of copies) this.executor.copy(copy);
        for (const block of kind) if (block.slab !== null) moved.add(block);
      }
    }
    return moved;
  }

  private slab(buffer: Buffer, pool: BufferPool): Slab {
    const slab = new Slab(buffer, pool);
    slab.enter();
    this.slabs.push(slab);
    return slab;
  }

  /** Those of some blocks that a shader, if they lay in one slab, would write by fours and see one by one, or the other way round. */
  private clashing(blocks: ReadonlySet<GpuBlock>): ReadonlySet<GpuBlock> {
    const found = new Set<GpuBlock>();
    for (const entry of this.entries) {
      if (entry.kind !== 'launch') continue;
      for (const { pass } of entry.carried) {
        const here = Object.values(pass.bind).flatMap((arg) => {
          const { memory } = arg;
          if (typeof memory !== 'object' || !('storage' in memory)) return [];
          const block = memory.storage.block as GpuBlock;
          return blocks.has(block) ? [{ arg, block }] : [];
        });
        const [first] = here;
        const alike = here.every(({ arg }) => arg.wide === first?.arg.wide && arg.atomic === first?.arg.atomic);
        if (!alike && here.some(({ arg }) => arg.access === 'write')) for (const { block } of here) found.add(block);
      }
    }
    return found;
  }

  /** Makes commands of the entries, anew where blocks have moved, and puts places among commands for those among entries. */
  private lower(planner: Planner, moved: ReadonlySet<GpuBlock>): void {
    const starts: number[] = [];
    for (const entry of this.entries) {
      starts.push(this.commands.length);
      if (entry.kind === 'commands') this.commands.push(...entry.commands);
      else if (entry.kind === 'launch') this.lowerLaunch(entry.launch, entry.carried, planner, moved);
      else this.lowerUpdates(entry.members, entry.around, planner);
    }
    starts.push(this.commands.length);
    for (const [storage, entry] of this.lastUse) this.lastUse.set(storage, (starts[entry + 1] as number) - 1);
    for (const [storage, constant] of this.constants)
      this.constants.set(storage, { ...constant, at: starts[constant.at] as number });
  }

  private lowerLaunch(
    { refresh }: Launch,
    carried: readonly Carried[],
    planner: Planner,
    moved: ReadonlySet<GpuBlock>,
  ): void {
    // What is set anew for each run stays what it is.
    const joinable = carried.length === 1 && refresh === undefined;
    const targets = carried.map(({ copies, pass, dispatch, around }) => {
      this.commands.push(...copies.map((copy) => ({ do: 'copy', ...copy }) as const));
      const held = this.held(pass);
      const given = held !== pass || seesAny(pass, moved) ? planner.dispatchOf(held, around) : dispatch;
      const at = this.commands.length;
      this.elementwise[at] = joinable ? pass : null;
      this.commands.push({ do: 'dispatch', ...given });
      return { at, words: given.words, ...slotsOf(held) };
    });
    if (refresh !== undefined) this.refreshers.push({ refresh, targets });
  }

  private lowerUpdates(members: readonly Member[], around: Around, planner: Planner): void {
    for (const { pass, members: parts } of updatePasses(members, this.executor.chip, this.guards)) {
      const dispatch = planner.dispatchOf(pass, around);
      const slots = slotsOf(pass);
      const at = this.commands.length;
      this.commands.push({ do: 'dispatch', ...dispatch });
      for (const { member, floats, ints } of parts) {
        if (member.refresh === undefined) continue;
        const target = { at, words: dispatch.words, floats: slots.floats + floats, ints: slots.ints + ints };
        this.refreshers.push({ refresh: member.refresh, targets: [target] });
      }
    }
  }

  /**
   * Joins elementwise passes that stand one behind another. `dispatchOf` makes a dispatch of a pass. A command that has gone into
   * another is left out; the places of those behind move up.
   */
  private join(dispatchOf: (pass: Pass) => Dispatch): void {
    const passes = this.commands.map((_, i) => this.elementwise[i] ?? null);
    const found = runs(
      passes.map((pass) => pass?.elementwise ?? null),
      this.executor.chip.buffers - this.guards.length,
    );
    // From the last to the first, so that the places of those before stay right.
    for (const { first, length } of found.reverse()) {
      const end = first + length - 1;
      const parts = passes.slice(first, end + 1).map((pass) => {
        const { elementwise, floats = [] } = pass as Pass;
        return { ...(elementwise as Elementwise), floats };
      });
      const isSeen = (storage: Storage): boolean =>
        !this.made.has(storage) ||
        !storage.freed ||
        this.constants.has(storage) ||
        (this.lastUse.get(storage) ?? 0) > end;
      this.commands.splice(first, length, { do: 'dispatch', ...dispatchOf(fused(parts, isSeen)) });
      // What JavaScript wrote meanwhile, nothing of the run before it has used: it may as well come before all of it.
      const moved = (at: number): number => (at > end ? at - length + 1 : Math.min(at, first));
      for (const { targets } of this.refreshers) {
        for (const [i, target] of targets.entries()) targets[i] = { ...target, at: moved(target.at) };
      }
      for (const [storage, constant] of this.constants)
        this.constants.set(storage, { ...constant, at: moved(constant.at) });
    }
  }

  finish(ran: (words: Words) => void, { planner, most, usual, owned, settle }: Surroundings): Recording {
    const { executor } = this;
    this.lower(planner, this.gather(most, usual, owned));
    const around = { pool: this.pool, scratches: new Map(), flags: this.flags, refusals: 0 };
    this.join((pass) => planner.dispatchOf(this.held(pass), around));
    const sources: { readonly at: number; readonly command: Command }[] = [];
    for (const [storage, { buffer, data, at }] of this.constants) {
      if (!this.written.has(storage)) continue;
      const source = this.pool.take(data.length) as Buffer;
      executor.write(source.id, 0, data);
      const command: Command = {
        do: 'copy',
        target: buffer.id,
        targetOffset: 0,
        source: source.id,
        sourceOffset: 0,
        bytes: data.length,
      };
      sources.push({ at, command });
    }
    // From the last to the first, so that the places of those before stay right.
    for (const { at, command } of sources.sort((a, b) => b.at - a.at)) {
      this.commands.splice(at, 0, command);
      for (const { targets } of this.refreshers) {
        for (const [i, target] of targets.entries()) {
          if (target.at >= at) targets[i] = { ...target, at: target.at + 1 };
        }
      }
    }
    const held = [...this.made].filter((storage) => !storage.freed).map((storage) => storage.retain());
    const written = [...this.written].filter((storage) => !this.made.has(storage) || !storage.freed);
    const { pool } = this;
    this.prune();
    const sequence = executor.prepare(this.commands);
    const after = (): void => ran(this);
    return new Replay(
      { executor, sequence, pool, slabs: this.slabs, settle, after },
      this.launches,
      this.refreshers,
      held,
      this.outside,
      written,
    );
  }

  /** Lets go the buffers of the step that none of its commands names any more. */
  private prune(): void {
    const named = new Set<number>();
    for (const command of this.commands) {
      if (command.do === 'copy') named.add(command.target).add(command.source);
      else for (const buffer of command.buffers) named.add(buffer);
    }
    this.pool.trim(({ id }) => !named.has(id));
  }
}

/** What a step that has been recorded finds around it. */
export interface Surroundings {
  readonly planner: Planner;
  /** Bytes of a slab at most. */
  readonly most: number;
  /** Where memory comes from that was there before the step. */
  readonly usual: BufferPool;
  /** Blocks whose buffers must stay their own. */
  readonly owned: ReadonlySet<GpuBlock>;
  /** Carries out what has been put off. */
  readonly settle: () => void;
}

/** Whether a pass binds one of some blocks. */
function seesAny({ bind }: Pass, blocks: ReadonlySet<GpuBlock>): boolean {
  return Object.values(bind).some(
    ({ memory }) => typeof memory === 'object' && 'storage' in memory && blocks.has(memory.storage.block as GpuBlock),
  );
}
