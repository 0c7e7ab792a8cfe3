/** `firstbyte reload`: has the running firstbyte read its configuration and its certificate again. */
import type { ReloadedReport } from '../control/answers.ts';
import type { ExitReason } from './exit-codes.ts';
import { type Invocation, printAs } from './invocation.ts';
import { openSession } from './session.ts';

export async function reload(invocation: Invocation): Promise<ExitReason> {
  await using session = await openSession(invocation, { running: true });
  const reloaded = await session.control.send<ReloadedReport>('POST', 'reload');
  printAs(invocation, `${reloadedWords(reloaded)}\n`, reloaded);
  return 'stopped';
}

function reloadedWords({ added, changed, removed, certificate, restart }: ReloadedReport): string {
  const parts = [
    ...added.map((name) => `added /${name}/`),
    ...changed.map((name) => `changed /${name}/`),
    ...removed.map((name) => `removed /${name}/`),
    ...(certificate ? ['new certificate'] : []),
    ...(restart.length === 0 ? [] : [`restart firstbyte for ${restart.join(', ')}`]),
  ];
  return parts.length === 0 ? 'reloaded: nothing has changed' : `reloaded: ${parts.join(', ')}`;
}
