/** "What a viewer gets", where the kernel matters: an origin process on a socket, and a store on a disk. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { OriginProcess, realMovie, realRow, realWhole } from './real-row.ts';
import { states } from './row.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const key = fixture('origin.key.pem');
const identity = [fixture('origin.pem'), key] as const;
const expired = [fixture('expired.pem'), key] as const;
const ca = fixture('authority.pem');

const blind = { ignoreRange: true } as const;

/** What comes right in the very reply that meets with it. */
const mended: ReadonlyArray<readonly [what: string, always: Behaviour, next: readonly Behaviour[]]> = [
  ['closes the connection in mid-body', {}, [{ cutAfter: 700_000 }]],
  ['closes the connection every 300 KB', { cutAfter: 300_000 }, []],
  ['resets the connection in mid-body', {}, [{ cutAfter: 700_000, cutBy: 'reset' }]],
  ['resets the connection every 500 KB', { cutAfter: 500_000, cutBy: 'reset' }, []],
  ['stalls in mid-body', {}, [{ stallAfter: 700_000 }]],
  ['falls silent for a moment', {}, [{ stallAfter: 700_000, stallFor: 100 }]],
  ['answers 503 once', {}, [{ status: 503 }]],
  ['answers 502 thrice', {}, [{ status: 502 }, { status: 502 }, { status: 502 }]],
  ['answers 429, and when to ask again', {}, [{ status: 429, fields: { 'retry-after': '1' } }]],
  ['ignores ranges', blind, []],
  ['hangs up in place of an answer', {}, [{ hangUp: 'end' }, { hangUp: 'reset' }]],
  ['gives a chunked body', { ...blind, framing: 'chunked' }, []],
  ['cuts a chunked body', { ...blind, framing: 'chunked' }, [{ cutAfter: 700_000 }]],
  ['resets a chunked body', { ...blind, framing: 'chunked' }, [{ cutAfter: 700_000, cutBy: 'reset' }]],
  ['sends more than it said', { surplus: 5000 }, []],
  ['ignores ranges when a body is gone on with', blind, [{ cutAfter: 700_000, ignoreRange: false }]],
];

for (const state of states) {
  describe(`on real sockets, an origin with a film that is ${state}`, () => {
    let origin: OriginProcess;
    before(async () => {
      origin = await OriginProcess.start();
    });
    after(() => origin.end());

    for (const [what, always, next] of mended) {
      it(`and ${what} costs the first viewer and the next no byte`, async (test) => {
        const row = await realRow(test, origin, state);
        await origin.order(always, next);
        assert.deepEqual(await row.gets(), realWhole);
        assert.deepEqual(await row.gets({ range: '1999000-' }), [206, 'complete', 1000]);
        assert.deepEqual(await row.gets(), realWhole);
      });
    }

    it('and gives a body that ends with its connection costs no byte', async (test) => {
      const row = await realRow(test, origin, state);
      await origin.order({ ...blind, framing: 'close' });
      assert.deepEqual(await row.gets(), realWhole);
      assert.deepEqual(await row.gets(), realWhole);
    });

    it('and closes a connection whose body could have ended there deceives nobody who comes later', async (test) => {
      const row = await realRow(test, origin, state);
      await origin.order({}, [{ ...blind, framing: 'close', cutAfter: 700_000 }]);
      // Nothing but a length that was known before tells the cut from an end.
      assert.deepEqual(await row.gets(), state === 'cold' ? [200, 'complete', 700_000] : realWhole);
      assert.deepEqual(await row.gets(), realWhole);
    });

    it('and changes in mid-body never gives bytes of both versions', async (test) => {
      const row = await realRow(test, origin, state);
      await origin.order({ rate: 4_000_000, cutAfter: 700_000 });
      const exchange = await row.view();
      await exchange.received(300_000);
      await origin.order({}, [], 2);
      const outcome = await exchange.done();
      if (state === 'complete') assert.deepEqual([outcome, exchange.bodyBytes], ['complete', realMovie.size]);
      else assert.ok(outcome === 'cut' && exchange.bodyBytes < realMovie.size, outcome);
      const [status, next] = await row.gets({ film: state === 'complete' ? realMovie : film(realMovie.size, 2) });
      assert.deepEqual([status, next], [200, 'complete']);
    });

    it('and is gone lets all that is present play, also after a restart', async (test) => {
      const mortal = await OriginProcess.start();
      const row = await realRow(test, mortal, state);
      await mortal.end();
      for (let count = 0; count < 2; count += 1) {
        const [status] = await row.gets({ range: '1000-200000' });
        assert.equal(status, state === 'cold' ? 502 : 206);
        if (state === 'complete') assert.deepEqual(await row.gets(), realWhole);
        await row.stop();
        await row.start();
      }
    });
  });
}

describe('an origin that speaks TLS', () => {
  it("with a certificate of the operator's own authority gives the film, cut or not", async (test) => {
    const origin = await OriginProcess.start(identity);
    test.after(() => origin.end());
    const row = await realRow(test, origin, 'cold', { mount: { ca } });
    await origin.order({}, [{ cutAfter: 700_000 }]);
    assert.deepEqual(await row.gets(), realWhole);
    assert.deepEqual(await row.gets(), realWhole);
  });

  const refusals = [
    ['of an authority that nobody knows', identity, {}],
    ['for another host', identity, { host: 'localhost', mount: { ca } }],
    ['that has expired', expired, { mount: { ca } }],
  ] as const;
  for (const [what, certificate, options] of refusals) {
    it(`with a certificate ${what} is a 502, and nothing is asked`, async (test) => {
      const origin = await OriginProcess.start(certificate);
      test.after(() => origin.end());
      const row = await realRow(test, origin, 'cold', options);
      const [status, outcome] = await row.gets();
      assert.deepEqual([status, outcome], [502, 'complete']);
      assert.equal((await origin.order()).heard, 0);
    });
  }
});
