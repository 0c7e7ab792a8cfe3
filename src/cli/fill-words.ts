/** A fill in few words: present bytes, speed, and how far it is ahead of its readers. */
import type { FillReport } from '../control/answers.ts';
import { durationWords, percentWords, sizeWords, speedWords } from './words.ts';

/** Bytes a second from the origin. */
export function speedIn({ cursors }: FillReport): number {
  return cursors.reduce((sum, { speed }) => sum + (speed ?? 0), 0);
}

/** Bytes a second to clients. */
export function speedOut({ readers }: FillReport): number {
  return readers.reduce((sum, { speed }) => sum + speed, 0);
}

/** `12.3 MiB of 1.20 GiB`. */
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
  if (least.waiting) return 'the player waits';
  if (least.secondsAhead === null) return `${sizeWords(least.ahead)} ahead`;
  return `${durationWords(least.secondsAhead * 1000)} ahead`;
}

/** One line: state with its reason, bytes, speed, seconds ahead. */
export function fillLine(fill: FillReport): string {
  const speed = speedIn(fill);
  const parts = [
    `${fill.phase}: ${fill.reason}`,
    presentWords(fill),
    speed > 0 ? speedWords(speed) : '',
    aheadWords(fill),
    fill.line?.words ?? '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
