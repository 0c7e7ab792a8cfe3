/** The last hour, and its rows for charts. */
import type { HistoryPoint, HistoryReport } from '../../src/control/answers.ts';
import { Resource } from './resource.ts';

export const history = new Resource<HistoryReport>('/history?minutes=60');

/** A new point comes so often, in milliseconds. */
export function pauseBetweenPoints(): number {
  return Math.max(1000, history.value.value?.interval ?? 10_000);
}

export function momentsOf({ points }: HistoryReport): number[] {
  return points.map(({ at }) => Date.parse(at) / 1000);
}

/** One value a point; `null` where there was none. */
export function column(
  { points }: HistoryReport,
  value: (point: HistoryPoint) => number | null | undefined,
): (number | null)[] {
  return points.map((point) => value(point) ?? null);
}
