/** The least value of a function of one number (Brent 1973, "Algorithms for minimization without derivatives", chapter 5). */

const GOLDEN = (3 - Math.sqrt(5)) / 2;
const GROWTH = (1 + Math.sqrt(5)) / 2;

/** Three points of which the middle one is lowest, found by walking downhill from [a, b] in growing steps. */
function bracket(f: (x: number) => number, from: number, to: number): [low: number, middle: number, high: number] {
  let [a, b] = f(from) < f(to) ? [to, from] : [from, to];
  let fb = f(b);
  for (;;) {
    const c = b + GROWTH * (b - a);
    const fc = f(c);
    if (!(fc < fb) || Math.abs(c) > 1e6) return a < c ? [a, b, c] : [c, b, a];
    [a, b, fb] = [b, c, fc];
  }
}

/** Where `f` is least, to a relative tolerance, beginning between `from` and `to`. */
export function minimize(f: (x: number) => number, from: number, to: number, tolerance = 1.48e-8): number {
  let [low, x, high] = bracket(f, from, to);
  let [w, v] = [x, x];
  let fx = f(x);
  let [fw, fv] = [fx, fx];
  let step = 0;
  let before = 0;
  for (let turn = 0; turn < 500; turn++) {
    const middle = (low + high) / 2;
    const reach = tolerance * Math.abs(x) + 1e-11;
    if (Math.abs(x - middle) <= 2 * reach - (high - low) / 2) return x;
    // The vertex of the parabola through the three best points, where that is inside and its steps shrink; else a golden cut.
    const r = (x - w) * (fx - fv);
    let q = (x - v) * (fx - fw);
    let p = (x - v) * q - (x - w) * r;
    q = 2 * (q - r);
    if (q > 0) p = -p;
    q = Math.abs(q);
    const isGood =
      Math.abs(before) > reach && Math.abs(p) < Math.abs((q * before) / 2) && p > q * (low - x) && p < q * (high - x);
    if (isGood) {
      before = step;
      step = p / q;
      const u = x + step;
      if (u - low < 2 * reach || high - u < 2 * reach) step = x < middle ? reach : -reach;
    } else {
      before = x < middle ? high - x : low - x;
      step = GOLDEN * before;
    }
    const u = x + (Math.abs(step) >= reach ? step : Math.sign(step) * reach);
    const fu = f(u);
    if (fu <= fx) {
      if (u < x) high = x;
      else low = x;
      [v, fv, w, fw, x, fx] = [w, fw, x, fx, u, fu];
    } else {
      if (u < x) low = u;
      else high = u;
      if (fu <= fw || w === x) [v, fv, w, fw] = [w, fw, u, fu];
      else if (fu <= fv || v === x || v === w) [v, fv] = [u, fu];
    }
  }
  return x;
}
