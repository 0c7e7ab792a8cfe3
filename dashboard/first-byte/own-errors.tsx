/** The 5xx replies of firstbyte itself: when, why, and for which request. */
import type { OwnErrorReport } from '../../src/control/answers.ts';
import { Untrusted } from '../parts/untrusted.tsx';
import { countText } from '../words/amounts.ts';
import { durationText, timeOfDay } from '../words/times.ts';
import { legiblePath } from '../words/untrusted.ts';

export function OwnErrors({ count, last }: { count: number; last: readonly OwnErrorReport[] }) {
  if (count === 0) return <p class="hint">None since the start.</p>;
  return (
    <>
      <p class="hint">
        {countText(count, 'error')} since the start
        {last.length < count && `; the last ${last.length}`}:
      </p>
      <ul class="rows errors">
        {last.toReversed().map((error) => (
          <li key={error.request}>
            <time dateTime={error.time}>{timeOfDay(error.time)}</time>
            <span class="status">{error.status}</span>
            <span class="cause">
              <Untrusted text={error.message} />
              <span class="place">
                {error.reason.replaceAll('_', ' ')}
                {error.phase !== null && `, while ${error.phase}`}, after {durationText(error.waited)}
              </span>
            </span>
            <span class="request">
              <Untrusted text={`${error.origin === null ? '' : `/${error.origin}`}${legiblePath(error.path)}`} />
              <span class="place">request {error.request}</span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
