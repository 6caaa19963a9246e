import { readdirSync, readFileSync } from 'node:fs';
import * as ops from 'fettle/ops';
import { type AnyOp, sheets } from './sheets.js';

/** docs/OPS.md: what is known about every op, from the ops themselves, the kernels of the binary, and the golden cases. */

const root = new URL('../../', import.meta.url);

const HEAD = `# Every op

Made from the sources by \`npm run docs\`; a test holds it against them.

- **dtypes** are those that an op is checked in against its float64 oracle, in every layout. float16 is a storage type: ops on
  it compute in float32. The rules for mixed dtypes are PyTorch's, and every pair is checked.
- **gradient** 2 means that first and second derivatives are checked by difference quotients. Gradients are written with ops,
  so that higher ones exist too.
- **wasm** names the element types that have a kernel of this name; the others are composed of other ops.
- **golden** counts the calls that are held against PyTorch: values, gradients, and what it refuses.
`;

/** Cases by op in test/golden/ops. */
function goldenCounts(): ReadonlyMap<string, number> {
  const folder = new URL('test/golden/ops/', root);
  const counts = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const { cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { cases: readonly { op: string }[] };
    for (const { op } of cases) counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return counts;
}

/** In the order of the files that the kernels stand in. */
const byFile = (a: string, b: string): number => {
  const file = (text: string): string => text.match(/from '\.\.\/(\w+)'/)?.[1] ?? '';
  return file(a).localeCompare(file(b));
};

/** Element types of the kernels by the name before them: add → f32 i32. */
function kernelTypes(): ReadonlyMap<string, string> {
  const parts = new URL('assembly/parts/', root);
  const lists = readdirSync(parts).map((file) => readFileSync(new URL(file, parts), 'utf8'));
  const text = lists
    .flatMap((list) => list.split(/(?=export )/))
    .sort(byFile)
    .join('');
  const types = new Map<string, string>();
  for (const [, name, type] of text.matchAll(/\b([a-z]\w*?)_((?:f|i|u|b)\d+)\b/g)) {
    if (name === undefined || type === undefined) continue;
    types.set(name, types.has(name) ? `${types.get(name)} ${type}` : type);
  }
  return types;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The text of the page. */
export function opPage(): string {
  const golden = goldenCounts();
  const kernels = kernelTypes();
  const count = (name: string): string => String(golden.get(name) ?? '–');
  const byFamily = new Map<string, [string, AnyOp][]>();
  for (const entry of sheets) {
    const { family } = entry[1].op;
    byFamily.set(family, [...(byFamily.get(family) ?? []), entry]);
  }
  const families = [...byFamily]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([family, list]) => {
      const rows = [...list]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { op }]) => [
          `\`${name}\``,
          op.dtypes.map((dtypes) => dtypes.replaceAll(',', ' × ')).join(', '),
          op.differentiable.some(Boolean) ? '2' : '–',
          kernels.get(name) ?? '–',
          count(name),
          cell(op.doc),
        ]);
      return `## ${family}\n\n${table(['op', 'dtypes', 'gradient', 'wasm', 'golden', 'what it computes'], rows)}\n`;
    });

  const listed = new Set(sheets.map(([name]) => name));
  const others = Object.entries(ops).filter(([name, value]) => typeof value === 'function' && !listed.has(name));
  const sorted = others.sort(([a], [b]) => (a < b ? -1 : 1));
  const aliases = sorted.flatMap(([name, value]) => {
    const sheet = (value as Partial<AnyOp>).op;
    return sheet === undefined ? [] : [[`\`${name}\``, `\`${sheet.name}\``, count(name)]];
  });
  const functions = sorted.flatMap(([name, value]) =>
    'op' in (value as object) ? [] : [[`\`${name}\``, count(name)]],
  );
  return [
    HEAD,
    ...families,
    `## Second names\n\n${table(['name', 'op', 'golden'], aliases)}\n`,
    `## Functions made of ops\n\nTheir gradients are those of their parts.\n\n${table(['function', 'golden'], functions)}\n`,
  ].join('\n');
}
