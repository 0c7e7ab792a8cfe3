/**
 * Paints one byte map. Present bytes are low and read-ahead bytes are high, so that they differ in more than colour.
 * Marks of players are above the band, those of incoming bytes below it.
 */
import type { Span } from '../../src/control/answers.ts';
import { columnShares, within } from './byte-columns.ts';
import type { MapScene } from './map-scene.ts';

/** In CSS pixels: the marks of players above, the band, and the marks of connections below. */
const mapHeights = { above: 7, band: 20, below: 6 } as const;

interface MapColours {
  readonly gap: string;
  readonly present: string;
  readonly ahead: string;
  readonly landing: string;
  readonly player: string;
}

function coloursOf(element: Element): MapColours {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--map-${name}`).trim();
  return {
    gap: colour('gap'),
    present: colour('present'),
    ahead: colour('ahead'),
    landing: colour('landing'),
    player: colour('player'),
  };
}

/** Paints the range `view` of `scene` over the whole canvas. `close` is the range of the close view. */
export function drawMap(canvas: HTMLCanvasElement, scene: MapScene, view: Span, close: Span | null): void {
  const context = canvas.getContext('2d');
  const { clientWidth: width } = canvas;
  if (context === null || width === 0) return;
  const ratio = devicePixelRatio;
  const { above, band, below } = mapHeights;
  const columns = Math.round(width * ratio);
  const height = Math.round((above + band + below) * ratio);
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== height) canvas.height = height;
  const colours = coloursOf(canvas);
  const top = above * ratio;
  const bottom = top + band * ratio;
  const at = (offset: number) => ((offset - view[0]) / (view[1] - view[0])) * columns;

  const bar = (spans: readonly Span[], colour: string, share: number) => {
    const shares = columnShares(spans, view, columns);
    const from = bottom - (bottom - top) * share;
    context.fillStyle = colour;
    for (const [column, covered] of shares.entries()) {
      if (covered === 0) continue;
      // Even the smallest share is visible.
      context.globalAlpha = 0.35 + 0.65 * covered;
      context.fillRect(column, from, 1, bottom - from);
    }
    context.globalAlpha = 1;
  };

  context.clearRect(0, 0, columns, height);
  context.fillStyle = colours.gap;
  context.fillRect(0, top, columns, bottom - top);
  context.fillStyle = colours.landing;
  for (const [start, end] of within(scene.landing, view)) {
    const thick = Math.max(1, Math.round(2 * ratio));
    context.globalAlpha = 0.5;
    context.fillRect(at(start), bottom - thick, at(end) - at(start), thick);
    context.globalAlpha = 1;
  }
  bar(scene.present, colours.present, 0.62);
  bar(scene.ahead, colours.ahead, 1);
  if (close !== null) {
    context.strokeStyle = colours.player;
    context.lineWidth = ratio;
    const left = Math.min(at(close[0]), columns - 3 * ratio);
    context.strokeRect(left, top + ratio / 2, Math.max(3 * ratio, at(close[1]) - at(close[0])), bottom - top - ratio);
  }
  for (const offset of scene.cursors)
    mark(context, at(offset), bottom + below * ratio, -below * ratio, colours.landing);
  for (const offset of scene.players) {
    const x = at(offset);
    context.fillStyle = colours.player;
    if (x >= 0 && x <= columns) context.fillRect(x - ratio / 2, top, ratio, bottom - top);
    mark(context, x, 0, above * ratio, colours.player);
  }
}

/** A triangle with its base at `y` and its point `height` further on. */
function mark(context: CanvasRenderingContext2D, x: number, y: number, height: number, colour: string): void {
  const half = Math.abs(height) * 0.7;
  const { width } = context.canvas;
  // At an end of the map all of it is seen.
  const middle = x < 0 || x > width ? x : Math.min(Math.max(x, half), width - half);
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(middle - half, y);
  context.lineTo(middle + half, y);
  context.lineTo(x, y + height);
  context.closePath();
  context.fill();
}
