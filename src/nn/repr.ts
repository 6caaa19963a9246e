/** A value as Python prints it, which is how PyTorch's modules describe themselves: True, None, 1e-05, (3, 2). */
export function python(value: number | boolean | null | readonly (number | null)[]): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'object') return `(${value.map(python).join(', ')}${value.length === 1 ? ',' : ''})`;
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  // Python changes to powers of ten earlier than JavaScript, and writes their exponents with two digits.
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A number that PyTorch holds as a float: whole ones print with their point, 1.0. */
export function float(value: number): string {
  const text = python(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
