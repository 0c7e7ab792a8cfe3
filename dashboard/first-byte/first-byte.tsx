/**
 * *First byte*: how long players waited for their first byte, by time and by origin, and the errors of firstbyte
 * itself.
 */
import { useMemo } from 'preact/hooks';
import type { HistoryReport, OriginReport, StatsReport } from '../../src/control/answers.ts';
import { countWords, durationWords } from '../../src/kit/amounts.ts';
import { Chart } from '../parts/chart.tsx';
import { ProblemLine } from '../parts/problem.tsx';
import { column, history, momentsOf, pauseBetweenPoints } from '../state/history.ts';
import { useFresh } from '../state/keep-fresh.ts';
import { origins } from '../state/origins.ts';
import { stats } from '../state/stats.ts';
import { FailedWaits } from './failed-waits.tsx';
import { Histogram } from './histogram.tsx';
import { OwnErrors } from './own-errors.tsx';

const lines = [
  { label: 'median', colour: '--line-1' },
  { label: '95th percentile', colour: '--line-2', dashed: true },
];

export function FirstByte() {
  useFresh(stats, { on: ['first-byte-wait', 'own-error', 'request-done'] });
  useFresh(origins, { on: ['fill-first-byte', 'breaker'] });
  useFresh(history, { on: [], every: pauseBetweenPoints });
  return (
    <>
      <ProblemLine problem={stats.problem.value ?? history.problem.value} />
      <div class="columns">
        <section class="card" aria-label="Waits over time">
          {history.value.value !== null && <WaitsOverTime history={history.value.value} />}
        </section>
        <section class="card" aria-labelledby="how-long">
          <h2 id="how-long">How long players waited</h2>
          {stats.value.value !== null && <Histogram waits={stats.value.value.firstByteWaits} />}
        </section>
      </div>
      <section class="card" aria-labelledby="by-origin">
        <h2 id="by-origin">By origin</h2>
        <ByOrigin origins={origins.value.value?.origins ?? []} history={history.value.value} />
      </section>
      <section class="card" aria-labelledby="failed-waits">
        <h2 id="failed-waits">Requests without a first byte</h2>
        {stats.value.value !== null && <FailedWaits stats={stats.value.value} />}
      </section>
      <section class="card" aria-labelledby="own-errors">
        <h2 id="own-errors">Errors by firstbyte</h2>
        {stats.value.value !== null && <OwnErrors {...stats.value.value.ownErrors} />}
      </section>
      {stats.value.value !== null && <Since stats={stats.value.value} />}
    </>
  );
}

function WaitsOverTime({ history: kept }: { history: HistoryReport }) {
  const rows = useMemo(
    (): [number[], (number | null)[], (number | null)[]] => [
      momentsOf(kept),
      column(kept, ({ firstByteP50 }) => firstByteP50),
      column(kept, ({ firstByteP95 }) => firstByteP95),
    ],
    [kept],
  );
  const waits = kept.points.reduce((sum, point) => sum + point.waits, 0);
  const longest = Math.max(0, ...kept.points.map(({ firstByteP95 }) => firstByteP95 ?? 0));
  const summary =
    waits === 0
      ? 'no waits in the last hour.'
      : `${countWords(waits, 'wait')} in the last hour, the longest about ${durationWords(longest)}.`;
  return <Chart title="Waits for the first byte, last hour" {...{ summary, lines, rows }} text={durationWords} />;
}

function ByOrigin({
  origins: all,
  history: kept,
}: {
  origins: readonly OriginReport[];
  history: HistoryReport | null;
}) {
  return (
    <div class="scrolling">
      <table>
        <thead>
          <tr>
            <th scope="col">Origin</th>
            <th scope="col" class="number">
              Median
            </th>
            <th scope="col" class="number">
              Last
            </th>
            <th scope="col" class="number">
              Failures, last hour
            </th>
          </tr>
        </thead>
        <tbody>
          {all.map(({ name, firstByteMs }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{firstByteMs.median === null ? '–' : durationWords(firstByteMs.median)}</td>
              <td class="number">{firstByteMs.last === null ? '–' : durationWords(firstByteMs.last)}</td>
              <td class="number">
                {kept === null
                  ? '–'
                  : kept.points.reduce((sum, point) => sum + (point.origins[name]?.failures ?? 0), 0)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Since({ stats: { uptimeSeconds, heals, retries } }: { stats: StatsReport }) {
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <p class="hint">
      In {durationWords(uptimeSeconds * 1000)}: {countWords(total(retries), 'retry', 'retries')},{' '}
      {countWords(total(heals), 'interruption')} repaired.
    </p>
  );
}
