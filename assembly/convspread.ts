/**
 * The gradient of a convolution's input by spreading: the products of every output with every weight, [tap][output],
 * are computed by the same tiles as a convolution with 1 × 1 taps, and each line is added to dx where its tap read.
 *
 * It does no work for the zeros around dy. Where dy is much smaller than dx (no padding and a large kernel) those are
 * most of what a convolution of dy would multiply.
 */
import { arrange, compute, packWeights, Plan, tabulate } from './convplan';
import { aligned, Shape } from './convshape';
import { layOut, place, ready, Source } from './convsource';
import { scratch } from './launch';
import { loadPart, storePart } from './row';
import { bytes } from './simd';

export function spread(s: Shape, dx: usize, dy: usize, weight: usize, bias: usize, begin: i32, end: i32): void {
  const plan = changetype<Plan>(scratch());
  const source = changetype<Source>(scratch() + offsetof<Plan>());
  let room = aligned(scratch() + offsetof<Plan>() + offsetof<Source>());
  const channels = s.c / s.groups;
  const outs = s.oc / s.groups;
  const kernel = s.kh * s.kw;
  source.from = dy;
  source.channels = s.oc;
  source.rows = s.oh;
  source.cols = s.ow;
  source.tensorBytes = bytes(s.oc * s.oh * s.ow);
  source.top = 0;
  source.left = 0;
  source.down = 1;
  source.stride = 1;
  source.height = s.oh;
  source.width = s.ow;
  layOut(source, room, 0);
  plan.channels = channels * kernel;
  plan.taps = outs;
  plan.kernelRows = 1;
  plan.rowsThere = 0;
  plan.rows = s.oh;
  plan.cols = s.ow;
  plan.sourceDown = source.rowBytes;
  plan.first = 0;
  plan.down = bytes(s.ow);
  plan.right = 4;
  plan.plane = bytes(s.oh * s.ow);
  const columnsImage = plan.plane * <usize>plan.channels;
  arrange(plan, plan.channels);
  plan.offsets = room;
  plan.weightOffsets = room + bytes(outs);
  for (let o = 0; o < outs; o++) {
    store<usize>(plan.offsets + bytes(o), place(source, o, 0, 0));
    store<i32>(plan.weightOffsets + bytes(o), o * (plan.channels << 2));
  }
  room = aligned(plan.weightOffsets + bytes(outs));
  room = aligned(room + tabulate(plan, source, columnsImage, room));
  plan.weights = room;
  packWeights(plan, weight, s.groups, bytes(outs * plan.channels), 4, 0);
  const columns = aligned(room + plan.group * <usize>s.groups);
  const plane = bytes(s.h * s.w);
  const image = plane * <usize>s.c;
  for (let n = begin; n < end; n += plan.images) {
    const count = min(plan.images, end - n);
    const from = ready(source, n, count);
    const to = dx + <usize>n * image;
    for (let i = 0; i < count; i++) fillPlanes(to + <usize>i * image, s.c, s.h * s.w, bias);
    for (let g = 0; g < s.groups; g++) {
      compute(plan, g, from + <usize>(g * outs) * source.channelBytes, columns, count, source, columnsImage);
      for (let i = 0; i < count; i++) {
        addTaps(s, to + <usize>i * image + <usize>(g * channels) * plane, columns + <usize>i * columnsImage, channels);
      }
    }
  }
}

function fillPlanes(to: usize, channels: i32, size: i32, bias: usize): void {
  if (!bias) {
    memory.fill(to, 0, bytes(channels * size));
    return;
  }
  for (let c = 0; c < channels; c++) {
    const value = load<f32>(bias + bytes(c));
    for (let i = 0; i < size; i++) {
      store<f32>(to, value);
      to += 4;
    }
  }
}

/** Adds each tap's products to the elements of dx it read. */
function addTaps(s: Shape, dx: usize, from: usize, channels: i32): void {
  const line = bytes(s.ow);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < s.kh; i++) {
      for (let j = 0; j < s.kw; j++) {
        // Outputs whose column lies inside dx.
        const left = j * s.dw - s.pw;
        const first = left >= 0 ? 0 : (s.sw - 1 - left) / s.sw;
        const n = min(s.ow, (s.w - 1 - left + s.sw) / s.sw) - first;
        for (let row = 0; row < s.oh; row++) {
          const y = row * s.sh - s.ph + i * s.dh;
          if (<u32>y < <u32>s.h && n > 0) {
            addLine(dx + bytes(y * s.w + first * s.sw + left), from + bytes(first), n, s.sw);
          }
          from += line;
        }
      }
    }
    dx += bytes(s.h * s.w);
  }
}

// @ts-ignore: decorator
@inline function addLine(to: usize, from: usize, n: i32, stride: i32): void {
  if (stride == 1) {
    for (; n >= 4; n -= 4) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      to += 16;
      from += 16;
    }
    if (n > 0) storePart(to, f32x4.add(loadPart(to, n), loadPart(from, n)), n);
    return;
  }
  const step = bytes(stride);
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    to += step;
    from += 4;
  }
}
