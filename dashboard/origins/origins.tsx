/** *Origins*: the health of each origin, its last hour, and its limits. */
import { useMemo } from 'preact/hooks';
import type { HistoryReport, OriginReport } from '../../src/control/answers.ts';
import { durationWords, sizeWords, speedWords } from '../../src/kit/amounts.ts';
import { Chart } from '../parts/chart.tsx';
import { State, type StateWords } from '../parts/phase.tsx';
import { ProblemLine } from '../parts/problem.tsx';
import { Untrusted } from '../parts/untrusted.tsx';
import { column, history, momentsOf, pauseBetweenPoints } from '../state/history.ts';
import { useFresh } from '../state/keep-fresh.ts';
import { origins } from '../state/origins.ts';
import { type Health, healthOf } from './health.ts';
import { LimitsForm } from './limits-form.tsx';

const words: Readonly<Record<Health, StateWords>> = {
  up: ['Up', 'good', 'check'],
  slow: ['Slow', 'wait', 'clock'],
  reached: ['Reached', 'quiet', 'check'],
  failing: ['Failing', 'bad', 'cross'],
  down: ['Down', 'bad', 'cross'],
  tried: ['Being tried', 'wait', 'right'],
  unknown: ['Not asked yet', 'quiet', 'dash'],
};

export function Origins() {
  useFresh(origins, {
    on: ['fill-first-byte', 'fill-state', 'breaker', 'retry', 'request-done'],
    every: () => (origins.value.value?.origins.some(({ connections }) => connections.used > 0) ? 2000 : null),
  });
  useFresh(history, { on: [], every: pauseBetweenPoints });
  const all = origins.value.value?.origins;
  return (
    <>
      <ProblemLine problem={origins.problem.value ?? history.problem.value} />
      {all?.length === 0 && <p class="empty">No origin is configured.</p>}
      {all?.map((origin) => (
        <OriginCard key={origin.name} origin={origin} history={history.value.value} />
      ))}
    </>
  );
}

function OriginCard({ origin, history: kept }: { origin: OriginReport; history: HistoryReport | null }) {
  const { name, base, connections, firstByteMs, bytesIn, lessons, parallel } = origin;
  const { health, why } = healthOf(origin);
  return (
    <article class="card origin" aria-labelledby={`origin-${name}`}>
      <header>
        <h2 id={`origin-${name}`}>
          {name} <Untrusted class="place" text={base} />
        </h2>
      </header>
      <p class="why">
        <State of={words[health]} /> {why}
      </p>
      {parallel.reason !== 'not needed' && (
        <p class="why">
          {parallel.fetches === 1 ? 'One connection' : `Up to ${parallel.fetches} connections`} for one title:{' '}
          {parallel.said}.
        </p>
      )}
      {lessons.length > 0 && <p class="why">Learned: {lessons.map(({ said }) => said).join('; ')}.</p>}
      <dl class="figures">
        <div>
          <dt>Median first byte</dt>
          <dd>{firstByteMs.median === null ? '–' : durationWords(firstByteMs.median)}</dd>
        </div>
        <div>
          <dt>Last</dt>
          <dd>{firstByteMs.last === null ? '–' : durationWords(firstByteMs.last)}</dd>
        </div>
        <div>
          <dt>Connections</dt>
          <dd>
            {connections.used} of {connections.limit}
            {connections.queued > 0 && `, ${connections.queued} queued`}
          </dd>
        </div>
        <div>
          <dt>Downloaded</dt>
          <dd>{sizeWords(bytesIn)}</dd>
        </div>
      </dl>
      {kept !== null && <Past name={name} history={kept} />}
      <LimitsForm origin={origin} />
    </article>
  );
}

const speedLine = [{ label: 'downloaded', colour: '--line-1' }];
const waitLine = [{ label: 'median', colour: '--line-2' }];

function Past({ name, history: kept }: { name: string; history: HistoryReport }) {
  const seconds = kept.interval / 1000;
  const [speeds, waits] = useMemo(() => {
    const moments = momentsOf(kept);
    return [
      [moments, column(kept, ({ origins: each }) => (each[name]?.bytesIn ?? 0) / seconds)],
      [moments, column(kept, ({ origins: each }) => each[name]?.firstByteP50)],
    ] as [[number[], number[]], [number[], (number | null)[]]];
  }, [kept, name, seconds]);
  const fastest = Math.max(0, ...speeds[1]);
  const longest = Math.max(0, ...waits[1].map((wait) => wait ?? 0));
  return (
    <div class="columns">
      <Chart
        title="Throughput, last hour"
        summary={fastest === 0 ? 'nothing was downloaded.' : `${speedWords(fastest)} at most.`}
        lines={speedLine}
        rows={speeds}
        text={speedWords}
        height={110}
      />
      <Chart
        title="First byte, last hour"
        summary={longest === 0 ? 'no requests.' : `${durationWords(longest)} at most.`}
        lines={waitLine}
        rows={waits}
        text={durationWords}
        height={110}
      />
    </div>
  );
}
