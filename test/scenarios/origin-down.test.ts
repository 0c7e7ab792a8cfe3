/** An origin that can't be connected to: who waits for it, who is told, and how it is found back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';
import type { VirtualNetwork } from '../support/virtual-network.ts';

const movie = film(1_000_000);
const small = film(20_000);

async function play(rig: VirtualRig, target: string, options: { range?: string } = {}) {
  const exchange = rig.get(target, options);
  assert.equal(await rig.clock.advanceUntil(exchange.done(), { limit: 300_000 }), 'complete');
  return exchange;
}

interface Outage extends Partial<RigOptions> {
  readonly by?: VirtualNetwork['downBy'];
}

/** A rig whose origin can't be connected to, for longer than anybody waits. One film is stored, of another a part. */
async function outOfReach({ by = 'ECONNREFUSED', ...options }: Outage = {}): Promise<VirtualRig> {
  const rig = await virtualRig({ films: movie, ...options });
  await play(rig, '/films/there.mp4');
  await play(rig, '/films/part.mp4', { range: '0-199999' });
  rig.network.down = true;
  rig.network.downBy = by;
  rig.network.relay.cut();
  const first = await play(rig, '/films/first.mp4');
  assert.ok(first.status === 502 || first.status === 504);
  await rig.clock.advanceUntil(() => rig.eventsOf('breaker').length > 0);
  return rig;
}

async function originsOf(rig: VirtualRig) {
  const exchange = rig.player({}).get('/-/api/v1/origins', { film: null });
  await rig.clock.advanceUntil(exchange.done());
  return JSON.parse(exchange.text).origins[0];
}

