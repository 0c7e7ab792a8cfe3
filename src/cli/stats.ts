/** `firstbyte stats`: the counts since the start, as text. */
import type { StatsReport } from '../control/answers.ts';
import { durationWords, sizeWords } from '../kit/amounts.ts';
import type { ExitReason } from './exit-codes.ts';
import { type Invocation, printAs } from './invocation.ts';
import { openSession } from './session.ts';

type Counts = Readonly<Record<string, number>>;

/** So many own errors are shown, the last ones. */
const shownErrors = 5;

export async function stats(invocation: Invocation): Promise<ExitReason> {
  await using session = await openSession(invocation, { running: true });
  const report = await session.control.get<StatsReport>('stats');
  printAs(invocation, statsText(report), report);
  return 'stopped';
}

function statsText(report: StatsReport): string {
  const { requests, ownErrors, firstByteWaits, fills, bytesLanded, bytesSent, retries, heals, bugs, lent } = report;
  const waits = Object.values(firstByteWaits);
  const waited = waits.reduce((sum, { count }) => sum + count, 0);
  const mean = waits.reduce((sum, { sumSeconds }) => sum + sumSeconds, 0) / Math.max(1, waited);
  const lines: readonly (readonly [string, string])[] = [
    ['running for', durationWords(report.uptimeSeconds * 1000)],
    ['requests', `${total(requests.byOutcome)}${each(requests.byOutcome)}`],
    ['cache', `${each(requests.byCache).slice(2) || 'no requests'}`],
    ['waits', waited === 0 ? '0' : `${waited}, ${durationWords(mean * 1000)} on average`],
    ['downloaded', `${sizeWords(total(bytesLanded))}${each(bytesLanded, sizeWords)}`],
    ['sent', `${sizeWords(total(bytesSent))}${each(bytesSent, sizeWords)}`],
    ['titles open', `${total(fills)}${each(fills)}`],
    ['retries', `${total(retries)}${each(retries)}`],
    ['repaired', `${total(heals)}${each(heals)}`],
    ['in use', each(lent).slice(2) || 'nothing'],
    ['own errors', String(ownErrors.count)],
    ...(bugs === 0 ? [] : [['bugs', `${bugs}: please report them`] as const]),
  ];
  const errors = ownErrors.last
    .slice(-shownErrors)
    .map(({ time, status, origin, path, message }) => `  ${time}  ${status} /${origin ?? ''}${path}: ${message}\n`);
  return lines.map(([name, value]) => `${name.padEnd(18)}${value}\n`).join('') + errors.join('');
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** `: 3 hit, 1 miss`, without those that are 0. */
function each(counts: Counts, words: (count: number) => string = String): string {
  const parts = Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${words(count)} ${name}`]));
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}
