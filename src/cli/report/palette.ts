/** How variants look on the page. */
import { LIGHT, type Theme } from '../../compress/choosing/drawing/theme.js';
import type { Report } from './report.js';

export { DARK, LIGHT, type Theme } from '../../compress/choosing/drawing/theme.js';

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
