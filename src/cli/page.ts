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
  const { addresses = [], password = null } = session.control.address.page ?? {};
  const elsewhere = addresses.map((each) => `${each}-/`);
  // Beside the one line for programs, such as xdg-open.
  if (password !== null && elsewhere.length > 0 && !invocation.options.json) {
    invocation.around.complain(`On other devices: ${elsewhere.join(' or ')}\nPassword: ${password}\n`);
  }
  printAs(invocation, `${address}\n`, { url: address, elsewhere, password });
  return 'stopped';
}
