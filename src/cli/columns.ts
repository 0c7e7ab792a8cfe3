/** Rows in columns: for a terminal aligned and cut to its width, for a pipe separated by tabs. */

const segmenter = new Intl.Segmenter();
/** Characters that take two cells of a terminal: East Asian wide ones and pictures. */
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6])/u;

/** How many cells of a terminal a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** The text in at most `width` cells; an ellipsis replaces a middle that does not fit. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const segments = Array.from(segmenter.segment(text), ({ segment }) => segment);
  const room = Math.max(0, width - 1);
  const end = taken(segments.toReversed(), Math.ceil(room / 2))
    .reverse()
    .join('');
  return `${taken(segments, room - widthOf(end)).join('')}…${end}`.slice(0, width === 0 ? 0 : undefined);
}

function taken(segments: readonly string[], room: number): string[] {
  let width = 0;
  const end = segments.findIndex((segment) => {
    width += widthOf(segment);
    return width > room;
  });
  return segments.slice(0, end === -1 ? undefined : end);
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Whether it shrinks where a line is longer than the terminal. */
  readonly gives?: true;
}

/** Lines of at most `width` cells, the titles first. */
export function columnsText(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => all.reduce((most, row) => Math.max(most, widthOf(row[index] ?? '')), 0));
  const excess = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  return all.map((row) => {
    const cells = columns.map(({ align, gives }, index) => {
      const room = Math.max(8, (widths[index] ?? 0) - (gives ? Math.max(0, excess) : 0));
      const cell = gives ? fit(row[index] ?? '', room) : (row[index] ?? '');
      const space = gives ? Math.min(room, widths[index] ?? 0) : (widths[index] ?? 0);
      return align === 'right' ? ' '.repeat(Math.max(0, space - widthOf(cell))) + cell : padEnd(cell, space);
    });
    return cells.join('  ').trimEnd();
  });
}

/** The same for a pipe: no titles, nothing cut. */
export function tabbedText(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.join('\t')}\n`).join('');
}
