/** Examples of the documentation as modules that can be type-checked and run. */

export interface Example {
  /** Where it stands: `README.md:41`. */
  readonly name: string;
  readonly code: string;
  /** Why it is not run, if it says so: ```` ```ts no-run: needs a microphone ````. */
  readonly skipped: string | undefined;
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** The fenced ts blocks of a Markdown text. */
export function examplesOfMarkdown(path: string, text: string): Example[] {
  return [...text.matchAll(/^```ts\b[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$/gm)].map((match) => {
    const name = `${path}:${lineOf(text, match.index)}`;
    const [, info = '', code = ''] = match;
    const reason = /^no-run:\s*(\S.*)$/.exec(info)?.[1];
    if (info !== '' && reason === undefined) {
      throw new Error(`${name}: expected \`\`\`ts or \`\`\`ts no-run: WHY, got \`\`\`ts ${info}`);
    }
    return { name, code, skipped: reason };
  });
}

/** The `@example` parts of the docstrings of a TypeScript module; a part may be fenced or bare code. */
export function examplesOfDocstrings(path: string, text: string): Example[] {
  const found: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const plain = comment[0]
      .slice(3, -2)
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n');
    for (const part of plain.matchAll(/^[ \t]*@example\b(.*\n[\s\S]*?)(?=^[ \t]*@\w|$(?![\s\S]))/gm)) {
      const name = `${path}:${lineOf(text, comment.index) + lineOf(plain, part.index) - 1}`;
      const body = part[1] ?? '';
      const fenced = examplesOfMarkdown(name, body);
      found.push(
        ...(fenced.length > 0 ? fenced.map((one) => ({ ...one, name })) : [{ name, code: body, skipped: undefined }]),
      );
    }
  }
  return found;
}

/**
 * The module text of an example. Two things are added, on lines that are there already so that messages give the right one:
 *
 * - an example without imports, as docstrings have, gets what it names from `fettle` and its entry points, which it may also name
 *   as namespaces;
 * - a value shown behind an arrow is compared: after `x.relu(); // → [0, 1]` or `const y = x.relu(); // → [0, 1]` the
 *   expression or the variable must read [0, 1]. What does not parse as a value is prose and stays a comment.
 */
export function moduleOf(example: Example, exported: Readonly<Record<string, readonly string[]>>): string {
  const header = ["import { shows as __shows } from '../../test/support/shows.js';"];
  if (!/^\s*import\b/m.test(example.code)) header.push(...importsFor(example.code, exported));
  const lines = example.code.split('\n').map((line) => {
    const match = /^(\s*)(?:(const|let) (\w+)\b.*?;|([^\s/].*?);?)\s*\/\/ → (.+)$/.exec(line);
    if (!match) return line;
    const [, indent = '', declares, variable, expression = '', value = ''] = match;
    if (!isValue(value)) return line;
    const shown = JSON.stringify(value);
    return declares
      ? `${line.slice(0, line.indexOf('// →'))}__shows(${variable}, ${shown});`
      : `${indent}__shows(${expression}, ${shown});`;
  });
  return `${header.join(' ')} ${lines.join('\n')}\nexport {};\n`;
}

/** Reads a value as documentation shows it: a JavaScript literal of numbers, strings, booleans, null and arrays. */
export function parseValue(text: string): unknown {
  const json = text
    .trim()
    .replace(/'([^'"\\]*)'/g, '"$1"')
    .replace(/(?<![\w"])(-?)(NaN|Infinity)(?![\w"])/g, '"$1$2"');
  return JSON.parse(json, (_key, value: unknown) =>
    typeof value === 'string' && /^(-?Infinity|NaN)$/.test(value) ? Number(value) : value,
  );
}

function isValue(text: string): boolean {
  try {
    parseValue(text);
    return true;
  } catch {
    return false;
  }
}

function importsFor(code: string, exported: Readonly<Record<string, readonly string[]>>): string[] {
  const words = (text: string): string[] => text.match(/\b[A-Za-z_]\w*\b/g) ?? [];
  const spoken = new Set(words(code));
  // Names that the example declares itself, in patterns too: const { train, test } = …
  const declarations = code.matchAll(/\b(?:const|let|using)\s+([^=]+)=|\b(?:function|class)\s+(\w+)/g);
  const own = new Set([...declarations].flatMap(([, pattern, name]) => words(pattern ?? name ?? '')));
  const bare = new Set(code.match(/(?<![\w.])[A-Za-z_]\w*\b/g));
  return Object.entries(exported).flatMap(([entry, names]) => {
    const space = entry.split('/')[1];
    const used = names.filter((name) => (space ? bare : spoken).has(name) && !own.has(name));
    // A name that two entry points have is that of the first.
    for (const name of used) own.add(name);
    const imports = used.length > 0 ? [`import { ${used.join(', ')} } from '${entry}';`] : [];
    if (space && code.includes(`${space}.`) && !own.has(space)) imports.push(`import * as ${space} from '${entry}';`);
    return imports;
  });
}
