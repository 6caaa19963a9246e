/** Powers of ten that a float64 holds exactly; 10¹⁵ is the last that digits can need here. */
const POWERS = Float64Array.from({ length: 16 }, (_, i) => 10 ** i);

/** Digits of which any number is exact in a float64. */
const EXACT = 15;

/**
 * The number that stands in `text` from `from` up to `to`, if it is one of at most 15 digits with or without sign and point; NaN
 * for anything else, which the caller has to look at more closely. Both the digits as a whole number and the power of ten are
 * exact, so that their quotient is rounded once and is the nearest float64 (Clinger, "How to read floating point numbers
 * accurately", 1990). Without a string made of it, that is several times as fast as Number().
 */
export function decimal(text: string, from: number, to: number): number {
  let at = from;
  let code = text.charCodeAt(at);
  const isNegative = code === 45;
  if (isNegative || code === 43) at++;
  let digits = 0;
  let number = 0;
  let point = -1;
  for (; at < to; at++) {
    code = text.charCodeAt(at) - 48;
    if (code >= 0 && code <= 9) {
      number = number * 10 + code;
      digits++;
    } else if (code === -2 && point < 0) point = at;
    else return Number.NaN;
  }
  if (digits === 0 || digits > EXACT) return Number.NaN;
  if (point >= 0) number /= POWERS[to - point - 1] as number;
  return isNegative ? -number : number;
}
