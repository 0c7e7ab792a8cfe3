import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { Client, type ClientOptions } from '../support/client.ts';
import { film } from '../support/film.ts';
import { type Behaviour, HttpOriginServer } from '../support/http-origin-server.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Relay, type RelayOptions } from './relay.ts';

const movie = film(600_000);

/** An origin, a relay in front of it, and players behind that. */
function stage(options: Omit<RelayOptions, 'clock'> = {}, behaviour: Behaviour = {}) {
  const clock = new VirtualClock();
  const origin = new HttpOriginServer({ clock, films: movie, behaviour });
  const relay = new Relay({ clock, ...options });
  const player = (own: Partial<ClientOptions> = {}) => {
    const near = relay.connect((far) => origin.accept(far));
    return new Client(near, { clock, film: movie, ...own });
  };
  return { clock, origin, relay, player };
}

/** Bytes that 600,000 bytes of film and their head are on the wire, about. */
const wireBytes = 600_350;

describe('a relay on virtual time', () => {
  for (const rate of [16_000, 32_000, 64_000, 105_000, 350_000, 1_750_000, 12_000_000]) {
    it(`carries ${rate} bytes a second, to 10 ms`, async () => {
      const { clock, player, relay } = stage({ rate });
      const exchange = player().get('/film');
      assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
      const right = (relay.bytesCarried / rate) * 1000;
      assert.ok(Math.abs(clock.now() - right) <= 10, `${clock.now()} ms, not ${right} ms`);
      assert.ok(relay.bytesCarried >= 600_000 && relay.bytesCarried <= wireBytes);
      const early = exchange.times.firstByteAt ?? Number.NaN;
      assert.ok(early <= 10 + 1e-6, `the first byte came after ${early} ms`);
    });
  }

  it('takes no time at an unlimited rate', async () => {
    const { clock, player } = stage();
    assert.equal(await clock.advanceUntil(player().get('/film').done()), 'complete');
    assert.equal(clock.now(), 0);
  });

  it('shares its line between connections', async () => {
    const { clock, player } = stage({ rate: 100_000 });
    const [first, second] = [player().get('/film'), player().get('/film')];
    await clock.advance(3000);
    for (const { bodyBytes } of [first, second]) assert.ok(Math.abs(bodyBytes - 150_000) < 3000, `${bodyBytes} bytes`);
    await clock.advanceUntil(Promise.all([first.done(), second.done()]));
    assert.ok(Math.abs(clock.now() - 12_000) < 20, `${clock.now()} ms`);
  });

  it('delays each direction, and no rate is lost to it', async () => {
    const { clock, player, origin } = stage({ rate: 1_000_000, delay: 300 });
    const exchange = player().get('/film');
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(origin.requests[0]?.at, 300);
    const { firstByteAt, endAt } = exchange.times;
    assert.ok(firstByteAt !== null && firstByteAt >= 600 && firstByteAt <= 610, `first byte at ${firstByteAt} ms`);
    assert.ok(endAt !== null && endAt >= 1200 && endAt <= 1215, `end at ${endAt} ms`);
  });

  it('makes each answer begin late, also on a connection that is kept', async () => {
    const { clock, player } = stage({ headDelay: 5000 });
    const one = player();
    for (const right of [5000, 10_000]) {
      const exchange = one.get('/film');
      await clock.advanceUntil(exchange.done());
      assert.deepEqual([exchange.times.firstByteAt, exchange.times.endAt], [right, right]);
    }
  });

  it('takes no more from the origin than its window, while nobody reads', async () => {
    const { clock, player, origin } = stage({ window: 100_000 });
    const one = player();
    const exchange = one.get('/film');
    one.pause();
    await clock.advance(60_000);
    assert.ok(origin.bytesGiven < 100_000 + 6 * 64 * 1024, `${origin.bytesGiven} bytes are under way`);
    one.resume();
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
  });

  it('stalls at the byte it is told, for as long as it is told', async () => {
    const { clock, player } = stage({ rate: 100_000, fault: () => ({ after: 200_000, stall: 20_000 }) });
    const exchange = player().get('/film');
    await clock.advance(15_000);
    const stalled = exchange.bodyBytes;
    assert.ok(stalled < 200_000 && stalled > 199_000, `${stalled} bytes before the stall`);
    await clock.advance(5000);
    assert.equal(exchange.bodyBytes, stalled);
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    assert.ok(Math.abs(clock.now() - 26_000) < 20, `${clock.now()} ms`);
  });

  for (const how of ['end', 'reset'] as const) {
    it(`cuts the second connection at the byte it is told (${how})`, async () => {
      const fault = (connection: number) => (connection === 2 ? { after: 1000, cut: how } : null);
      const { clock, player, relay, origin } = stage({ delay: 50, fault });
      const [sound, broken] = [player().get('/film'), player().get('/film')];
      assert.equal(await clock.advanceUntil(sound.done()), 'complete');
      assert.equal(await clock.advanceUntil(broken.done()), 'cut');
      assert.ok(broken.bodyBytes > 600 && broken.bodyBytes < 1000, `${broken.bodyBytes} bytes before the cut`);
      await clock.settle();
      assert.deepEqual([relay.connections, relay.open, origin.open], [2, 1, 1]);
    });
  }

  it('breaks what is open when it is told to, and carries new connections after that', async () => {
    const { clock, player, relay } = stage({ rate: 100_000 });
    const broken = player().get('/film');
    await clock.advance(1000);
    relay.cut();
    assert.equal(await clock.advanceUntil(broken.done()), 'cut');
    relay.rate = 1_000_000;
    const before = clock.now();
    assert.equal(await clock.advanceUntil(player().get('/film').done()), 'complete');
    assert.ok(clock.now() - before < 650, `${clock.now() - before} ms`);
  });

  it('passes on the end of either side', async () => {
    const cutting = stage({ delay: 10 }, { cutAfter: 1000 });
    const cut = cutting.player().get('/film');
    assert.equal(await cutting.clock.advanceUntil(cut.done()), 'cut');
    assert.equal(cut.bodyBytes, 1000);
    for (const how of ['end', 'reset'] as const) {
      const { clock, player, origin, relay } = stage({ delay: 10, rate: 100_000 });
      const one = player();
      await clock.advanceUntil(one.get('/film').received(1000));
      one.leave(how);
      await clock.advance(1000);
      assert.deepEqual([origin.open, relay.open, clock.pending], [0, 0, 0]);
    }
  });
});

describe('a relay between real sockets', () => {
  it('carries at its rate, and cuts', async () => {
    const origin = new HttpOriginServer({ clock: systemClock, films: movie });
    const fault = (connection: number) => (connection === 2 ? { after: 300_000, cut: 'reset' as const } : null);
    const relay = new Relay({ clock: systemClock, rate: 2_000_000, delay: 5, fault });
    const port = await relay.listen(await origin.listen());
    const options = { clock: systemClock, film: movie };

    const [sound, broken] = [await Client.connect(port, options), await Client.connect(port, options)];
    const whole = sound.get('/film');
    assert.equal(await whole.done(), 'complete');
    const took = (whole.times.endAt ?? 0) - whole.times.sentAt;
    assert.ok(took >= 300, `600,000 bytes at 2 MB/s took ${took} ms`);

    const part = broken.get('/film');
    assert.equal(await part.done(), 'cut');
    assert.ok(part.bodyBytes < 300_000);

    sound.leave();
    relay.close();
    origin.close();
  });
});
