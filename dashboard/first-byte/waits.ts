/** Converts the cumulative counts of waits to a histogram. */
import type { WaitStats } from '../../src/control/answers.ts';
import type { WaitOutcome } from '../../src/events.ts';

export const outcomes = ['served', 'late', 'failed', 'gone'] as const satisfies readonly WaitOutcome[];

export interface Band {
  /** In milliseconds; `null` for waits beyond the last edge. */
  readonly upTo: number | null;
  readonly counts: Readonly<Record<WaitOutcome, number>>;
  readonly total: number;
}

/** From the shortest to the longest, without empty bands at both ends. */
export function bandsOf(waits: Readonly<Record<WaitOutcome, WaitStats>>): Band[] {
  const edges = [...new Set(outcomes.flatMap((outcome) => Object.keys(waits[outcome].atMost)))]
    .map((edge) => ({ edge, seconds: Number.parseFloat(edge) }))
    .sort((one, other) => one.seconds - other.seconds);
  let below: Readonly<Record<WaitOutcome, number>> = { served: 0, late: 0, failed: 0, gone: 0 };
  const band = (upTo: number | null, reached: Readonly<Record<WaitOutcome, number>>): Band => {
    const counts = each((outcome) => reached[outcome] - below[outcome]);
    below = reached;
    return { upTo, counts, total: outcomes.reduce((sum, outcome) => sum + counts[outcome], 0) };
  };
  const bands = edges.map(({ edge, seconds }) =>
    band(
      seconds * 1000,
      each((outcome) => waits[outcome].atMost[edge] ?? 0),
    ),
  );
  bands.push(
    band(
      null,
      each((outcome) => waits[outcome].count),
    ),
  );
  const first = bands.findIndex(({ total }) => total > 0);
  const last = bands.findLastIndex(({ total }) => total > 0);
  return first === -1 ? [] : bands.slice(first, last + 1);
}

function each(count: (outcome: WaitOutcome) => number): Record<WaitOutcome, number> {
  return { served: count('served'), late: count('late'), failed: count('failed'), gone: count('gone') };
}
