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
      <Field label="Connections at most" name="maxConnections" min="1" step="1" required {...{ shown, setWritten }} />
      <Field label="MB/s at most" name="maxRate" min="0.001" {...{ shown, setWritten }} />
      <Field label="Requests/s at most" name="maxRequestRate" min="0" {...{ shown, setWritten }} />
      <button type="submit" disabled={written === null}>
        Change<span class="unseen"> the limits of {name}</span>
      </button>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: keyof Written;
  readonly min: string;
  readonly step?: string;
  readonly required?: boolean;
  readonly shown: Written;
  readonly setWritten: (written: Written) => void;
}

function Field({ label, name, min, step = 'any', required = false, shown, setWritten }: FieldProps) {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <input
        {...{ id, min, step, required }}
        type="number"
        placeholder={required ? undefined : 'no limit'}
        value={shown[name]}
        onInput={(event) => setWritten({ ...shown, [name]: event.currentTarget.value })}
      />
    </>
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
