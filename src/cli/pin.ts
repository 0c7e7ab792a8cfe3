/** `firstbyte pin` and `firstbyte unpin`: objects that are never evicted. */

import type { ObjectReport } from '../control/answers.ts';
import type { ExitReason } from './exit-codes.ts';
import { type Invocation, printAs } from './invocation.ts';
import { findObjects } from './objects.ts';
import { openSession } from './session.ts';
import { placeWords } from './words.ts';

export function pin(invocation: Invocation): Promise<ExitReason> {
  return changePins(invocation, 'PUT', 'pinned');
}

export function unpin(invocation: Invocation): Promise<ExitReason> {
  return changePins(invocation, 'DELETE', 'unpinned');
}

async function changePins(invocation: Invocation, method: 'PUT' | 'DELETE', word: string): Promise<ExitReason> {
  await using session = await openSession(invocation);
  const { control } = session;
  const objects: ObjectReport[] = [];
  for (const { id } of await findObjects(control, invocation.operands)) {
    objects.push(await control.send<ObjectReport>(method, `objects/${id}/pin`));
  }
  printAs(invocation, objects.map((object) => `${word} ${placeWords(object)}\n`).join(''), { objects });
  return 'stopped';
}
