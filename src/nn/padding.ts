import { fail } from '../core/errors.js';
import { type PadMode, pad } from '../ops/index.js';
import type { Rank } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** More elements around lines, images and volumes. */

/** Elements on every side, or [before, after] of each direction, the last one first; negative ones take away. */
export type Border = number | readonly number[];

abstract class Pad extends Module {
  protected abstract readonly mode: PadMode;
  /** Elements before and after each direction, the last direction first. */
  readonly padding: readonly number[];

  constructor(rank: Rank, padding: Border) {
    super();
    const all = typeof padding === 'number' ? new Array<number>(2 * rank).fill(padding) : padding;
    if (!Array.isArray(all) || all.length !== 2 * rank || !all.every(Number.isInteger)) {
      fail(
        'argument',
        `${new.target.name}: padding must be a whole number or ${2 * rank} of them, got ${String(padding)}.`,
      );
    }
    this.padding = all;
  }

  forward(x: Tensor): Tensor {
    return pad(x, this.padding, this.mode);
  }

  protected override extraRepr(): string {
    return python(this.padding);
  }
}

abstract class ConstantPad extends Pad {
  protected readonly mode = 'constant';

  constructor(
    rank: Rank,
    padding: Border,
    readonly value: number,
  ) {
    super(rank, padding);
    if (typeof value !== 'number') {
      fail('argument', `${new.target.name}: value must be a number, got ${String(value)}.`);
    }
  }

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, this.mode, this.value);
  }

  protected override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${python(this.value)}`;
  }
}

/** `value` around a line, [N, C, L] or [C, L]. */
export class ConstantPad1d extends ConstantPad {
  constructor(padding: Border, value: number) {
    super(1, padding, value);
  }
}

/** `value` around an image, [N, C, H, W] or [C, H, W]. */
export class ConstantPad2d extends ConstantPad {
  constructor(padding: Border, value: number) {
    super(2, padding, value);
  }
}

/** `value` around a volume, [N, C, D, H, W] or [C, D, H, W]. */
export class ConstantPad3d extends ConstantPad {
  constructor(padding: Border, value: number) {
    super(3, padding, value);
  }
}

/** Zeros around a line, [N, C, L] or [C, L]. */
export class ZeroPad1d extends Pad {
  protected readonly mode = 'constant';

  constructor(padding: Border) {
    super(1, padding);
  }
}

/** Zeros around an image, [N, C, H, W] or [C, H, W]. */
export class ZeroPad2d extends Pad {
  protected readonly mode = 'constant';

  constructor(padding: Border) {
    super(2, padding);
  }
}

/** Zeros around a volume, [N, C, D, H, W] or [C, D, H, W]. */
export class ZeroPad3d extends Pad {
  protected readonly mode = 'constant';

  constructor(padding: Border) {
    super(3, padding);
  }
}

/** The mirrored inside, without the edge itself, around a line, [N, C, L] or [C, L]. */
export class ReflectionPad1d extends Pad {
  protected readonly mode = 'reflect';

  constructor(padding: Border) {
    super(1, padding);
  }
}

/** The mirrored inside, without the edge itself, around an image, [N, C, H, W] or [C, H, W]. */
export class ReflectionPad2d extends Pad {
  protected readonly mode = 'reflect';

  constructor(padding: Border) {
    super(2, padding);
  }
}

/** The mirrored inside, without the edge itself, around a volume, [N, C, D, H, W] or [C, D, H, W]. */
export class ReflectionPad3d extends Pad {
  protected readonly mode = 'reflect';

  constructor(padding: Border) {
    super(3, padding);
  }
}

/** The edge, again and again, around a line, [N, C, L] or [C, L]. */
export class ReplicationPad1d extends Pad {
  protected readonly mode = 'replicate';

  constructor(padding: Border) {
    super(1, padding);
  }
}

/** The edge, again and again, around an image, [N, C, H, W] or [C, H, W]. */
export class ReplicationPad2d extends Pad {
  protected readonly mode = 'replicate';

  constructor(padding: Border) {
    super(2, padding);
  }
}

/** The edge, again and again, around a volume, [N, C, D, H, W] or [C, D, H, W]. */
export class ReplicationPad3d extends Pad {
  protected readonly mode = 'replicate';

  constructor(padding: Border) {
    super(3, padding);
  }
}

/** The other end around a line, [N, C, L]. */
export class CircularPad1d extends Pad {
  protected readonly mode = 'circular';

  constructor(padding: Border) {
    super(1, padding);
  }
}

/** The other end around an image, [N, C, H, W]. */
export class CircularPad2d extends Pad {
  protected readonly mode = 'circular';

  constructor(padding: Border) {
    super(2, padding);
  }
}

/** The other end around a volume, [N, C, D, H, W]. */
export class CircularPad3d extends Pad {
  protected readonly mode = 'circular';

  constructor(padding: Border) {
    super(3, padding);
  }
}
