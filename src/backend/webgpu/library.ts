import { elementary } from './library/elementary.js';
import { functions } from './library/functions.js';
import { gamma } from './library/gamma.js';
import { numbers } from './library/numbers.js';
import { pairs } from './library/pairs.js';
import { philox } from './library/philox.js';

/**
 * WGSL functions that shaders share. A shader names what it needs and gets it, with all that this needs in turn; what it declares
 * itself comes first.
 */
const FUNCTIONS = new Map(
  [numbers, pairs, elementary, functions, gamma, philox]
    .flatMap((text) => text.split(/\n(?=fn |const |struct )/))
    .map((text) => [/(?:fn|const|struct) (\w+)/.exec(text)?.[1] ?? '', text.trim()]),
);

/** `text` with the functions and constants of the library that it names. */
export function withLibrary(text: string): string {
  const taken = new Map<string, string>();
  const declared = new Set([...text.matchAll(/\b(?:fn|const|var(?:<\w+>)?) (\w+)/g)].map(([, name]) => name));
  const pending = [text];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name] of next.matchAll(/\b[A-Za-z_]\w*\b/g)) {
      const body = FUNCTIONS.get(name);
      if (body === undefined || taken.has(name) || declared.has(name)) continue;
      taken.set(name, body);
      pending.push(body);
    }
  }
  return [...taken.values(), text].join('\n');
}
