/** HTML and SVG as text, escaped unless it is known to be markup: a forgotten escape is not possible, only a doubled one. */

/** Text that is markup already. */
export class Markup {
  constructor(readonly source: string) {}
  toString(): string {
    return this.source;
  }
}

/** What may stand in a template; `false`, `null` and `undefined` print nothing, so that `condition && markup` works. */
export type Fragment = Markup | string | number | false | null | undefined | readonly Fragment[];

/** Escapes `text` for element content and for attribute values in either kind of quotes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"'\0]/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\0': '\ufffd',
};

function print(fragment: Fragment): string {
  if (fragment instanceof Markup) return fragment.source;
  if (typeof fragment === 'string') return escapeText(fragment);
  if (typeof fragment === 'number') return printNumber(fragment);
  if (!fragment) return '';
  return fragment.map(print).join('');
}

/** Two decimals are below a tenth of a device pixel; more would only make the page heavier. */
function printNumber(value: number): string {
  return Number.isInteger(value) ? value.toString() : (Math.round(value * 100) / 100).toString();
}

/**
 * Tag for template literals of HTML and SVG: interpolated strings are escaped, interpolated markup is not. The
 * indentation of the template itself is left out.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  const parts = strings.map((part) => part.replace(/\n\s+/g, '\n'));
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    text += print(value) + (parts[index + 1] ?? '');
  });
  return new Markup(text);
}

/** Declares text to be markup: for constants of this project only, never for anything from outside. */
export function trusted(source: string): Markup {
  return new Markup(source);
}

/** Puts no-break spaces between numbers and their units. */
export function unbroken(text: string): string {
  return text.replace(/ /g, '\u00a0');
}
