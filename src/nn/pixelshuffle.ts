import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Channels as pixels: [.., C r², H, W] → [.., C, H r, W r] (Shi et al. 2016). */
export class PixelShuffle extends Module {
  constructor(readonly upscaleFactor: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }

  protected override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/** Pixels as channels: [.., C, H r, W r] → [.., C r², H, W]. */
export class PixelUnshuffle extends Module {
  constructor(readonly downscaleFactor: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }

  protected override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/** The channels of `groups` groups by turns; same shape (Zhang et al. 2018). */
export class ChannelShuffle extends Module {
  constructor(readonly groups: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }

  protected override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}