describe('an origin that is out of reach', () => {
  for (const by of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'silence'] as const) {
    it(`is asked again and again for a title of which nothing is there, for its whole wait (${by})`, async () => {
      const rig = await outOfReach({ by });
      const { refused } = rig.network;
      const next = await play(rig, '/films/next.mp4');
      const waited = (next.times.headAt ?? 0) - next.times.sentAt;
      assert.ok(waited > 29_000 && waited <= 30_000, `${waited} ms`);
      assert.ok(next.status === 502 || next.status === 504, `${next.status}`);
      assert.ok(rig.network.refused - refused >= 4, `${rig.network.refused - refused} attempts`);
      await rig.close();
    });

    it(`tells who comes to a gap of a title within 2 s, and cuts whose head is out (${by})`, async () => {
      const rig = await outOfReach({ by });
      await rig.clock.advance(3000);
      const { refused } = rig.network;
      const seek = await play(rig, '/films/part.mp4', { range: '700000-' });
      const waited = (seek.times.headAt ?? 0) - seek.times.sentAt;
      assert.ok(waited <= 2000, `${waited} ms`);
      assert.equal(seek.status, 504);
      assert.match(
        seek.text,
        /^The origin films has been out of reach for \d+ s \(last error: [a-z ]+\); the next try is in \d+ s\./,
      );
      assert.ok(Number(seek.field('retry-after')) >= 1);
      assert.ok(rig.network.refused > refused, 'it was tried');
      const begun = rig.get('/films/part.mp4', { range: '0-' });
      const sentAt = rig.clock.now();
      assert.equal(await rig.clock.advanceUntil(begun.done()), 'cut');
      assert.deepEqual([begun.status, begun.bodyBytes], [206, 262_144]);
      assert.ok(rig.clock.now() - sentAt <= 2000, `${rig.clock.now() - sentAt} ms`);
      await rig.close();
    });
  }

  it('plays a title of which nothing is there for who came 29 s before it can be connected to', async () => {
    const rig = await outOfReach();
    const waiting = rig.get('/films/next.mp4');
    await rig.clock.advance(29_000);
    assert.equal(waiting.status, null);
    rig.network.down = false;
    assert.equal(await rig.clock.advanceUntil(waiting.done()), 'complete');
    assert.deepEqual([waiting.status, waiting.bodyBytes], [200, movie.size]);
    await rig.close();
  });

  it('is never asked for bytes that are present, which play at once', async () => {
    const rig = await outOfReach();
    const { refused } = rig.network;
    for (const options of [{}, { range: '500000-' }]) {
      const exchange = await play(rig, '/films/there.mp4', options);
      assert.equal(exchange.times.headAt, exchange.times.sentAt);
    }
    const part = await play(rig, '/films/part.mp4', { range: '1000-150000' });
    assert.deepEqual([part.status, part.bodyBytes], [206, 149_001]);
    assert.equal(rig.network.refused, refused);
    await rig.close();
  });

  it('gives a gap to the first who comes after it is back', async () => {
    const rig = await outOfReach();
    rig.network.down = false;
    await rig.clock.advance(250);
    const seek = await play(rig, '/films/part.mp4', { range: '700000-' });
    assert.deepEqual([seek.status, seek.bodyBytes, seek.times.headAt], [206, 300_000, seek.times.sentAt]);
    await rig.close();
  });

  it('cuts nobody who was in the middle of a film before, until the time for healing is over', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 200_000 } });
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advance(2000);
    rig.network.down = true;
    rig.network.relay.cut();
    await rig.clock.advance(70_000);
    assert.deepEqual([rig.eventsOf('breaker')[0]?.to, exchange.outcome], ['open', null]);
    rig.network.down = false;
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, movie.size);
    await rig.close();
  });

  it('is tried although nobody asks, and found back', async () => {
    const rig = await outOfReach();
    const { refused } = rig.network;
    await rig.clock.advance(120_000);
    const tries = rig.network.refused - refused;
    assert.ok(tries >= 4 && tries <= 8, `${tries} tries`);
    rig.network.down = false;
    const { requests } = rig.origin;
    const before = requests.length;
    await rig.clock.advanceUntil(() => rig.eventsOf('breaker').at(-1)?.to === 'closed', { limit: 30_000 });
    assert.equal(requests.length, before, 'nothing was asked');
    await rig.clock.settle();
    assert.equal(rig.origin.open, 0, 'the connection is not kept');
    await rig.close();
  });

  it('is found back by all who wait, within a quarter of a second, however many they are', async () => {
    let drawn = 0;
    const rig = await outOfReach({ films: small, random: () => (drawn++ * 0.618) % 1 });
    const { refused } = rig.network;
    const crowd = Array.from({ length: 300 }, (_, number) => rig.get(`/films/${number}.mp4`));
    await rig.clock.advance(10_000);
    const attempts = rig.network.refused - refused;
    assert.ok(attempts >= 10 && attempts <= 41, `${attempts} attempts`);
    rig.network.down = false;
    const backAt = rig.clock.now();
    for (const exchange of crowd) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    const late = crowd.filter(({ times }) => (times.headAt ?? Number.POSITIVE_INFINITY) - backAt > 250);
    assert.deepEqual([late.length, [...new Set(crowd.map(({ status }) => status))]], [0, [200]]);
    await rig.close();
  });

  it('gives a crowd its whole wait, also where nobody answers and its connections are few', async () => {
    const rig = await outOfReach({ by: 'silence', mount: { maxConnections: 8 } });
    const { refused } = rig.network;
    const crowd = Array.from({ length: 300 }, (_, number) => rig.get(`/films/${number}.mp4`));
    for (const exchange of crowd) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    const waits = crowd.map(({ times }) => (times.headAt ?? 0) - times.sentAt);
    assert.ok(Math.min(...waits) > 29_000, `${Math.min(...waits)} ms`);
    assert.deepEqual([...new Set(crowd.map(({ status }) => status))], [504]);
    assert.ok(rig.network.refused - refused <= 60, `${rig.network.refused - refused} attempts`);
    await rig.close();
  });

  it('lets what is stale play at once, and refuses what must not play unasked within 2 s', async () => {
    for (const by of ['ECONNREFUSED', 'silence'] as const) {
      for (const [control, status] of [
        ['max-age=5', 200],
        ['max-age=5, must-revalidate', 504],
      ] as const) {
        const fields = { 'cache-control': control };
        const rig = await outOfReach({ by, origin: { fields } });
        await rig.clock.advance(60_000);
        const exchange = await play(rig, '/films/there.mp4');
        const waited = (exchange.times.headAt ?? 0) - exchange.times.sentAt;
        assert.ok(exchange.status === status && waited <= 2000, `${control}, ${by}: ${exchange.status}, ${waited} ms`);
        await rig.close();
      }
    }
  });

  it('is shown as such, with since when, why and what comes next', async () => {
    const rig = await outOfReach();
    const { breaker, bytesIn, firstByteMs, connections, base } = await originsOf(rig);
    assert.deepEqual([breaker.state, breaker.cause], ['open', 'connection_refused']);
    const [since, nextProbe] = [breaker.since, breaker.nextProbe].map((time) => Date.parse(time));
    assert.ok(since !== undefined && nextProbe !== undefined && since <= rig.clock.wallTime() - 30_000);
    assert.ok(nextProbe > rig.clock.wallTime() && nextProbe <= rig.clock.wallTime() + 30_000);
    assert.deepEqual([connections.used, connections.queued, connections.limit, base], [0, 0, 32, 'http://10.0.0.1/']);
    assert.ok(bytesIn >= movie.size + 200_000 && firstByteMs.last !== null && firstByteMs.median !== null);
    assert.deepEqual(
      rig.eventsOf('breaker').map(({ from, to, cause }) => [from, to, cause]),
      [['closed', 'open', 'connection_refused']],
    );
    await rig.close();
  });
});

describe('an origin that wakes up', () => {
  it('within the first wait plays for the first and for all who joined', async () => {
    const rig = await virtualRig({ films: movie });
    rig.network.down = true;
    const waiting = [rig.get('/films/a.mp4')];
    for (let joined = 0; joined < 5; joined += 1) {
      await rig.clock.advance(4000);
      waiting.push(rig.get(`/films/${joined}.mp4`));
    }
    rig.network.down = false;
    for (const exchange of waiting) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([...new Set(waiting.map(({ status }) => status))], [200]);
    assert.deepEqual(rig.eventsOf('breaker'), []);
    await rig.close();
  });

  it('plays for who came later than the first, when that one had to give up', async () => {
    const rig = await virtualRig({ films: movie });
    rig.network.down = true;
    const first = rig.get('/films/a.mp4');
    await rig.clock.advance(20_000);
    const second = rig.get('/films/b.mp4');
    await rig.clock.advance(25_000);
    assert.deepEqual([first.status, second.status, rig.eventsOf('breaker')[0]?.to], [502, null, 'open']);
    rig.network.down = false;
    assert.equal(await rig.clock.advanceUntil(second.done()), 'complete');
    assert.equal(second.status, 200);
    await rig.close();
  });
});
