/** Copies matrices into the panels that the register tiles read. */
import { LOW_ROWS, TILE_COLUMNS, TILE_ROWS, TILE_STRIDE } from './microkernel';
import { bytes } from './simd';

/**
 * Packs `rows` rows of k numbers (row stride `stride` bytes) into a panel [k][width], transposing; rows up to `width`
 * are zeros. Four rows at a time go through a 4 × 4 transpose.
 */
export function packRows(source: usize, stride: usize, rows: i32, width: i32, k: i32, panel: usize): void {
  const step = bytes(width);
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let p0 = source + <usize>row * stride;
    let p1 = p0 + stride,
      p2 = p1 + stride,
      p3 = p2 + stride;
    let to = panel + bytes(row),
      left = k;
    for (; left >= 4; left -= 4) {
      const x0 = v128.load(p0),
        x1 = v128.load(p1),
        x2 = v128.load(p2),
        x3 = v128.load(p3);
      const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
        high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
      const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5),
        high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
      to += step;
      v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3));
      to += step;
      v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2));
      to += step;
      v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3));
      to += step;
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
    }
    for (; left > 0; left--) {
      store<f32>(to, load<f32>(p0));
      store<f32>(to, load<f32>(p1), 4);
      store<f32>(to, load<f32>(p2), 8);
      store<f32>(to, load<f32>(p3), 12);
      p0 += 4;
      p1 += 4;
      p2 += 4;
      p3 += 4;
      to += step;
    }
  }
  if (row + 2 <= rows) {
    let p0 = source + <usize>row * stride;
    let p1 = p0 + stride,
      to = panel + bytes(row),
      left = k;
    for (; left >= 4; left -= 4) {
      const x0 = v128.load(p0),
        x1 = v128.load(p1);
      const low = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
        high = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
      v128.store_lane<u64>(to, low, 0);
      to += step;
      v128.store_lane<u64>(to, low, 1);
      to += step;
      v128.store_lane<u64>(to, high, 0);
      to += step;
      v128.store_lane<u64>(to, high, 1);
      to += step;
      p0 += 16;
      p1 += 16;
    }
    for (; left > 0; left--) {
      store<f32>(to, load<f32>(p0));
      store<f32>(to, load<f32>(p1), 4);
      p0 += 4;
      p1 += 4;
      to += step;
    }
    row += 2;
  }
  for (; row < rows; row++) {
    let from = source + <usize>row * stride,
      to = panel + bytes(row),
      left = k;
    for (; left >= 4; left -= 4) {
      store<f32>(to, load<f32>(from));
      to += step;
      store<f32>(to, load<f32>(from, 4));
      to += step;
      store<f32>(to, load<f32>(from, 8));
      to += step;
      store<f32>(to, load<f32>(from, 12));
      to += step;
      from += 16;
    }
    for (; left > 0; left--) {
      store<f32>(to, load<f32>(from));
      to += step;
      from += 4;
    }
  }
  for (; row < width; row++) {
    for (let to = panel + bytes(row), end = panel + <usize>k * step; to < end; to += step) store<f32>(to, 0);
  }
}

/** Packs k rows of `columns` numbers (row stride `stride` bytes) into a panel [k][width], zeros up to `width`. */
export function packColumns(source: usize, stride: usize, columns: i32, width: i32, k: i32, panel: usize): void {
  if (columns == width && width == TILE_COLUMNS) {
    for (; k > 0; k--) {
      v128.store(panel, v128.load(source));
      v128.store(panel, v128.load(source, 16), 16);
      source += stride;
      panel += TILE_STRIDE;
    }
  } else if (columns == width && width == TILE_ROWS) {
    for (; k > 0; k--) {
      v128.store(panel, v128.load(source));
      if (TILE_ROWS == 5) store<f32>(panel, load<f32>(source, 16), 16);
      if (TILE_ROWS == 6) store<u64>(panel, load<u64>(source, 16), 16);
      source += stride;
      panel += bytes(TILE_ROWS);
    }
  } else if (columns == width && width == LOW_ROWS) {
    for (; k > 0; k--) {
      v128.store(panel, v128.load(source));
      source += stride;
      panel += 16;
    }
  } else {
    for (; k > 0; k--) {
      for (let j = 0; j < width; j++) {
        store<f32>(panel + bytes(j), j < columns ? load<f32>(source + bytes(j)) : 0);
      }
      source += stride;
      panel += bytes(width);
    }
  }
}

/** Packs k rows of 16 numbers into two neighbouring panels [k][TILE_COLUMNS]: a cache line at a time. */
export function packColumnPair(source: usize, stride: usize, k: i32, panel: usize): void {
  let second = panel + <usize>k * TILE_STRIDE;
  for (; k > 0; k--) {
    v128.store(panel, v128.load(source));
    v128.store(panel, v128.load(source, 16), 16);
    v128.store(second, v128.load(source, 32));
    v128.store(second, v128.load(source, 48), 16);
    source += stride;
    panel += TILE_STRIDE;
    second += TILE_STRIDE;
  }
}
