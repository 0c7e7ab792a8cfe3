/** The doctor's checks of the certificate of a reachable origin. */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { type Clock, sleep } from '../clock.ts';
import { countWords } from '../kit/amounts.ts';
import { errorWords } from '../kit/system-words.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const dayMs = 86_400_000;
/** A certificate that expires earlier is a warning, in days. */
const soonDays = 14;
const patienceMs = 10_000;

export async function certificateFinding(
  about: string,
  url: URL,
  ca: string | undefined,
  clock: Clock,
): Promise<Finding> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(url.port) || 443,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  });
  const done = new AbortController();
  const late = new AbortController();
  sleep(clock, patienceMs, done.signal).then(
    () => late.abort(),
    () => {},
  );
  try {
    await once(socket, 'secureConnect', { signal: late.signal });
    const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - clock.wallTime()) / dayMs);
    const said = `has a certificate for ${countWords(days, 'day')} more, ${socket.getProtocol()}`;
    return days >= soonDays ? ok(about, said) : warn(about, said, 'have it renewed');
  } catch (error) {
    return fail(about, `TLS: ${errorWords(error)}`, 'check its certificate, or name its authority with ca');
  } finally {
    done.abort();
    socket.destroy();
  }
}
