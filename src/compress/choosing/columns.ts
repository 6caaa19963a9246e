/** Lines of a table in which columns stand below one another; `left` says how many of the first are aligned to the left. */
export function inColumns(
  head: readonly string[],
  body: readonly (readonly string[])[],
  { foot, left = 1 }: { readonly foot?: readonly string[]; readonly left?: number } = {},
): string {
  const rows = [head, ...body, ...(foot === undefined ? [] : [foot])];
  const widths = head.map((_, i) => Math.max(...rows.map((cells) => (cells[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  const rule = '-'.repeat(widths.reduce((n, width) => n + width, 2 * (widths.length - 1)));
  return [line(head), rule, ...body.map(line), ...(foot === undefined ? [] : [rule, line(foot)])].join('\n');
}
