import type { Storage } from '../../core/storage.js';
import type { Tensor } from '../../core/tensor.js';
import type { Member } from './shaders/update.js';

const storagesOf = (tensors: readonly (Tensor | null)[]): Storage[] =>
  tensors.flatMap((x) => (x === null ? [] : [x.storage]));

/** Updates that wait for their like, of which none touches what another one writes. */
export class PutOff {
  readonly members: Member[] = [];
  private readonly written = new Set<Storage>();
  private readonly read = new Set<Storage>();

  /** Whether an update has to come after those that wait. */
  follows(member: Member): boolean {
    const { written, read } = this;
    return (
      storagesOf(member.writes).some((x) => written.has(x) || read.has(x)) ||
      storagesOf(member.reads).some((x) => written.has(x))
    );
  }

  add(member: Member): void {
    this.members.push(member);
    for (const x of storagesOf(member.writes)) this.written.add(x);
    for (const x of storagesOf(member.reads)) this.read.add(x);
  }
}
