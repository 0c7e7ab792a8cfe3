/** `firstbyte page`: the address of the page. The token is in its fragment, which a browser sends to no server. */
import { CommandError, type ExitReason } from './exit-codes.ts';
import { type Invocation, printAs } from './invocation.ts';
import { openSession } from './session.ts';

export async function page(invocation: Invocation): Promise<ExitReason> {
  await using session = await openSession(invocation, { running: true });
  const { url, token } = session.control.address;
  if (session.media === null) {
    throw new CommandError(
      'failed',
      `firstbyte listens on ${url} only, which no browser opens: start it with --listen HOST:PORT`,
    );
  }
  const address = token === null ? url : `${url}#token=${encodeURIComponent(token)}`;
  printAs(invocation, `${address}\n`, { url: address });
  return 'stopped';
}
