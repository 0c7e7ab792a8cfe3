/** One request that went wrong, as a row of a list: when, its status, why, and which it was. */
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

export function TroubleRow({ trouble, note }: { trouble: Trouble; note: string }) {
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
