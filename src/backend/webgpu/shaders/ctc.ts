import type { Launch } from '../../../core/device.js';
import { type Pass, reads, scratch, writes } from '../pass.js';
import type { Shaders } from '../shader.js';
import { named } from './each.js';

/**
 * Connectionist temporal classification: assembly/ctc.ts, where the recursions stand. A workgroup goes through the time of a
 * sequence, its invocations having the states; what they share lies in storage, and a barrier comes between two steps.
 */
const SIZE = 256;

/** Places before the first state. */
const PAD = 4;

const declare = `
fn nothing(x: f32) -> bool { return bitcast<u32>(x) == 0xff800000u; }
fn log_sum(a: f32, b: f32, c: f32) -> f32 {
  let top = maximum(maximum(a, b), c);
  // Without a single path the difference below would be ∞ − ∞.
  let shift = select(top, 0.0, nothing(top));
  return logarithm(exponential(a - shift) + exponential(b - shift) + exponential(c - shift)) + shift;
}`;

const head = `
let n = i32(group);
let times = load_times(n);
let last = 2 * load_counts(n);
let pitch = int(3);
let labels = n * pitch + ${PAD};`;

function alignment(launch: Launch): Pass {
  return {
    ...named(launch),
    structure: '',
    bind: {
      loss: writes(launch.writes[0]),
      alpha: writes(launch.writes[1]),
      x: reads(launch.reads[0]),
      labels: reads(launch.reads[1]),
      times: reads(launch.reads[2]),
      counts: reads(launch.reads[3]),
    },
    groups: launch.work,
    size: SIZE,
    text: () => ({
      declare,
      body: `${head}
        for (var t = 0; t < times; t++) {
          let row = (n * int(0) + t) * pitch;
          let before = row - pitch + ${PAD};
          let emitted = (t * int(1) + n) * int(2);
          for (var i = i32(local); i < pitch; i += ${SIZE}) {
            let s = i - ${PAD};
            var value = -infinity();
            if (s >= 0 && s <= last) {
              var paths = value;
              if (t == 0) { paths = select(value, 0.0, s <= 1); }
              else {
                let differs = load_labels(labels + s) != load_labels(labels + s - 2);
                paths = log_sum(load_alpha(before + s), load_alpha(before + s - 1), select(value, load_alpha(before + s - 2), differs));
              }
              value = paths + load_x(emitted + load_labels(labels + s));
            }
            store_alpha(row + i, value);
          }
          storageBarrier();
        }
        if (local == 0u) {
          var loss = select(infinity(), 0.0, last == 0);
          if (times > 0) {
            let end = (n * int(0) + times - 1) * pitch + last + ${PAD};
            loss = -log_sum(load_alpha(end), select(-infinity(), load_alpha(end - 1), last > 0), -infinity());
          }
          store_loss(n, loss);
        }`,
    }),
  };
}

