/** Figures and their table: medians with their span, goals, verdicts. */

/** One figure, measured in several rounds. */
export class Series {
  readonly values: readonly number[];

  constructor(values: readonly number[]) {
    if (values.length === 0) throw new RangeError('A series needs a value.');
    this.values = [...values].sort((one, other) => one - other);
  }

  get median(): number {
    const middle = (this.values.length - 1) / 2;
    return ((this.values[Math.floor(middle)] ?? 0) + (this.values[Math.ceil(middle)] ?? 0)) / 2;
  }

  /** The median, and in brackets from where to where the rounds went. */
  text(digits: number): string {
    const [least = 0] = this.values;
    const most = this.values.at(-1) ?? 0;
    if (this.values.length === 1) return this.median.toFixed(digits);
    return `${this.median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
  }

  toJSON(): { median: number; values: readonly number[] } {
    return { median: this.median, values: this.values };
  }
}

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly goal: string;
  /** Absent where it was not measured. */
  readonly direct?: string;
  readonly firstbyte: string;
  readonly nginx?: string;
  /** Whether the goal was reached; `null` where it can't be told here. */
  readonly reached: boolean | null;
  /** Everything behind the texts, for `--json`. */
  readonly figures: Readonly<Record<string, Series | number>>;
}

export function table(rows: readonly Row[]): string {
  const lines = [
    ['what', 'to reach', 'direct', 'firstbyte', 'nginx', 'verdict'],
    ...rows.map(({ what, goal, direct, firstbyte, nginx, reached }) => {
      const verdict = reached === null ? '-' : reached ? 'reached' : 'MISSED';
      return [what, goal, direct ?? '-', firstbyte, nginx ?? '-', verdict];
    }),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const drawn = lines.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [head = '', ...body] = drawn;
  return `${[head, '-'.repeat(Math.max(...drawn.map((line) => line.length))), ...body].join('\n')}\n`;
}
