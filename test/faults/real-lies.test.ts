/** More of "what a viewer gets" against an origin process on a socket: lies, new versions, signed addresses, radio. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { lies } from './lies.ts';
import { OriginProcess, realMovie, realRow, realWhole } from './real-row.ts';
import { partSize, states } from './row.ts';

const radio: Behaviour = {
  framing: 'close',
  ignoreRange: true,
  rate: 100_000,
  fields: { etag: null, 'last-modified': null, 'content-type': 'audio/mpeg', 'icy-name': 'Radio' },
};

for (const state of states) {
  describe(`on real sockets, an origin with a film that is ${state}`, () => {
    let origin: OriginProcess;
    before(async () => {
      origin = await OriginProcess.start();
    });
    after(() => origin.end());

    for (const [what, lie] of lies) {
      it(`and ${what} gives a clean error or right bytes, and nothing wrong is stored`, async (test) => {
        const row = await realRow(test, origin, state);
        await origin.order(lie);
        const asked = { range: '600000-' };
        const coded = lie.fields?.['content-encoding'] !== undefined && state !== 'complete';
        const right = coded ? realWhole : [206, 'complete', realMovie.size - 600_000];
        assert.deepEqual(await row.gets(asked), right);
        await origin.order();
        assert.deepEqual(await row.gets(), realWhole);
        assert.deepEqual(await row.gets({ range: '600000-' }), [206, 'complete', realMovie.size - 600_000]);
      });
    }

    it('and codes the whole has it passed on and not stored', async (test) => {
      const row = await realRow(test, origin, state);
      await origin.order({ ignoreRange: true, fields: { 'content-encoding': 'gzip', etag: '"coded"' } });
      const viewer = await row.view(state === 'complete' ? {} : { range: '600000-', film: null });
      await viewer.done();
      if (state !== 'complete') assert.equal(viewer.field('content-encoding'), 'gzip');
      await origin.order();
      assert.deepEqual(await row.gets(), realWhole);
    });

    for (const status of [405, 500]) {
      it(`and answers HEAD with ${status} has firstbyte answer it all the same`, async (test) => {
        const row = await realRow(test, origin, state);
        await origin.order({ statusOfHead: status });
        const asked = await row.view({ method: 'HEAD' });
        assert.deepEqual([await asked.done(), asked.status, asked.bodyBytes], ['complete', 200, 0]);
        assert.equal(asked.field('content-length'), String(realMovie.size));
      });
    }

    const dated = { fields: { etag: null } };
    const changes: ReadonlyArray<readonly [what: string, before: Behaviour, after: Behaviour]> = [
      ['its tag', {}, {}],
      ['its date', dated, { fields: { etag: null, 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' } }],
      ['nothing but its bytes, under one date', dated, dated],
    ];
    for (const [what, first, then] of changes) {
      it(`and changes ${what} between two requests gives no bytes of both versions`, async (test) => {
        const row = await realRow(test, origin, state, { origin: first });
        await origin.order(then, [], 2);
        const next = { film: film(realMovie.size, 2) };
        if (state === 'complete') assert.deepEqual(await row.gets(), realWhole);
        if (state !== 'partly present') return;
        const [status, outcome, bytes] = await row.gets();
        assert.deepEqual([status, outcome], [200, 'cut']);
        assert.ok(bytes <= partSize, `${bytes}`);
        assert.deepEqual(await row.gets(next), realWhole);
      });
    }

    for (const status of [404, 410]) {
      it(`and answers ${status} has what is present played, and says so of the rest`, async (test) => {
        const row = await realRow(test, origin, state);
        await origin.order({ status });
        if (state !== 'cold') assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
        assert.equal((await row.gets({ range: '1900000-' }))[0], state === 'complete' ? 206 : status);
      });

      it(`and answers ${status} has nothing of it played once it was asked whether that is current`, async (test) => {
        const row = await realRow(test, origin, state, { settings: { mediaFreshness: '1ms' } });
        await origin.order({ status });
        // What is there may be served while the origin is asked, which it is once a second at most.
        let got: number | null = null;
        while (got !== status) [got] = await row.gets({ range: '0-99' });
      });
    }

    it('behind addresses on another host that expire costs no byte, however often they do', async (test) => {
      const { port } = new URL(origin.url());
      const row = await realRow(test, origin, state, { mount: { redirectTo: 'any' } });
      const signed = { signedFor: 150, signedAt: `localhost:${port}`, rate: 4_000_000, cutAfter: 500_000 };
      await origin.order(signed);
      assert.deepEqual(await row.gets(), realWhole);
      assert.deepEqual(await row.gets({ range: '1999000-' }), [206, 'complete', 1000]);
    });
  });
}

it('on real sockets, radio has two listeners on one connection, and is not stored', async (test) => {
  const origin = await OriginProcess.start();
  test.after(() => origin.end());
  const row = await realRow(test, origin, 'cold', { mount: { maxConnections: 1 } });
  await origin.order(radio);
  const one = await row.view({ film: null });
  await one.received(20_000);
  const other = await row.view({ film: null });
  await other.received(20_000);
  assert.deepEqual([one.outcome, other.outcome, (await origin.order(radio)).heard], [null, null, 1]);
});
