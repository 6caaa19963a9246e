/**
 * The colours of pictures and pages in both themes, as data, so that a test can hold them to the contrast that WCAG 2.2 (1.4.3,
 * 1.4.11) asks for: 4.5 : 1 for text, 3 : 1 for the marks of a chart.
 */

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
