/** The lines of `firstbyte top`, made of one snapshot for a given width. Pure. */

import type { FillReport, OriginReport, StoreReport } from '../control/answers.ts';
import { countWords, durationWords, sizeWords, speedWords } from '../kit/amounts.ts';
import { type Column, columnsText, fit } from './columns.ts';
import { aheadWords, percentOf, speedIn, speedOut, stateWord } from './fill-words.ts';
import { placeWords } from './words.ts';

/** The answers of the control API at one moment. */
export interface TopSnapshot {
  readonly address: string;
  readonly fills: readonly FillReport[];
  readonly origins: readonly OriginReport[];
  readonly store: StoreReport;
  readonly uptimeSeconds: number;
}

export type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow', text: string) => string;

const fillColumns: readonly Column[] = [
  { title: 'PATH', gives: true },
  { title: 'CACHED', align: 'right' },
  { title: 'IN', align: 'right' },
  { title: 'OUT', align: 'right' },
  { title: 'READERS', align: 'right' },
  { title: 'AHEAD', align: 'right' },
  { title: 'STATE' },
];

export function topLines(snapshot: TopSnapshot, width: number, paint: Paint): string[] {
  const active = snapshot.fills.filter(({ phase, readers }) => readers.length > 0 || !/^(idle|complete)$/.test(phase));
  return [
    paint('bold', fit(headLine(snapshot), width)),
    fit(storeLine(snapshot), width),
    ...(snapshot.store.trouble === null ? [] : [paint('red', fit(`cache: ${snapshot.store.trouble.message}`, width))]),
    '',
    ...snapshot.origins.map((origin) => originLine(origin, width, paint)),
    '',
    ...(active.length === 0 ? [paint('dim', 'Nothing is playing.')] : fillLines(active, width, paint)),
  ];
}

function headLine({ address, fills, uptimeSeconds }: TopSnapshot): string {
  const [comes, goes] = [speedIn, speedOut].map((speed) => fills.reduce((sum, fill) => sum + speed(fill), 0));
  const running = durationWords(uptimeSeconds * 1000);
  return `in ${speedWords(comes ?? 0)}  out ${speedWords(goes ?? 0)}  running for ${running}  ${address}`;
}

function storeLine({ store: { bytes, objects, limit, free } }: TopSnapshot): string {
  const of = limit === null ? '' : ` of ${sizeWords(limit)}`;
  return `cache: ${countWords(objects, 'file')}, ${sizeWords(bytes)}${of}${free === null ? '' : `, ${sizeWords(free)} free`}`;
}

const contactWords: Readonly<Record<OriginReport['contact'], string>> = {
  none: 'not asked yet',
  reached: 'reached',
  failing: 'cannot be reached',
  'out of reach': 'out of reach',
};

function originLine(origin: OriginReport, width: number, paint: Paint) {
  const { name, base, contact, breaker, connections, firstByteMs } = origin;
  const state = `${contactWords[contact]}${breaker.state === 'half-open' ? ', being tried' : ''}`;
  const cause = breaker.cause === null ? '' : ` (last error: ${breaker.cause.replaceAll('_', ' ')})`;
  const queued = connections.queued === 0 ? '' : `, ${connections.queued} queued`;
  const first = firstByteMs.median === null ? '' : `, median first byte ${durationWords(firstByteMs.median)}`;
  const used = `${connections.used} of ${countWords(connections.limit, 'connection')}`;
  const line = fit(`/${name}/ ${base}: ${state}${cause}, ${used}${queued}${first}`, width);
  return contact === 'none' || contact === 'reached' ? line : paint('yellow', line);
}

/** Fills with waiting readers come first. Below each is the reason of its state, and whether its line is fast enough. */
function fillLines(fills: readonly FillReport[], width: number, paint: Paint): string[] {
  const sorted = fills.toSorted((a, b) => b.waiters - a.waiters || b.readers.length - a.readers.length);
  const rows = sorted.map((fill) => [
    placeWords(fill),
    percentOf(fill),
    speedWords(speedIn(fill)),
    speedWords(speedOut(fill)),
    String(fill.readers.length),
    aheadWords(fill),
    stateWord(fill),
  ]);
  const [titles = '', ...lines] = columnsText(fillColumns, rows, width);
  const reasons = sorted.map((fill) => {
    const words = [fill.reason, ...(fill.line === null ? [] : [fill.line.words]), ...failures(fill)];
    return words.map((text) => fit(`  ${text}`, width));
  });
  return [
    paint('dim', titles),
    ...lines.flatMap((line, index) => {
      const waits = (sorted[index]?.waiters ?? 0) > 0;
      return [waits ? paint('yellow', line) : line, ...(reasons[index] ?? []).map((text) => paint('dim', text))];
    }),
  ];
}

function failures({ cursors }: FillReport): string[] {
  return cursors.flatMap(({ position, lastFailure, nextTryIn, attempt }) => {
    if (lastFailure === null) return [];
    const next = nextTryIn === null ? '' : `retrying in ${durationWords(nextTryIn)} `;
    return [`at ${sizeWords(position)}: ${next}(attempt ${attempt}). Last error: ${lastFailure}`];
  });
}
