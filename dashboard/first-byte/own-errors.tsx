/** The 5xx replies of firstbyte itself: when, why, and for which request. */
import type { OwnErrorReport } from '../../src/control/answers.ts';
import { countWords, durationWords } from '../../src/kit/amounts.ts';
import { TroubleRow } from './trouble-row.tsx';

export function OwnErrors({ count, last }: { count: number; last: readonly OwnErrorReport[] }) {
  if (count === 0) return <p class="hint">None since the start.</p>;
  return (
    <>
      <p class="hint">
        {countWords(count, 'error')} since the start
        {last.length < count && `; the last ${last.length}`}:
      </p>
      <ul class="rows errors">
        {last.toReversed().map((error) => (
          <TroubleRow key={error.request} trouble={error} note={noteOf(error)} />
        ))}
      </ul>
    </>
  );
}

function noteOf({ reason, phase, waited }: OwnErrorReport): string {
  const during = phase === null ? '' : `, while ${phase}`;
  return `${reason.replaceAll('_', ' ')}${during}, after ${durationWords(waited)}`;
}
