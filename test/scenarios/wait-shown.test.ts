/** How long a player has waited, as the control API shows it to the page, `top` and programs: the player's own time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FillReport, OriginReport } from '../../src/control/answers.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(1_000_000);

/** In milliseconds. */
const tolerance = 300;

async function read<T>(rig: VirtualRig, path: string): Promise<T> {
  const exchange = rig.player().get(`/-/api/v1/${path}`, { film: null });
  await rig.clock.advanceUntil(exchange.done());
  return JSON.parse(exchange.text);
}

async function fillOf(rig: VirtualRig): Promise<FillReport | undefined> {
  return (await read<{ fills: FillReport[] }>(rig, 'fills')).fills[0];
}

async function originOf(rig: VirtualRig): Promise<OriginReport> {
  const [origin] = (await read<{ origins: OriginReport[] }>(rig, 'origins')).origins;
  assert.ok(origin);
  return origin;
}

/** The origins that keep a player waiting for the whole of `firstByteTimeout`. */
const origins: Readonly<Record<string, (rig: VirtualRig) => void>> = {
  'refuses connections': ({ network }) => {
    network.down = true;
  },
  'takes no connection': ({ network }) => {
    network.down = true;
    network.downBy = 'silence';
  },
  'is silent': ({ origin }) => origin.always({ headAfter: Number.POSITIVE_INFINITY }),
  'answers 503': ({ origin }) => origin.always({ status: 503 }),
  'takes 25 s to answer': ({ origin }) => origin.always({ headAfter: 25_000 }),
};

describe('the wait of a player', () => {
  for (const [does, make] of Object.entries(origins)) {
    it(`is shown within 0.3 s of the truth at every second, with what it may take, where the origin ${does}`, async () => {
      const rig = await virtualRig({ films: movie });
      make(rig);
      const exchange = rig.get('/films/a.mp4');
      const sentAt = rig.clock.now();
      let seconds = 0;
      for (;;) {
        await rig.clock.advance(1000);
        if (exchange.status !== null) break;
        const fill = await fillOf(rig);
        const truth = rig.clock.now() - sentAt;
        const [reader] = fill?.readers ?? [];
        assert.ok(Math.abs((reader?.waitedMs ?? -1) - truth) <= tolerance, `${reader?.waitedMs} ms after ${truth} ms`);
        const [, shown, most] = /: ([\d.]+) s of ([\d.]+) s/.exec(fill?.reason ?? '') ?? [];
        assert.ok(Math.abs(Number(shown) * 1000 - truth) <= tolerance, `"${fill?.reason}" after ${truth} ms`);
        assert.ok(Math.abs(Number(most) - 30) <= 0.3, `"${fill?.reason}"`);
        seconds += 1;
      }
      assert.ok(seconds >= 24, `${seconds} s`);
      await rig.close();
    });
  }

  it('in the midst of a film is that for the byte that is missing, and what it may take is healTimeout', async () => {
    const rig = await virtualRig({ films: movie, settings: { stallTimeout: '4s' } });
    rig.origin.next({ headAfter: 0, stallAfter: 100_000 });
    rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
    const exchange = rig.get('/films/a.mp4');
    await rig.clock.advance(500);
    const lastByteAt = rig.eventsOf('bytes-landed').at(-1)?.at ?? 0;
    for (let second = 2; second < 20; second += 1) {
      await rig.clock.advance(1000);
      const fill = await fillOf(rig);
      const truth = rig.clock.now() - lastByteAt;
      const waited = fill?.readers[0]?.waitedMs ?? -1;
      assert.ok(Math.abs(waited - truth) <= tolerance, `${waited} ms after ${truth} ms`);
      assert.match(fill?.reason ?? '', /^waiting for the origin: /);
    }
    assert.equal(exchange.status, 200);
    await rig.close();
  });

  it('is over with the first byte', async () => {
    const rig = await virtualRig({ films: movie, relay: { rate: 100_000 } });
    rig.get('/films/a.mp4');
    await rig.clock.advance(3000);
    const fill = await fillOf(rig);
    assert.match(fill?.reason ?? '', /^downloading for /);
    await rig.close();
  });
});

describe('the contact with an origin', () => {
  it('is none before anybody has asked it, and made once it has answered', async () => {
    const rig = await virtualRig({ films: movie });
    assert.equal((await originOf(rig)).contact, 'none');
    await rig.clock.advanceUntil(rig.get('/films/a.mp4').done());
    assert.equal((await originOf(rig)).contact, 'reached');
    await rig.close();
  });

  it('fails from the first refused connection on, with its reason, before the origin counts as out of reach', async () => {
    const rig = await virtualRig({ films: movie });
    rig.network.down = true;
    const exchange = rig.get('/films/a.mp4');
    await rig.clock.advance(2000);
    const { contact, breaker } = await originOf(rig);
    assert.deepEqual([contact, breaker.state, breaker.cause], ['failing', 'closed', 'connection_refused']);
    await rig.clock.advanceUntil(exchange.done());
    await rig.clock.advanceUntil(() => rig.eventsOf('breaker').length > 0);
    assert.equal((await originOf(rig)).contact, 'out of reach');
    await rig.close();
  });
});
