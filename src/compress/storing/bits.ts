import { fail } from '../../core/errors.js';

/** Streams of bits, the highest bit of a byte first. */

/** The widest number that is written or read at once. */
export const WIDEST = 16;

export class BitWriter {
  private bytes = new Uint8Array(1024);
  private length = 0;
  private held = 0;
  private count = 0;

  /** Appends the lowest `width` (at most 16) bits of `value`. */
  write(value: number, width: number): void {
    this.held = (this.held << width) | value;
    this.count += width;
    while (this.count >= 8) {
      this.count -= 8;
      this.push(this.held >>> this.count);
      this.held &= (1 << this.count) - 1;
    }
  }

  private push(byte: number): void {
    if (this.length === this.bytes.length) {
      const wider = new Uint8Array(2 * this.length);
      wider.set(this.bytes);
      this.bytes = wider;
    }
    this.bytes[this.length++] = byte;
  }

  /** All that was written; zeros fill the last byte. */
  end(): Uint8Array<ArrayBuffer> {
    if (this.count > 0) this.write(0, 8 - this.count);
    return this.bytes.slice(0, this.length);
  }
}

export class BitReader {
  private at = 0;
  private held = 0;
  private count = 0;

  /** `what` names the stream in errors. */
  constructor(
    readonly what: string,
    private readonly bytes: Uint8Array,
  ) {}

  /** The next `width` (at most 16) bits, without taking them; zeros follow the end. */
  peek(width: number): number {
    while (this.count < width) {
      this.held = ((this.held & 0xffff) << 8) | (this.bytes[this.at++] ?? 0);
      this.count += 8;
    }
    return (this.held >>> (this.count - width)) & ((1 << width) - 1);
  }

  /** Takes `width` bits that `peek` has shown. */
  skip(width: number): void {
    this.count -= width;
    if (this.at - this.bytes.length > this.count >>> 3) fail('format', `${this.what}: ends before its last value.`);
  }

  read(width: number): number {
    const value = this.peek(width);
    this.skip(width);
    return value;
  }

  /** Throws unless nothing is left but the zeros that fill the last byte. */
  end(): void {
    const left = 8 * (this.bytes.length - this.at) + this.count;
    if (left >= 8 || this.read(left) !== 0) fail('format', `${this.what}: more follows its last value.`);
  }
}
