/** Requests that went wrong: how many there were, and of the last ones when, their status, why, and which they were. */

import { countWords } from '../../src/kit/amounts.ts';
import { Untrusted } from '../parts/untrusted.tsx';
import { timeOfDay } from '../words/times.ts';
import { legiblePath } from '../words/untrusted.ts';

interface Trouble {
  readonly time: string;
  readonly request: number;
  /** `null` where the request named none. */
  readonly origin: string | null;
  readonly path: string;
  readonly status: number | null;
  readonly message: string;
}

interface TroublesProps<T extends Trouble> {
  readonly count: number;
  /** What one of them is called. */
  readonly noun: string;
  /** The newest last. */
  readonly last: readonly T[];
  readonly noteOf: (trouble: T) => string;
}

export function Troubles<T extends Trouble>({ count, noun, last, noteOf }: TroublesProps<T>) {
  if (count === 0) return <p class="hint">None since the start.</p>;
  return (
    <>
      <p class="hint">
        {countWords(count, noun)} since the start
        {last.length < count && `; the last ${last.length}`}:
      </p>
      <ul class="rows errors">
        {last.toReversed().map((trouble) => (
          <TroubleRow key={trouble.request} trouble={trouble} note={noteOf(trouble)} />
        ))}
      </ul>
    </>
  );
}

function TroubleRow({ trouble, note }: { trouble: Trouble; note: string }) {
  const { time, request, origin, path, status, message } = trouble;
  return (
    <li>
      <time dateTime={time}>{timeOfDay(time)}</time>
      <span class="status">{status ?? '–'}</span>
      <span class="cause">
        <Untrusted text={message} />
        <span class="place">{note}</span>
      </span>
      <span class="request">
        <Untrusted text={`${origin === null ? '' : `/${origin}`}${legiblePath(path)}`} />
        <span class="place">request {request}</span>
      </span>
    </li>
  );
}
