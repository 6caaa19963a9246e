/**
 * The colours of the page in both themes, as data, so that a test can hold them to the contrast that WCAG 2.2 (1.4.3,
 * 1.4.11) asks for: 4.5 : 1 for text, 3 : 1 for the marks of a chart.
 */
import type { Report } from './report.js';

export interface Theme {
  /** Behind everything. */
  readonly page: string;
  /** Behind tables and charts. */
  readonly surface: string;
  /** Behind what is under the pointer, and behind empty bars. */
  readonly sunken: string;
  /** Text. */
  readonly ink: string;
  /** Text of less weight. */
  readonly soft: string;
  /** Lines that separate. */
  readonly rule: string;
  /** The recommendation. */
  readonly accent: string;
  readonly accentWash: string;
  readonly right: string;
  readonly wrong: string;
  /** Of the variants, in their order; the first is the teacher. */
  readonly variants: readonly string[];
}

export const LIGHT: Theme = {
  page: '#f6f4ef',
  surface: '#fffefb',
  sunken: '#eeebe3',
  ink: '#1d1b18',
  soft: '#625d54',
  rule: '#dfdad0',
  accent: '#a8400c',
  accentWash: '#fbefe4',
  right: '#2a6f97',
  wrong: '#c2410c',
  variants: ['#4a463f', '#1f6fb2', '#0a7c6f', '#7b4fc0', '#c8480f', '#8f6a00', '#c02a6b', '#4d7c0f'],
};

export const DARK: Theme = {
  page: '#131211',
  surface: '#1b1a18',
  sunken: '#272522',
  ink: '#ece8e0',
  soft: '#a59f94',
  rule: '#35322d',
  accent: '#ff9d5c',
  accentWash: '#2c2018',
  right: '#5aa9d6',
  wrong: '#ff8a50',
  variants: ['#c9c3b8', '#69aef0', '#3cc2ae', '#b99af2', '#ff8d52', '#dfb43c', '#f47fb0', '#a3cf5b'],
};

/** How a variant looks everywhere on the page: a colour and, for those who do not see it, a shape. */
export interface Mark {
  /** CSS colour. */
  readonly color: string;
  /** Number of the shape, see `symbol.ts`. */
  readonly shape: number;
}

/** Gives every variant of `report` its mark; colours come round again after eight, shapes after seven. */
export function marks(report: Pick<Report, 'variants'>): ReadonlyMap<string, Mark> {
  return new Map(
    report.variants.map(({ name }, index) => [
      name,
      { color: `var(--v${index % LIGHT.variants.length})`, shape: index },
    ]),
  );
}

/** The mark of something that is not among the variants. */
export const UNKNOWN_MARK: Mark = { color: 'var(--soft)', shape: 0 };

/** Declarations of the custom properties of `theme`. */
export function themeProperties(theme: Theme): string {
  const { variants, ...colors } = theme;
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const properties = Object.entries(colors).map(([name, value]) => `--${kebab(name)}:${value}`);
  const triples = (['right', 'wrong'] as const).map((name) => `--${name}-rgb:${channels(theme[name]).join(' ')}`);
  return [...properties, ...triples, ...variants.map((value, index) => `--v${index}:${value}`)].join(';');
}

/** Red, green and blue of '#rrggbb', 0 to 255. */
export function channels(color: string): [number, number, number] {
  const value = Number.parseInt(color.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
