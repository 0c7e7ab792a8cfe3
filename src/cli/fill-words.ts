/** A fill in few words: present bytes, speed, and how far it is ahead of its readers. */
import type { FillReport } from '../control/answers.ts';
import { durationWords, sizeWords, speedWords } from '../kit/amounts.ts';
import { percentWords } from './words.ts';

/** Bytes a second from the origin. */
export function speedIn({ cursors }: FillReport): number {
  return cursors.reduce((sum, { speed }) => sum + (speed ?? 0), 0);
}

/** Bytes a second to clients. */
export function speedOut({ readers }: FillReport): number {
  return readers.reduce((sum, { speed }) => sum + speed, 0);
}

const phaseWords: Readonly<Record<FillReport['phase'], string>> = {
  idle: 'idle',
  queued: 'queued',
  starting: 'waiting',
  filling: 'downloading',
  paused: 'paused',
  complete: 'complete',
  failed: 'failed',
};

/** `downloading`; `waiting` also where a player waits in the midst of its film. */
export function stateWord({ phase, readers }: FillReport): string {
  return phaseWords[
    phase === 'filling' && readers.some(({ waitedMs }) => (waitedMs ?? 0) >= 1000) ? 'starting' : phase
  ];
}

/** `12.3 MB of 1.20 GB`. */
function presentWords({ presentBytes, length }: FillReport): string {
  return length === null ? sizeWords(presentBytes) : `${sizeWords(presentBytes)} of ${sizeWords(length)}`;
}

export function percentOf({ presentBytes, length }: FillReport): string {
  return percentWords(length === null ? null : length === 0 ? 100 : (100 * presentBytes) / length);
}

/** How far it is ahead of its nearest reader; empty without readers. */
export function aheadWords({ readers }: FillReport): string {
  const [least] = readers.toSorted((a, b) => (a.secondsAhead ?? Infinity) - (b.secondsAhead ?? Infinity));
  if (least === undefined) return '';
  if (least.waiting) return 'player waiting';
  if (least.secondsAhead === null) return `${sizeWords(least.ahead)} ahead`;
  return `${durationWords(least.secondsAhead * 1000)} ahead`;
}

/** One line: why it is where it is, bytes, speed, seconds ahead. */
export function fillLine(fill: FillReport): string {
  const speed = speedIn(fill);
  const parts = [
    fill.reason,
    presentWords(fill),
    speed > 0 ? speedWords(speed) : '',
    aheadWords(fill),
    fill.line?.words ?? '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
