/** What a client gets when firstbyte itself fails: a clean 500 before the head, and never half a reply. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenRange } from '../../src/bytes/byte-range.ts';
import type { Cache } from '../../src/cache/cache.ts';
import type { ReadSession } from '../../src/cache/read-session.ts';
import { UpstreamTarget } from '../../src/cache/upstream-target.ts';
import { type DomainEvent, EventBus } from '../../src/events.ts';
import { type Representation, representationFrom } from '../../src/http/representation.ts';
import { Client } from '../support/client.ts';
import { duplexPair } from '../support/duplex-pair.ts';
import { film } from '../support/film.ts';
import { mediaProxy } from '../support/media-proxy.ts';
import { pause } from '../support/pause.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { ScriptedReader } from './scripted-reader.ts';

const movie = film(1000);

interface Fault {
  /** Milliseconds until the session is there. */
  readonly after?: number;
  /** What the session fails with. */
  readonly error?: Error;
  /** A field that no reply can carry. */
  readonly field?: string;
  /** How many bytes there are, of the thousand that the head announces. */
  readonly bytes?: number;
}

/** The proxy in front of a cache that fails as it is told. */
function stage({ after = 0, error, field = 'right', bytes = 1000 }: Fault) {
  const clock = new VirtualClock();
  const events = new EventBus();
  const seen: DomainEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const representation = representationFrom([['x-field', field]], 1000, { validatedAt: 0, ranges: true });
  const readers: ScriptedReader[] = [];
  let sessions = 0;
  let trails = 0;
  const upstream = new UpstreamTarget('/a.mp4', []);
  const accompany = upstream.trails.accompany.bind(upstream.trails);
  upstream.trails.accompany = (trail) => {
    const part = accompany(trail);
    trails += 1;
    return () => {
      trails -= 1;
      part();
    };
  };
  const openSession = async (
    _: OpenRange,
    choose: (known: Representation) => OpenRange | null,
  ): Promise<ReadSession> => {
    await pause(clock, after, new AbortController().signal);
    if (error !== undefined) throw error;
    choose(representation);
    const scripted = new ScriptedReader(film(bytes));
    readers.push(scripted);
    sessions += 1;
    const { reader } = scripted;
    const leave = () => {
      sessions -= 1;
    };
    const fill = { id: 1, passing: false, beginning: async () => null };
    const given = { representation, reader, fill, patience: { first: 1000, next: 1000 } };
    return { ...given, cache: 'miss', collapsed: false, ttl: 0, leave };
  };
  const cache = {
    isMounted: () => true,
    isStrict: () => false,
    isOutOfReach: () => false,
    pagesOf: () => [],
    baseOf: () => null,
    methodsOf: () => ['GET'],
    openNow: () => null,
    open: () => ({ openSession, upstream }),
  } as unknown as Cache;
  const proxy = mediaProxy(clock, { cache, events, patience: { patience: 5000, patienceInterval: 10_000 } });
  const [near, far] = duplexPair();
  proxy.createServer().emit('connection', far);
  const count = (type: DomainEvent['type']) => seen.filter((event) => event.type === type).length;
  /** What of the session's is held when every reply has ended. */
  const held = () => ({ sessions, trails, bytes: readers.reduce((sum, reader) => sum + reader.held, 0) });
  return { clock, client: new Client(near, { clock, film: movie }), count, held, seen };
}

describe('a failure of firstbyte itself', () => {
  for (const after of [0, 6000]) {
    for (const [what, fault] of [
      ['in finding the bytes', { error: new TypeError('a bug') }],
      ['in writing the head', { field: 'a\nb' }],
    ] as const) {
      it(`${what} after ${after} ms is a clean 500, counted once, and the next reply is clean`, async () => {
        const { clock, client, count, held, seen } = stage({ after, ...fault });
        for (const nth of [1, 2]) {
          const exchange = client.get('/films/a.mp4');
          assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
          assert.deepEqual([exchange.status, client.connected], [500, true]);
          assert.match(exchange.field('proxy-status') ?? '', /^firstbyte; ?error=proxy_internal_error;/);
          assert.match(exchange.text, /^firstbyte itself failed/);
          await clock.settle();
          assert.deepEqual([count('own-error'), count('bug'), count('request-done')], [nth, nth, nth]);
          assert.deepEqual(held(), { sessions: 0, trails: 0, bytes: 0 });
        }
        assert.ok(seen.every((event) => event.type !== 'request-done' || event.outcome === 'failed'));
      });
    }
  }

  it('in giving all that the head announces is a cut, and never a clean end', async () => {
    const { clock, client, count, seen } = stage({ bytes: 400 });
    const exchange = client.get('/films/a.mp4');
    assert.equal(await clock.advanceUntil(exchange.done()), 'cut');
    await clock.settle();
    assert.ok(exchange.bodyBytes <= 400);
    assert.equal(count('bug'), 1);
    assert.ok(seen.some((event) => event.type === 'request-done' && event.outcome === 'cut'));
  });

  it('lets go of the bytes all the same', async () => {
    for (const fault of [{ field: 'a\nb' }, { bytes: 400 }, { error: new TypeError('a bug') }]) {
      const { clock, client, held } = stage(fault);
      await clock.advanceUntil(client.get('/films/a.mp4').done());
      await clock.settle();
      assert.deepEqual(held(), { sessions: 0, trails: 0, bytes: 0 });
    }
  });

  it('does not happen where all is right', async () => {
    const { clock, client, count, held } = stage({ after: 6000 });
    const exchange = client.get('/films/a.mp4');
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    await clock.settle();
    assert.deepEqual([exchange.status, exchange.bodyBytes, count('bug')], [200, 1000, 0]);
    assert.deepEqual(held(), { sessions: 0, trails: 0, bytes: 0 });
  });
});
