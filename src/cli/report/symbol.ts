/** The shape that stands for a variant in charts, tables and legends. */
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import { html, type Markup } from '../../compress/choosing/drawing/markup.js';
import type { Mark } from './palette.js';

const SHAPES = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolStar, symbolCross, symbolWye] as const;

/** Path of a shape around the origin; `area` in square pixels. */
export function symbolPath(shape: number, area: number): string {
  return (
    symbol()
      .type(SHAPES[shape % SHAPES.length] ?? symbolCircle)
      .size(area)() ?? ''
  );
}

/** The mark as a small drawing within a line of text; the name beside it says the same, so readers skip it. */
export function inlineSymbol({ color, shape }: Mark): Markup {
  return html`<svg class="mark" viewBox="-7 -7 14 14" aria-hidden="true" style="--c:${color}">
    <path d="${symbolPath(shape, 70)}"/></svg>`;
}
