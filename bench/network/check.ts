/** Whether the link is what its profile says: round trip and rate of a plain TCP connection, and loss of datagrams. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Series } from '../figures.ts';
import { Link, open } from './link.ts';
import type { LinkProfile } from './profiles.ts';

const datagrams = 3000;

export interface LinkCheck {
  /** The median, in milliseconds. */
  readonly roundTrip: number;
  /** Of one connection downwards, in bits of its payload a second. */
  readonly rate: number;
  /** Share of datagrams that were lost upwards. */
  readonly loss: number;
  /** What is not as the profile says; empty where all is. */
  readonly wrong: readonly string[];
}

/** Measures each link in turn, in the network namespace of this process, which must be its own. */
export async function* checkLinks(
  profiles: Readonly<Record<string, LinkProfile>>,
): AsyncGenerator<readonly [string, LinkCheck]> {
  await using link = await Link.start();
  const far = link.startFar(process.execPath, [join(import.meta.dirname, 'transfer.ts')]);
  await using _ = { [Symbol.asyncDispose]: async () => void far.process.kill('SIGKILL') };
  await once(createInterface({ input: far.process.stdout ?? process.stdin }), 'line');
  for (const [name, profile] of Object.entries(profiles)) {
    // Each is measured under a link of its own, so that no outage and no queue of one is in the figures of another.
    await link.become({ ...profile, loss: 0, outage: { every: 0, dead: 0 } });
    const roundTrip = await measureRoundTrip(link.far);
    await link.become(profile);
    const rate = await measureRate(link.far, profile);
    const { down } = await link.become(profile);
    const loss = await measureLoss(link.far, profile);
    await link.become(open);
    yield [name, { roundTrip, rate, loss, wrong: wrongWith(profile, { roundTrip, rate, loss, late: down.late }) }];
  }
}

async function measureRoundTrip(host: string): Promise<number> {
  const socket = connect({ host, port: 7001, noDelay: true });
  await once(socket, 'connect');
  const times: number[] = [];
  for (let count = 0; count < 9; count += 1) {
    const askedAt = performance.now();
    socket.write('.');
    await once(socket, 'data');
    times.push(performance.now() - askedAt);
  }
  socket.destroy();
  return new Series(times).median;
}

async function measureRate(host: string, { roundTrip }: LinkProfile): Promise<number> {
  // While TCP speeds up nothing is measured.
  const half = Math.max(4000, roundTrip * 20);
  const socket = connect({ host, port: 7000 });
  let bytes = 0;
  socket.on('data', (piece) => {
    bytes += piece.length;
  });
  await sleep(half);
  const [before, since] = [bytes, performance.now()];
  await sleep(half);
  const rate = ((bytes - before) * 8000) / (performance.now() - since);
  socket.destroy();
  return rate;
}

async function measureLoss(host: string, { outage }: LinkProfile): Promise<number> {
  const socket = createSocket('udp4').bind();
  const count = async () => {
    // What asks or answers may be lost itself.
    for (;;) {
      socket.send('?', 7000, host);
      const answer = await Promise.race([once(socket, 'message'), sleep(2000, null)]);
      if (answer !== null) return Number(answer[0]);
    }
  };
  const before = await count();
  // Through one whole round of outages, or as fast as the slowest link takes them.
  const pause = (outage?.every ?? 6000) / datagrams;
  const startedAt = performance.now();
  for (let sent = 0; sent < datagrams; sent += 1) {
    socket.send('two', 7000, host);
    const early = startedAt + sent * pause - performance.now();
    if (early > 1) await sleep(early);
  }
  await sleep(1000);
  const loss = 1 - ((await count()) - before) / datagrams;
  socket.close();
  return loss;
}

interface Measured {
  readonly roundTrip: number;
  readonly rate: number;
  readonly loss: number;
  readonly late: number;
}

function wrongWith(profile: LinkProfile, { roundTrip, rate, loss, late }: Measured): string[] {
  const { down, jitter = 0, loss: chance = 0, outage } = profile;
  const share = outage === undefined ? chance : outage.dead / outage.every;
  // Three standard deviations of so many datagrams; an outage is cut where the measurement begins and ends.
  const doubt = outage === undefined ? 3 * Math.sqrt((share * (1 - share)) / datagrams) + 1 / datagrams : 0.03;
  const lossless = share === 0;
  // So much may what was under way before the measurement add to a slow line.
  const most = 1.05 * down;
  const wrong: string[] = [];
  if (roundTrip < profile.roundTrip - jitter / 2 || roundTrip > profile.roundTrip * 1.1 + jitter / 2 + 5)
    wrong.push(`a round trip takes ${roundTrip.toFixed(1)} ms, not ${profile.roundTrip}`);
  if (rate > most || (lossless && rate < 0.85 * down))
    wrong.push(`${(rate / 1e6).toFixed(2)} of ${down / 1e6} Mbit/s come through`);
  if (Math.abs(loss - share) > doubt) wrong.push(`${(loss * 100).toFixed(2)} % are lost, not ${share * 100} %`);
  if (wrong.length > 0 && late > 0) wrong.push(`the machine held up ${late} packets`);
  return wrong;
}
