/** The doctor's checks of the machine: Node, limits, how bodies are sent, and addresses to listen on. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Clock } from '../clock.ts';
import type { ListenAddress, Settings } from '../config.ts';
import type { StatsReport } from '../control/answers.ts';
import { descriptorLimit, planDescriptors } from '../descriptors.ts';
import { errorWords } from '../kit/system-words.ts';
import { findSystemCalls } from '../system-calls.ts';
import { ControlClient } from './control-client.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { livingOwner, type Owner } from './session.ts';

/** Fewer open files than this are too few for a house full of players. */
const fewFiles = 1024;

export async function* machineFindings(settings: Settings, clock: Clock): AsyncGenerator<Finding> {
  yield ok('Node', process.version);
  yield filesFinding(settings);
  const owner = await livingOwner(settings.cacheDir);
  yield await sendingFinding(settings, owner, clock);
  if (owner !== null) {
    yield ok('listening', `firstbyte runs as process ${owner.pid}, at ${owner.url}`);
    return;
  }
  for (const address of settings.listen) yield await listenFinding(address);
}

function filesFinding({ origins }: Settings): Finding {
  const limit = descriptorLimit();
  if (limit === null) return ok('open files', 'this system does not say how many it allows');
  const ofOrigins = origins.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  const { clientConnections } = planDescriptors(limit, ofOrigins);
  const allowed = `up to ${limit}, ${clientConnections} of them connections of players`;
  if (limit >= fewFiles) return ok('open files', allowed);
  return warn('open files', `only ${allowed}`, `ulimit -n ${4 * fewFiles}, or LimitNOFILE= in its systemd unit`);
}

async function sendingFinding({ store, sendfile }: Settings, owner: Owner | null, clock: Clock): Promise<Finding> {
  const slow = 'firstbyte reads and writes every byte';
  if (sendfile === 'off') return ok('sending', `${slow}: sendfile is off`);
  if (store !== 'disk') return ok('sending', `${slow}: nothing is on disk`);
  const found = await findSystemCalls();
  if (found.calls === null) {
    const change = 'install firstbyte with its optional packages: without them it needs more of the processor';
    const said = `${slow}: ${found.reason}`;
    return process.platform === 'linux' ? warn('sending', said, change) : ok('sending', said);
  }
  const said = 'sendfile sends what is in the page cache';
  const share = owner === null ? null : await systemShare(owner, clock);
  return ok('sending', share === null ? said : `${said}: ${(share * 100).toFixed(1)} % of all bytes so far`);
}

/** Which share of the bytes of the running firstbyte the system has sent; `null` where there are none, or no answer. */
async function systemShare(owner: Owner, clock: Clock): Promise<number | null> {
  const stats = await new ControlClient(owner, clock).get<StatsReport>('stats').catch(() => null);
  if (stats === null) return null;
  const total = Object.values(stats.bytesSent).reduce((sum, bytes) => sum + bytes, 0);
  return total === 0 ? null : stats.bytesSent['page-cache'] / total;
}

async function listenFinding(address: ListenAddress): Promise<Finding> {
  const name = 'path' in address ? `unix:${address.path}` : `${address.host}:${address.port}`;
  // A socket file of a dead process stops this trial, but not `serve`.
  if ('path' in address) return ok('listening', `${name} is tried when it is served`);
  const server = createServer();
  try {
    server.listen(address);
    await once(server, 'listening');
    return ok('listening', `${name} is free`);
  } catch (error) {
    return fail('listening', `${name}: ${errorWords(error)}`, 'end what uses it, or choose another with --listen');
  } finally {
    server.close();
  }
}
