/** The requests that got no first byte: when, which, and what their players were told. */
import type { StatsReport } from '../../src/control/answers.ts';
import { countWords, durationWords } from '../../src/kit/amounts.ts';
import { TroubleRow } from './trouble-row.tsx';

export function FailedWaits({ stats: { failedWaits: last, firstByteWaits } }: { stats: StatsReport }) {
  const count = firstByteWaits.failed.count + firstByteWaits.late.count;
  if (count === 0) return <p class="hint">None since the start.</p>;
  return (
    <>
      <p class="hint">
        {countWords(count, 'request')} since the start
        {last.length < count && `; the last ${last.length}`}:
      </p>
      <ul class="rows errors">
        {last.toReversed().map((wait) => (
          <TroubleRow
            key={wait.request}
            trouble={wait}
            note={`${wait.outcome === 'late' ? 'too late' : 'failed'} after ${durationWords(wait.waited)}`}
          />
        ))}
      </ul>
    </>
  );
}
