/** The doctor's checks of the machine: Node, limits, and addresses to listen on. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenAddress, Settings } from '../config.ts';
import { descriptorLimit, planDescriptors } from '../descriptors.ts';
import { errorWords, type Finding, fail, ok, warn } from './finding.ts';
import { livingOwner } from './session.ts';

/** Fewer open files than this are too few for a house full of players. */
const fewFiles = 1024;

export async function* machineFindings(settings: Settings): AsyncGenerator<Finding> {
  yield ok('Node', process.version);
  yield filesFinding(settings);
  const owner = await livingOwner(settings.cacheDir);
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
