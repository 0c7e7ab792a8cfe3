/** What the settings of an origin do on the whole way from player to origin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadSettings } from '../../src/config.ts';
import { startDaemon } from '../../src/daemon.ts';
import type { DomainEvent } from '../../src/events.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { Client } from '../support/client.ts';
import { duplexPair } from '../support/duplex-pair.ts';
import { Film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const film = new Film(1_000_000, 11);

/** Runs `play` against a rig whose origin has these settings of its own. */
async function withMount(mount: object, play: (rig: Awaited<ReturnType<typeof virtualRig>>) => Promise<void>) {
  const rig = await virtualRig({ films: film, mount: { ...mount } });
  try {
    await play(rig);
  } finally {
    await rig.close();
  }
}

describe('an origin of its own', () => {
  it('has its budget for the first byte', () =>
    withMount({ firstByteTimeout: '3s' }, async (rig) => {
      rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      const exchange = await rig.play('/films/a.mp4');
      assert.deepEqual([exchange.status, Math.round(rig.clock.now())], [504, 3000]); // biome-ignore format: one line reads best
    }));

  it('has its patience with a stall, and with what follows', () =>
    withMount({ stallTimeout: '2s', healTimeout: '5s' }, async (rig) => {
      rig.origin.next({ headAfter: 0, stallAfter: 100_000 });
      rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
      const exchange = rig.get('/films/a.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      assert.equal(rig.eventsOf('retry')[0]?.cause, 'stall');
      assert.ok(Math.abs((rig.eventsOf('retry')[0]?.at ?? 0) - 2000) < 200);
      assert.ok(rig.clock.now() < 5500, `${rig.clock.now()} ms`);
    }));

  it('has its pauses between retries', async () => {
    const refusals = async (mount: object) => {
      let refused = 0;
      await withMount(mount, async (rig) => {
        rig.network.down = true;
        await rig.clock.advanceUntil(rig.get('/films/a.mp4').done());
        ({ refused } = rig.network);
      });
      return refused;
    };
    const usual = await refusals({});
    assert.ok((await refusals({ retryMax: '200ms' })) > 3 * usual);
    assert.ok((await refusals({ retryInitial: '10s', retryMax: '10s' })) < usual / 3);
  });

  it('has its time to connect', async () => {
    for (const [connectTimeout, status] of [
      ['3s', 504],
      ['5s', 200],
    ] as const) {
      // biome-ignore format: one line reads best
      const rig = await virtualRig({ films: film, relay: { delay: 2000 }, mount: { connectTimeout } });
      const exchange = await rig.play('/films/a.mp4');
      assert.equal(exchange.status, status);
      await rig.close();
    }
  });

  it('gives no more than the rate that all origins have together, also to two films at once', async () => {
    const rig = await virtualRig({ films: film, settings: { maxRate: '500kB' }, mount: { maxRate: '400kB' } });
    const watching = [rig.get('/films/a.mp4'), rig.get('/films/b.mp4')];
    for (const exchange of watching) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    // Two films of 1 MB at 400 kB/s, which is less than the 500 kB/s of all.
    assert.ok(rig.clock.now() > 4500 && rig.clock.now() < 5500, `${rig.clock.now()} ms`);
    await rig.close();
    const all = await virtualRig({ films: film, settings: { maxRate: '500kB' } });
    for (const exchange of [all.get('/films/a.mp4'), all.get('/films/b.mp4')])
      assert.equal(await all.clock.advanceUntil(exchange.done()), 'complete');
    assert.ok(all.clock.now() > 3600 && all.clock.now() < 4400, `${all.clock.now()} ms`);
    await all.close();
  });

  it('gives no more than its rate', () =>
    withMount({ maxRate: '500kB' }, async (rig) => {
      const exchange = rig.get('/films/a.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.ok(
        Math.abs(rig.clock.now() - 1750) < 100,
        `${rig.clock.now()} ms for 1 MB, of which 125 kB were saved up`,
      );
    }));

  it('hears the fields of the operator, and a client none of them', () =>
    withMount({ headers: { 'X-Key': 'k' }, cookie: 'a=b', userAgent: 'VLC' }, async (rig) => {
      const exchange = await rig.play('/films/a.mp4', { fields: { authorization: 'Basic client', cookie: 'c=d' } });
      const sent = Object.fromEntries(rig.origin.requests[0]?.fields ?? []);
      assert.deepEqual(
        [sent['x-key'], sent.cookie, sent['user-agent'], sent.authorization],
        ['k', 'a=b', 'VLC', 'Basic client'],
      );
      assert.equal(exchange.field('x-key'), null);
      assert.doesNotMatch(rig.log.join(''), /a=b|Basic/);
    }));

  it('with credentials of the operator, serves every client from one entry', async () => {
    const rig = await virtualRig({ films: film, mount: { headers: { authorization: 'Basic operator' } } });
    for (const authorization of ['Basic one', 'Basic two']) {
      await rig.clock.advanceUntil(rig.get('/films/a.mp4', { fields: { authorization } }).done());
    }
    assert.deepEqual(
      rig.origin.requests.map(({ fields }) => Object.fromEntries(fields).authorization),
      ['Basic operator'],
    );
    await rig.close();
  });

  it('with a field of the operator, serves clients with their own from one entry', () =>
    withMount({ headers: { 'x-plex-token': 'operator' }, preset: 'plex' }, async (rig) => {
      for (const token of ['one', 'two']) {
        await rig.clock.advanceUntil(rig.get('/films/a.mp4', { fields: { 'x-plex-token': token } }).done());
      }
      assert.deepEqual(
        rig.origin.requests.map(({ fields }) => Object.fromEntries(fields)['x-plex-token']),
        ['operator'],
      );
    }));

  it('that ignores a token serves the next token from the store', () =>
    withMount({ preset: 's3-presigned' }, async (rig) => {
      for (const signature of ['one', 'two']) {
        const exchange = rig.get(`/films/a.mp4?versionId=1&X-Amz-Signature=${signature}&X-Amz-Date=${signature}`);
        assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      }
      assert.deepEqual(
        rig.origin.requests.map(({ target }) => target),
        ['/a.mp4?versionId=1&X-Amz-Signature=one&X-Amz-Date=one'],
      );
    }));

  it('keys and forwards the fields that the operator names', () =>
    withMount({ keyHeaders: ['X-Quality'] }, async (rig) => {
      for (const quality of ['low', 'high', 'low']) {
        await rig.clock.advanceUntil(rig.get('/films/a.mp4', { fields: { 'x-quality': quality } }).done());
      }
      assert.deepEqual(
        rig.origin.requests.map(({ fields }) => Object.fromEntries(fields)['x-quality']),
        ['low', 'high'],
      );
    }));
});

describe('a film that is gone at its origin', () => {
  for (const keepDeleted of [true, false]) {
    it(keepDeleted ? 'plays on where the operator wants it kept' : 'is gone otherwise', () =>
      withMount({ keepDeleted }, async (rig) => {
        await rig.clock.advanceUntil(rig.get('/films/a.mp4').done());
        rig.origin.always({ status: 404 });
        await rig.clock.advance(25 * 3_600_000);
        await rig.clock.advanceUntil(rig.get('/films/a.mp4').done());
        await rig.clock.advance(60_000);
        const exchange = await rig.play('/films/a.mp4');
        assert.equal(exchange.status, keepDeleted ? 200 : 404);
      }),
    );
  }
});

describe('mirrors', () => {
  it('take over in mid-film, byte for byte, and say so', async () => {
    const clock = new VirtualClock();
    const bases: Record<string, ScriptedOrigin> = {
      'a.lan': new ScriptedOrigin(film),
      'b.lan': new ScriptedOrigin(film),
    };
    const origins = { films: { url: 'http://a.lan', mirrors: ['http://b.lan'] } };
    const { settings } = loadSettings({ flags: { origins }, env: { HOME: '/' } });
    const daemon = await startDaemon(
      { ...settings, listen: [] },
      {
        clock,
        store: createMemoryStore(),
        makeOrigin: (_, { base }) => bases[base.host] ?? assert.fail(base.host),
        log: () => {},
      },
    );
    const events: DomainEvent[] = [];
    daemon.events.subscribe((event) => events.push(event));
    const [near, far] = duplexPair();
    daemon.serve(far);
    const exchange = new Client(near, { clock, film }).get('/films/a.mp4');
    const first = await clock.advanceUntil(bases['a.lan']?.nextRequest() ?? assert.fail());
    first.head().bytes(400_000).cut();
    const second = await clock.advanceUntil(bases['b.lan']?.nextRequest() ?? assert.fail());
    assert.equal(second.field('range'), 'bytes=400000-');
    second.head().bytes(600_000).end();
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    const [failover] = events.filter((event) => event.type === 'failover');
    assert.deepEqual([failover?.from, failover?.to, failover?.cause], ['a.lan', 'b.lan', 'reset']);
    far.destroy();
    await clock.advanceUntil(daemon.stop());
  });
});
