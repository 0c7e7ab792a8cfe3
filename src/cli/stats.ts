/** `firstbyte stats`: the counts since the start, as text. */
import type { StatsReport } from '../control/answers.ts';
import type { CacheResult } from '../events.ts';
import { countWords, durationWords, sizeWords } from '../kit/amounts.ts';
import { outcomeWords } from '../kit/request-words.ts';
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
  const { requests, ownErrors, firstByteWaits, fills, bytesLanded, bytesSent, retries, heals, bugs } = report;
  const waits = Object.values(firstByteWaits);
  const waited = waits.reduce((sum, { count }) => sum + count, 0);
  const mean = waits.reduce((sum, { sumSeconds }) => sum + sumSeconds, 0) / Math.max(1, waited);
  const lines: readonly (readonly [string, string])[] = [
    ['running for', durationWords(report.uptimeSeconds * 1000)],
    ['requests', `${total(requests.byOutcome)}${each(requests.byOutcome, String, outcomeWords)}`],
    ['cache', cacheText(requests.byCache)],
    ['waits', waited === 0 ? '0' : `${waited}, ${durationWords(mean * 1000)} on average`],
    ['downloaded', `${sizeWords(total(bytesLanded))}${each(bytesLanded, sizeWords)}`],
    ['sent', `${sizeWords(total(bytesSent))}${each(bytesSent, sizeWords)}`],
    ['titles open', `${total(fills)}${each(fills)}`],
    ['retries', `${total(retries)}${each(retries)}`],
    ['repaired', `${total(heals)}${each(heals)}`],
    ['own errors', String(ownErrors.count)],
    ...(bugs === 0 ? [] : [['bugs', `${bugs}: please report them`] as const]),
  ];
  const errors = ownErrors.last
    .slice(-shownErrors)
    .map(({ time, status, origin, path, message }) => `  ${time}  ${status} /${origin ?? ''}${path}: ${message}\n`);
  return lines.map(([name, value]) => `${name.padEnd(18)}${value}\n`).join('') + errors.join('');
}

const cacheNames: Readonly<Record<CacheResult, readonly [one: string, many: string] | null>> = {
  hit: ['hit', 'hits'],
  miss: ['miss', 'misses'],
  partial: ['partly cached', 'partly cached'],
  stale: ['not checked', 'not checked'],
  pass: ['passed through', 'passed through'],
  none: null,
};

/** `3 hits, 1 miss`, without requests for nothing that is cached. */
function cacheText(counts: StatsReport['requests']['byCache']): string {
  const parts = Object.entries(cacheNames).flatMap(([result, names]) => {
    const count = counts[result as CacheResult];
    return names === null || count === 0 ? [] : [countWords(count, ...names)];
  });
  return parts.join(', ') || 'no requests';
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** `: 3 hit, 1 miss`, without those that are 0. */
function each(
  counts: Counts,
  words: (count: number) => string = String,
  names: Readonly<Record<string, string>> = {},
): string {
  const parts = Object.entries(counts).flatMap(([name, count]) =>
    count === 0 ? [] : [`${words(count)} ${names[name] ?? name}`],
  );
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}
