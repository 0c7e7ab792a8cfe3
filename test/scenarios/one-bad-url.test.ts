/** One target that its origin can't give says nothing about the others: each of these plays, as soon as directly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { Client, type Exchange } from '../support/client.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(20_000);

/** Where nobody answers. */
const deserted = '93.184.216.99';

const goodOfEach = 125;
const badOfEach = 3;

/** Milliseconds from one side of the network to the other. */
const delay = 20;

const bad: Readonly<Record<string, Behaviour>> = {
  'resets the connection before the head': { hangUp: 'reset' },
  'closes the connection before the head': { hangUp: 'end' },
  'is silent': { headAfter: Number.POSITIVE_INFINITY },
  'sends what is no HTTP': { raw: '\u0000\u0001not HTTP at all\r\n\r\n' },
  'sends interim answers without end': { interimEvery: 200 },
  'answers 503': { status: 503 },
  'cuts its body': { cutAfter: 100, cutBy: 'reset' },
  'redirects to where nobody is': { status: 302, fields: { location: `http://${deserted}/gone.mp4` } },
};

/** How long a client waits for the head that has no proxy, with a new connection. */
async function directly({ clock, network }: VirtualRig): Promise<number> {
  const startedAt = clock.now();
  const connecting = network.connect({ hostname: '10.0.0.1', addresses: ['10.0.0.1'], port: 80 }, never);
  const client = new Client((await clock.advanceUntil(connecting)) as never, { clock, film: movie });
  const exchange = client.get('/direct.mp4');
  assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
  client.leave();
  return (exchange.times.headAt ?? Number.NaN) - startedAt;
}

const never = new AbortController().signal;

/** A player that asks again whenever it is told that it can't have it. */
async function insist(rig: VirtualRig, target: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const player = rig.player();
    const exchange = player.get(target, { film: null });
    over.addEventListener('abort', () => player.leave(), { once: true });
    await exchange.done();
    await new Promise<void>((resolve) => rig.clock.after(500, resolve));
  }
}

describe('where one target of an origin', () => {
  for (const [what, behaviour] of Object.entries(bad)) {
    it(`${what}, all others play as soon as directly`, async () => {
      const rig = await virtualRig({ films: movie, relay: { delay } });
      rig.network.deserted.add(deserted);
      const over = new AbortController();
      rig.origin.always(({ target }) => (target.startsWith('/bad') ? behaviour : {}));
      const insisting = Array.from({ length: badOfEach }, (_, number) =>
        insist(rig, `/films/bad-${number}.mp4`, over.signal),
      );
      const direct = await directly(rig);
      // For longer than anybody waits the origin is asked for nothing else.
      await rig.clock.advance(33_000);
      const good: Exchange[] = [];
      for (let number = 0; number < goodOfEach; number += 1) {
        good.push(rig.get(`/films/good-${number}.mp4`));
        await rig.clock.advance(number % 25 === 0 ? 1500 : 10);
      }
      for (const exchange of good) await rig.clock.advanceUntil(exchange.done());
      const failed = good.filter(({ status, bodyBytes }) => status !== 200 || bodyBytes !== movie.size);
      const waits = good.map(({ times }) => (times.headAt ?? Number.POSITIVE_INFINITY) - times.sentAt);
      assert.deepEqual(
        { failed: failed.length, late: waits.filter((wait) => wait > direct).length },
        { failed: 0, late: 0 },
      );
      over.abort();
      await rig.clock.advanceUntil(Promise.all(insisting));
      assert.deepEqual(rig.eventsOf('breaker'), []);
      await rig.close();
    });
  }
});
