/** The requests that got no first byte: when, which, and what their players were told. */
import type { FailedWaitReport, StatsReport } from '../../src/control/answers.ts';
import { durationWords } from '../../src/kit/amounts.ts';
import { Troubles } from './troubles.tsx';

export function FailedWaits({ stats: { failedWaits: last, firstByteWaits } }: { stats: StatsReport }) {
  return (
    <Troubles noun="request" count={firstByteWaits.failed.count + firstByteWaits.late.count} {...{ last, noteOf }} />
  );
}

function noteOf({ outcome, waited }: FailedWaitReport): string {
  return `${outcome === 'late' ? 'too late' : 'failed'} after ${durationWords(waited)}`;
}
