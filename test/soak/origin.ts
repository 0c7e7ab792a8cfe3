/**
 * The origin of a soak, a process of its own on real sockets, which is unwell every few seconds.
 *
 * Argument: the seed of its troubles. It says its port first, and answers each `Published` once it holds. It ends with
 * the channel to whoever started it.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { Chance } from '../faults/chance.ts';
import type { Film } from '../support/film.ts';
import { type Behaviour, HttpOriginServer } from '../support/http-origin-server.ts';
import { FilmFile, type Path, paths, picture, pictureFile, versionOf } from './catalogue.ts';

/** From now on this version stands under the path. */
export interface Published {
  readonly path: Path;
  readonly version: number;
}

/** Bytes a second of one reply, while it is well. */
const rate = 2_000_000;

const chance = new Chance(Number(process.argv[2]));
const films: Record<string, Film> = { [picture]: new FilmFile(pictureFile) };
for (const path of paths) films[path] = versionOf(path, 0);

let origin = wellOrigin();
const server = createServer((socket) => origin.accept(socket));

function wellOrigin(): HttpOriginServer {
  return new HttpOriginServer({ clock: systemClock, films, behaviour: { rate } });
}

async function listen(port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What it does to every request for a while. */
function trouble(): Behaviour {
  return chance.one<Behaviour>([
    { status: 503, fields: { 'retry-after': '1' } },
    { status: 502 },
    { headAfter: chance.between(500, 4000) },
    { hangUp: chance.one(['end', 'reset']) },
    { rate: chance.about(50_000, 500_000) },
    { rate, cutAfter: chance.about(1, 4_000_000), cutBy: chance.one(['end', 'reset']) },
    { rate, stallAfter: chance.about(1, 1_000_000) },
    { rate, bodyAfter: chance.between(200, 3000) },
    { rate, ignoreRange: true },
  ]);
}

/** It is gone with all its connections, and comes back as if it had been started again. */
async function goAway(): Promise<void> {
  const { port } = server.address() as AddressInfo;
  server.close();
  origin.close();
  await sleep(chance.between(200, 4000));
  origin = wellOrigin();
  await listen(port);
}

process.on('message', ({ path, version }: Published) => {
  films[path] = versionOf(path, version);
  process.send?.({ published: version });
});
process.on('disconnect', () => process.exit());
process.send?.(await listen(0));
for (;;) {
  await sleep(chance.between(4000, 15_000));
  if (chance.is(0.15)) {
    await goAway();
    continue;
  }
  origin.always({ ...trouble() });
  await sleep(chance.between(500, 6000));
  origin.always({ rate });
}
