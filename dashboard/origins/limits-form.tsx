/** The form for the limits of one origin. Untouched fields follow the origin. */
import { useId, useState } from 'preact/hooks';
import type { OriginReport } from '../../src/control/answers.ts';
import { change } from '../api/client.ts';
import { tell } from '../state/announce.ts';
import { origins } from '../state/origins.ts';

type Limits = OriginReport['limits'];

/** The text of the fields; `null` while they are untouched. */
interface Written {
  readonly maxConnections: string;
  /** In megabytes a second; empty for no limit. */
  readonly maxRate: string;
  /** Requests a second; empty for no limit. */
  readonly maxRequestRate: string;
}

export function LimitsForm({ origin: { name, limits } }: { origin: OriginReport }) {
  const [written, setWritten] = useState<Written | null>(null);
  const id = useId();
  const shown = written ?? wordsFor(limits);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    const done = await tell(
      change<OriginReport>('PATCH', `/origins/${encodeURIComponent(name)}`, limitsFrom(shown)).then(
        () => `The limits of ${name} are changed, until firstbyte starts again.`,
      ),
    );
    await origins.refresh();
    if (done) setWritten(null);
  };
  return (
    <form class="limits" onSubmit={onSubmit} aria-label={`Limits of ${name}`}>
      <label for={`${id}-connections`}>Connections at most</label>
      <input
        id={`${id}-connections`}
        type="number"
        min="1"
        step="1"
        required
        value={shown.maxConnections}
        onInput={(event) => setWritten({ ...shown, maxConnections: event.currentTarget.value })}
      />
      <label for={`${id}-rate`}>MB/s at most</label>
      <input
        id={`${id}-rate`}
        type="number"
        min="0.001"
        step="any"
        placeholder="no limit"
        value={shown.maxRate}
        onInput={(event) => setWritten({ ...shown, maxRate: event.currentTarget.value })}
      />
      <label for={`${id}-requests`}>Requests/s at most</label>
      <input
        id={`${id}-requests`}
        type="number"
        min="0"
        step="any"
        placeholder="no limit"
        value={shown.maxRequestRate}
        onInput={(event) => setWritten({ ...shown, maxRequestRate: event.currentTarget.value })}
      />
      <button type="submit" disabled={written === null}>
        Change<span class="unseen"> the limits of {name}</span>
      </button>
    </form>
  );
}

function wordsFor({ maxConnections, maxRate, maxRequestRate }: Limits): Written {
  return {
    maxConnections: String(maxConnections),
    maxRate: maxRate === null ? '' : String(maxRate / 1e6),
    maxRequestRate: maxRequestRate === null ? '' : String(maxRequestRate),
  };
}

function limitsFrom({ maxConnections, maxRate, maxRequestRate }: Written): Limits {
  return {
    maxConnections: Number(maxConnections),
    maxRate: maxRate.trim() === '' ? null : Math.round(Number(maxRate) * 1e6),
    maxRequestRate: maxRequestRate.trim() === '' ? null : Number(maxRequestRate),
  };
}
