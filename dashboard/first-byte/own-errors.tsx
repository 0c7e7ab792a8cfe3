/** The 5xx replies of firstbyte itself: when, why, and for which request. */
import type { OwnErrorReport } from '../../src/control/answers.ts';
import { durationWords } from '../../src/kit/amounts.ts';
import { phaseWord } from '../parts/phase.tsx';
import { Troubles } from './troubles.tsx';

export function OwnErrors({ count, last }: { count: number; last: readonly OwnErrorReport[] }) {
  return <Troubles noun="error" {...{ count, last, noteOf }} />;
}

function noteOf({ reason, phase, waited }: OwnErrorReport): string {
  const during = phase === null ? '' : `, while ${phaseWord(phase).toLowerCase()}`;
  return `${reason.replaceAll('_', ' ')}${during}, after ${durationWords(waited)}`;
}
