import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(1_000_000);

async function play(rig: VirtualRig, target: string, options: { range?: string } = {}) {
  const exchange = rig.get(target, options);
  assert.equal(await rig.clock.advanceUntil(exchange.done(), { limit: 300_000 }), 'complete');
  return exchange;
}

/** A rig whose origin has been down for as long as somebody waits. */
async function outOfReach(): Promise<VirtualRig> {
  const rig = await virtualRig({ films: movie });
  await play(rig, '/films/there.mp4');
  await play(rig, '/films/part.mp4', { range: '0-299999' });
  rig.network.down = true;
  rig.network.relay.cut();
  const first = await play(rig, '/films/first.mp4');
  assert.equal(first.status, 502);
  assert.ok(first.times.headAt !== null && first.times.headAt - first.times.sentAt > 27_000, 'it waited');
  return rig;
}

async function originsOf(rig: VirtualRig) {
  const exchange = rig.player({}).get('/-/api/v1/origins', { film: null });
  await rig.clock.advanceUntil(exchange.done());
  return JSON.parse(exchange.text).origins[0];
}

describe('an origin that is down', () => {
  it('is waited for by the first, and not by those who come after', async () => {
    const rig = await outOfReach();
    const { refused } = rig.network;
    const next = await play(rig, '/films/next.mp4');
    assert.equal(next.times.headAt, next.times.sentAt, 'at once');
    const later = Number(next.field('retry-after'));
    assert.ok(next.status === 503 && later > 5 && later <= 10, `${next.status}, later: ${later}`);
    assert.match(next.field('proxy-status') ?? '', /error=destination_unavailable/);
    assert.match(next.text, /^The origin films has been out of reach for \d+ s \(connection refused\)/);
    assert.equal(rig.network.refused, refused, 'it was not asked');
    await rig.close();
  });

  it('is never asked for bytes that are present, which play at once', async () => {
    const rig = await outOfReach();
    const { refused } = rig.network;
    for (const options of [{}, { range: '500000-' }]) {
      const exchange = await play(rig, '/films/there.mp4', options);
      assert.equal(exchange.times.headAt, exchange.times.sentAt);
    }
    const part = await play(rig, '/films/part.mp4', { range: '1000-200000' });
    assert.deepEqual([part.status, part.bodyBytes], [206, 199_001]);
    assert.equal(rig.network.refused, refused);
    await rig.close();
  });

  it('cuts nobody who is in the middle of a film before the time for healing is over', async () => {
    const rig = await outOfReach();
    await rig.clock.advance(1000);
    const exchange = rig.get('/films/part.mp4', { range: '0-' });
    await rig.clock.advance(60_000);
    assert.equal(exchange.status, 206);
    rig.network.down = false;
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, movie.size);
    await rig.close();
  });

  it('is found back by the first who comes after its rest, and plays for all', async () => {
    const rig = await outOfReach();
    await rig.clock.advance(10_000);
    rig.network.down = false;
    const others = Array.from({ length: 10 }, (_, number) => rig.get(`/films/${number}.mp4`));
    for (const exchange of others) assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual(
      others.map(({ status, bodyBytes }) => [status, bodyBytes]),
      others.map(() => [200, movie.size]),
    );
    assert.deepEqual(
      rig.eventsOf('breaker').map(({ to, cause }) => [to, cause]),
      [
        ['open', 'connection_refused'],
        ['half-open', 'connection_refused'],
        ['closed', null],
      ],
    );
    await rig.close();
  });

  it('that wakes up 20 s after its rest plays for who tried it, and for those who came meanwhile', async () => {
    const rig = await outOfReach();
    await rig.clock.advance(10_000);
    const waiting = [rig.get('/films/a.mp4')];
    for (const name of ['b', 'c']) {
      await rig.clock.advance(8000);
      waiting.push(rig.get(`/films/${name}.mp4`));
    }
    await rig.clock.advance(4000);
    rig.network.down = false;
    for (const exchange of waiting) {
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    }
    await rig.close();
  });

  it('that wakes up within the first wait plays for the first and for all who joined', async () => {
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

  it('keeps nobody who had been waiting from the rest of the wait', async () => {
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

  it('is shown as such, with since when, why and what comes next', async () => {
    const rig = await outOfReach();
    const { breaker, bytesIn, firstByteMs, connections, base } = await originsOf(rig);
    assert.deepEqual([breaker.state, breaker.cause], ['open', 'connection_refused']);
    const [since, nextProbe] = [breaker.since, breaker.nextProbe].map((time) => Date.parse(time));
    assert.ok(since !== undefined && nextProbe !== undefined && since < rig.clock.wallTime());
    assert.ok(nextProbe > rig.clock.wallTime() && nextProbe <= rig.clock.wallTime() + 10_000);
    assert.deepEqual([connections.used, connections.queued, connections.limit, base], [0, 0, 32, 'http://10.0.0.1/']);
    assert.ok(bytesIn >= movie.size + 300_000 && firstByteMs.last !== null && firstByteMs.median !== null);
    await rig.close();
  });
});
