/** A plot as SVG: for each case one bar for direct and one for firstbyte, shorter is better. */

export interface Bar {
  readonly label: string;
  /** In seconds; `null` where it did not come to that. */
  readonly direct: number | null;
  readonly firstbyte: number | null;
}

const width = 900;
const left = 330;
const right = 70;
const head = 56;
const rowHeight = 30;
const colours = { direct: '#8a8f98', firstbyte: '#2a78d6' } as const;

export function barsOf(title: string, bars: readonly Bar[]): string {
  const height = head + bars.length * rowHeight + 8;
  const most = Math.max(1, ...bars.flatMap(({ direct, firstbyte }) => [direct ?? 0, firstbyte ?? 0]));
  const scale = (width - left - right) / most;
  const rows = bars.flatMap(({ label, ...values }, index) => {
    const y = head + index * rowHeight;
    const bar = (way: keyof typeof colours, top: number) => {
      const value = values[way];
      const length = Math.max(1, (value ?? 0) * scale).toFixed(1);
      const text = value === null ? 'none' : value.toFixed(2);
      return [
        `<rect x="${left}" y="${top}" width="${value === null ? 1 : length}" height="10" fill="${colours[way]}"/>`,
        `<text x="${left + 5 + Number(value === null ? 1 : length)}" y="${top + 9}" class="value">${text}</text>`,
      ];
    };
    const name = `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${escapeText(label)}</text>`;
    return [name, ...bar('direct', y), ...bar('firstbyte', y + 12)];
  });
  const key = (way: keyof typeof colours, x: number) =>
    `<rect x="${x}" y="32" width="10" height="10" fill="${colours[way]}"/><text x="${x + 15}" y="41">${way}</text>`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">`,
    '<style>text{font:12px sans-serif;fill:#222}.value{font-size:10px;fill:#555}.title{font-size:15px}</style>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" class="title">${escapeText(title)}</text>`,
    key('direct', left),
    key('firstbyte', left + 80),
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
