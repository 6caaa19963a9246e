/**
 * Numbers for people. The functions return plain ASCII with ordinary spaces, so that the same strings stand in a log file, a
 * terminal and (with the spaces made unbreakable) a page.
 */

/** What stands in place of a number that does not exist (NaN, ±Infinity, null, undefined). */
export const MISSING = '-';

/**
 * Three significant digits: 1234 → '1,234', 12.34 → '12.3', 0.1234 → '0.123'. The digits are chosen after rounding,
 * so that 9.999 becomes '10.0' and not '10.00'.
 */
function threeDigits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 99.95) return formatCount(value);
  if (magnitude >= 9.995) return value.toFixed(1);
  return value.toFixed(magnitude >= 0.9995 || magnitude === 0 ? 2 : 3);
}

/** A whole number with thousands separators: 1234567 → '1,234,567'. Fractions are rounded. */
export function formatCount(value: number | null | undefined): string {
  if (!isNumber(value)) return MISSING;
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = /e/.test(digits) ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return Math.round(value) < 0 ? `-${grouped}` : grouped;
}

const DECIMAL_PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Scales by powers of 1000 until three digits are enough, rounding included: 999,950 is '1.00M' and not '1,000k'. */
function scaled(value: number): { text: string; prefix: string } {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= 999.5 && step < DECIMAL_PREFIXES.length - 1) {
    rest /= 1000;
    step++;
  }
  const text = step === 0 ? formatCount(rest) : threeDigits(rest);
  return { text, prefix: DECIMAL_PREFIXES[step] ?? '' };
}

/** A large number in little room: 41234 → '41.2k'. */
export function formatCompact(value: number | null | undefined): string {
  if (!isNumber(value)) return MISSING;
  const { text, prefix } = scaled(value);
  return text + prefix;
}

/** Bytes in decimal units, as file managers and disks count them: 12345 → '12.3 kB'. */
export function formatBytes(bytes: number | null | undefined): string {
  if (!isNumber(bytes)) return MISSING;
  const { text, prefix } = scaled(bytes);
  return `${text} ${prefix}B`;
}

/** Milliseconds with three significant digits, never in another unit, so that a column can be compared at a glance. */
export function formatMilliseconds(milliseconds: number | null | undefined): string {
  if (!isNumber(milliseconds)) return MISSING;
  const tiny = milliseconds !== 0 && Math.abs(milliseconds) < 0.0095;
  return `${tiny ? milliseconds.toFixed(5).replace(/0+$/, '') : threeDigits(milliseconds)} ms`;
}

/** A fraction as a percentage: 0.98611 → '98.61 %'. */
export function formatPercent(fraction: number | null | undefined, digits = 2): string {
  if (!isNumber(fraction)) return MISSING;
  const text = (fraction * 100).toFixed(digits);
  return `${/^-0\.?0*$/.test(text) ? text.slice(1) : text} %`;
}

/** How many times: 11.32 → '11.3x' (the report prints a multiplication sign instead). */
export function formatRatio(ratio: number | null | undefined, times = 'x'): string {
  return isNumber(ratio) ? `${threeDigits(ratio)}${times}` : MISSING;
}

/** Seconds as people say them: '0.84 s', '14.2 s', '1 min 32 s', '2 h 05 min'. */
export function formatDuration(seconds: number | null | undefined): string {
  if (!isNumber(seconds)) return MISSING;
  if (seconds < 9.995) return `${Math.max(0, seconds).toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** Seconds as a clock shows them: '0:07', '1:32', '1:02:05'. */
export function formatClock(seconds: number | null | undefined): string {
  if (!isNumber(seconds)) return MISSING;
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = `${twoDigits(whole % 60)}`;
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
