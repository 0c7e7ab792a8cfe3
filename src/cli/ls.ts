/** `firstbyte ls`: the cached files, one line each. */

import type { ObjectReport } from '../control/answers.ts';
import { agoWords, countWords, sizeWords } from '../kit/amounts.ts';
import { type Column, columnsText, tabbedText } from './columns.ts';
import type { ExitReason } from './exit-codes.ts';
import { type Invocation, printAs, textOption } from './invocation.ts';
import { findObjects, listObjects } from './objects.ts';
import { openSession } from './session.ts';
import { percentWords, placeWords } from './words.ts';

const columns: readonly Column[] = [
  { title: 'PATH', gives: true },
  { title: 'SIZE', align: 'right' },
  { title: 'CACHED', align: 'right' },
  { title: 'STATE' },
  { title: 'PINNED' },
  { title: 'PLAYED' },
];

const orders: Readonly<Record<string, (a: ObjectReport, b: ObjectReport) => number>> = {
  path: (a, b) => (placeWords(a) < placeWords(b) ? -1 : 1),
  size: (a, b) => (b.length ?? b.bytes) - (a.length ?? a.bytes),
  percent: (a, b) => (b.percent ?? 0) - (a.percent ?? 0),
  state: (a, b) => (a.state === b.state ? 0 : a.state < b.state ? -1 : 1),
  used: (a, b) => Date.parse(b.lastUsed) - Date.parse(a.lastUsed),
};

export async function ls(invocation: Invocation): Promise<ExitReason> {
  const { operands, around } = invocation;
  await using session = await openSession(invocation);
  const { control } = session;
  const found = operands.length === 0 ? await listObjects(control) : await findObjects(control, operands);
  const objects = found.toSorted(orders[textOption(invocation, 'sort') ?? 'path']);
  const now = around.clock.wallTime();
  const rows = objects.map((object) => [
    placeWords(object),
    object.length === null ? '-' : sizeWords(object.length),
    percentWords(object.percent),
    object.state,
    object.pinned ? 'pinned' : '',
    agoWords(now - Date.parse(object.lastUsed)),
  ]);
  printAs(invocation, listText(rows, objects, around), { objects });
  return 'stopped';
}

function listText(
  rows: readonly (readonly string[])[],
  objects: readonly ObjectReport[],
  { terminal }: Invocation['around'],
): string {
  if (!terminal.isTerminal('out')) return tabbedText(rows);
  if (rows.length === 0) return 'The cache is empty.\n';
  const [titles = '', ...lines] = columnsText(columns, rows, terminal.size('out').columns);
  const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
  const total = `${countWords(objects.length, 'file')}, ${sizeWords(bytes)} cached`;
  return `${[terminal.paint('out', 'dim', titles), ...lines, terminal.paint('out', 'dim', total)].join('\n')}\n`;
}
