/** `firstbyte logs`: recent events, and new ones as they come, as sentences or JSON. */
import { newestEvent, readEvents } from './event-source.ts';
import { eventWords, isFrequent } from './event-words.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { Interruption, type Invocation } from './invocation.ts';
import { openSession } from './session.ts';
import { oneLine } from './words.ts';

export async function logs(invocation: Invocation): Promise<ExitReason> {
  const { options, around } = invocation;
  await using session = await openSession(invocation, { running: true });
  using interruption = new Interruption(around);
  const { signal } = interruption;
  const { control } = session;
  const last = options.follow ? Number.POSITIVE_INFINITY : await newestEvent(control, signal);
  for await (const { id, type, text } of readEvents(control, 0, signal)) {
    // The first gap is for events that firstbyte keeps no more.
    if (type !== 'gap' && (options.all || !isFrequent(type))) {
      around.print(options.json ? `${text}\n` : wordsLine(text, around));
    }
    if (id >= last) return 'stopped';
  }
  if (signal.aborted) return 'stopped';
  throw new CommandError('unreachable', `The firstbyte at ${control.address.url} has ended.`);
}

function wordsLine(text: string, { terminal }: Invocation['around']): string {
  const { at, level, words } = eventWords(JSON.parse(text));
  const line = oneLine(words);
  const time = new Date(at).toTimeString().slice(0, 8);
  const said = level === 'info' ? line : terminal.paint('out', level === 'warn' ? 'yellow' : 'red', line);
  return `${terminal.paint('out', 'dim', time)}  ${said}\n`;
}
