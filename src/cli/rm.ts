/** `firstbyte rm`: removes the objects that match patterns, or all. */

import { countWords, sizeWords } from '../kit/amounts.ts';
import { type ControlClient, isGone } from './control-client.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import { type Invocation, printAs } from './invocation.ts';
import { findObjects, listObjects } from './objects.ts';
import { openSession } from './session.ts';
import { placeWords } from './words.ts';

interface Removed {
  readonly removed: number;
  readonly bytes: number;
}

export async function rm(invocation: Invocation): Promise<ExitReason> {
  const { operands, options } = invocation;
  if ((options.all === true) === operands.length > 0) {
    throw new CommandError('usage', 'Say what to remove: a PATTERN such as /films/holiday.mkv, or --all');
  }
  await using session = await openSession(invocation);
  const { control } = session;
  const done = options.all ? await removeAll(control, invocation) : await removeEach(control, invocation);
  if (done === null) return 'stopped';
  printAs(invocation, `removed ${countWords(done.removed, 'file')}, ${sizeWords(done.bytes)}\n`, done);
  return 'stopped';
}

/** `null` where the user does not confirm. */
async function removeAll(control: ControlClient, { options, around }: Invocation): Promise<Removed | null> {
  if (!options.yes) {
    const all = await listObjects(control);
    const answer = await around.terminal.ask(`Remove everything (${countWords(all.length, 'file')})? [y/N] `);
    if (answer === null) {
      throw new CommandError('usage', '--all asks before it removes everything: add --yes where nobody can answer');
    }
    if (!/^y(es)?$/i.test(answer)) return null;
  }
  return control.send('DELETE', 'objects?all=true');
}

async function removeEach(control: ControlClient, { operands, options, around }: Invocation): Promise<Removed> {
  let [removed, bytes] = [0, 0];
  for (const object of await findObjects(control, operands)) {
    try {
      await control.send('DELETE', `objects/${object.id}`);
    } catch (error) {
      // Somebody else has removed it, or it was evicted: the others remain.
      if (isGone(error)) continue;
      throw error;
    }
    removed += 1;
    bytes += object.bytes;
    if (!options.json) around.print(`removed ${placeWords(object)}\n`);
  }
  return { removed, bytes };
}