function gradient(launch: Launch): Pass[] {
  const [maxTime = 0, batch = 0, , pitch = 0] = launch.ints ?? [];
  const [x, labels, times, counts, alpha, loss, g] = launch.reads;
  const { name, ints } = named(launch);
  // For each state the next one of its class, 0 if there is none, and whether it is the first.
  const links = { scratch: 8 * batch * pitch };
  // The shares of all alignments that pass through a state at a time; behind them, two rows of β.
  const shares = { scratch: 4 * batch * (maxTime + 2) * pitch };
  return [
    {
      name,
      structure: 'links',
      bind: { links: scratch(links, 'write', 'i32'), labels: reads(labels), counts: reads(counts) },
      ints,
      items: batch * pitch,
      text: () => ({
        body: `
          let pitch = int(3);
          let n = id / pitch;
          let s = id % pitch - ${PAD};
          let last = 2 * load_counts(n);
          let labels = n * pitch + ${PAD};
          var next = 0;
          var first = 0;
          if (s >= 0 && s <= last) {
            let label = load_labels(labels + s);
            first = 1;
            for (var k = 0; k < s; k++) { if (load_labels(labels + k) == label) { first = 0; } }
            for (var k = last; k > s; k--) { if (load_labels(labels + k) == label) { next = k; } }
          }
          store_links(2 * id, next);
          store_links(2 * id + 1, first);`,
      }),
    },
    {
      name,
      structure: 'shares',
      bind: {
        shares: scratch(shares, 'write'),
        x: reads(x),
        labels: reads(labels),
        times: reads(times),
        counts: reads(counts),
        alpha: reads(alpha),
        loss: reads(loss),
      },
      ints,
      groups: batch,
      size: SIZE,
      text: () => ({
        declare,
        body: `${head}
          let loss = load_loss(n);
          let base = n * (int(0) + 2) * pitch;
          for (var t = times - 1; t >= 0; t--) {
            let here = base + (int(0) + (t & 1)) * pitch;
            let after = base + (int(0) + 1 - (t & 1)) * pitch + ${PAD};
            let emission = (t * int(1) + n) * int(2);
            for (var i = i32(local); i < pitch; i += ${SIZE}) {
              let s = i - ${PAD};
              var beta = -infinity();
              var share = 0.0;
              if (s >= 0 && s <= last) {
                let emitted = load_x(emission + load_labels(labels + s));
                var paths = beta;
                if (t == times - 1) { paths = select(beta, 0.0, s >= last - 1); }
                else {
                  let differs = load_labels(labels + s) != load_labels(labels + s + 2);
                  paths = log_sum(load_shares(after + s), load_shares(after + s + 1), select(beta, load_shares(after + s + 2), differs));
                }
                beta = paths + emitted;
                let both = load_alpha((n * int(0) + t) * pitch + i) + beta;
                // A state that no alignment reaches has no share, even where its class is impossible too.
                if (!nothing(both)) { share = exponential(both + (loss - emitted)); }
              }
              store_shares(here + i, beta);
              store_shares(base + t * pitch + i, share);
            }
            storageBarrier();
          }`,
      }),
    },
    {
      name,
      structure: 'classes',
      bind: {
        dx: writes(launch.writes[0]),
        x: reads(x),
        labels: reads(labels),
        times: reads(times),
        loss: reads(loss),
        g: reads(g),
        shares: scratch(shares, 'read'),
        links: scratch(links, 'read', 'i32'),
      },
      ints,
      groups: maxTime * batch,
      size: SIZE,
      text: () => ({
        declare: `
          // (p − share) g; no number for an impossible class or an impossible sequence.
          fn slope(log_prob: f32, share: f32, loss: f32, g: f32) -> f32 {
            if (is_infinite(loss) || (is_infinite(log_prob) && is_negative(log_prob))) { return nan(); }
            return (exponential(log_prob) - share) * g;
          }`,
        body: `
          let n = i32(group) % int(1);
          let t = i32(group) / int(1);
          let pitch = int(3);
          let row = i32(group) * int(2);
          let loss = load_loss(n);
          let g = load_g(n);
          let lives = t < load_times(n) && !(int(4) != 0 && is_infinite(loss) && !is_negative(loss));
          for (var c = i32(local); c < int(2); c += ${SIZE}) {
            var value = 0.0;
            if (lives) { value = slope(load_x(row + c), 0.0, loss, g); }
            store_dx(row + c, value);
          }
          storageBarrier();
          for (var i = i32(local); i < pitch; i += ${SIZE}) {
            if (!lives || load_links(2 * (n * pitch + i) + 1) == 0) { continue; }
            let first = n * pitch + ${PAD};
            let own = (n * (int(0) + 2) + t) * pitch + ${PAD};
            var share = 0.0;
            var s = i - ${PAD};
            loop {
              share += load_shares(own + s);
              s = load_links(2 * (first + s));
              if (s == 0) { break; }
            }
            let c = load_labels(n * pitch + i);
            store_dx(row + c, slope(load_x(row + c), share, loss, g));
          }`,
      }),
    },
  ];
}

export const ctc: Shaders = { ctc_f32: alignment, ctc_grad_f32: gradient };
