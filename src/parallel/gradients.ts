import { addInto } from '../autograd/gradients.js';
import { within } from '../core/scope.js';
import { contiguousStrides } from '../core/shape.js';
import { allocate } from '../core/tensor.js';
import type { Tensor } from '../tensor.js';
import { copyIn, sharedMemoryOf } from './bytes.js';
import type { Done, Job } from './messages.js';

/**
 * The sum of the gradients of a batch's parts, in the order of the parts whoever computes them and whenever that is done. All
 * gradients of a part stand one behind another. The first part is written where the sum will be, and the others into slots,
 * from which they are added one after another; a part is asked for only when there is a slot for it. The parameters get parts
 * of the sum for their gradients, and only when it is complete: a batch changes all of them or none.
 */
export class GradientSum {
  private readonly size: number;
  private flat: Tensor | null = null;
  private readonly slots: Tensor[] = [];
  /** Memory in which gradients were sent, to be used again. */
  private readonly spare: ArrayBuffer[] = [];

  /** `shared`: whether threads write into the slots themselves. */
  constructor(
    private readonly parameters: readonly Tensor[],
    private readonly shared: boolean,
    private readonly slotCount: number,
  ) {
    this.size = parameters.reduce((sum, x) => sum + x.numel(), 0);
  }

  /** Parts that may be asked for before the first of them is added. */
  get ahead(): number {
    return this.slotCount + 1;
  }

  begin(): void {
    this.flat = this.make();
  }

  /** Where part `i` is to be written, asked when a thread is given it. */
  placeOf(i: number): () => Pick<Job, 'into' | 'spare'> {
    if (!this.shared) return () => ({ into: null, spare: this.spare.pop() ?? null });
    return () => ({
      into: sharedMemoryOf(i === 0 ? (this.flat as Tensor) : this.slotOf(i)) as Uint8Array,
      spare: null,
    });
  }

  /** Adds part `i`; in order. */
  add(i: number, { gradients }: Done): void {
    const flat = this.flat as Tensor;
    const place = i === 0 ? flat : this.slotOf(i);
    if (gradients !== null) {
      copyIn(place, new Uint8Array(gradients));
      this.spare.push(gradients);
    }
    if (i > 0) addInto(flat, place);
  }

  /** Hands the sum to the parameters: those that have a gradient already get it added. */
  deliver(parts: readonly Done[]): void {
    const flat = this.flat as Tensor;
    let at = 0;
    this.parameters.forEach((parameter, i) => {
      const { shape } = parameter;
      const offset = at;
      at += parameter.numel();
      if (!parts.some(({ has }) => has[i] === 1)) return;
      const part = within(null, () => flat.strided(shape, contiguousStrides(shape), offset)) as Tensor;
      const { grad } = parameter;
      if (grad === null || grad.disposed) {
        parameter.grad = part;
        return;
      }
      addInto(grad, part);
      part.dispose();
    });
    this.drop();
  }

  /** Lets go of the sum. */
  drop(): void {
    this.flat?.dispose();
    this.flat = null;
  }

  dispose(): void {
    this.drop();
    for (const slot of this.slots.splice(0)) slot.dispose();
    this.spare.length = 0;
  }

  private slotOf(i: number): Tensor {
    // Of parts that are sent, one after another is added at once.
    const at = this.shared ? (i - 1) % this.slotCount : 0;
    this.slots[at] ??= this.make();
    return this.slots[at];
  }

  private make(): Tensor {
    const [first] = this.parameters as readonly [Tensor];
    return within(null, () => allocate(first.storage.device, [this.size], 'float32', 'gradients')) as Tensor;
  }
}
