/** What media mode hears of the directives of a request, and of an answer that may be given while it is asked for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(600_000);
const target = '/films/a.mp4';

async function ask(rig: VirtualRig, control: string | null, range?: string) {
  const fields = control === null ? {} : { 'cache-control': control };
  const exchange = await rig.play(target, { fields, ...(range !== undefined && { range }) });
  return exchange.status;
}

async function stored(behaviour: Behaviour = {}): Promise<VirtualRig> {
  const rig = await virtualRig({ films: movie, origin: behaviour });
  await ask(rig, null);
  return rig;
}

describe('only-if-cached', () => {
  it('gives what is stored, fresh or stale, and nothing else', async () => {
    const rig = await stored({ fields: { 'cache-control': 'max-age=60' } });
    await rig.clock.advance(3_600_000);
    for (const range of ['0-', '5-9', '-10']) assert.equal(await ask(rig, 'only-if-cached', range), 206);
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });

  it('is a 504 where the bytes are not stored, and the origin is not asked', async () => {
    const rig = await virtualRig({ films: film(40_000_000), origin: {} });
    const film404 = await rig.play(target, { fields: { 'cache-control': 'only-if-cached' }, film: null });
    assert.deepEqual([film404.status, rig.origin.requests.length], [504, 0]);
    await rig.play(target, { range: '0-9' });
    const before = rig.origin.requests.length;
    const rest = await rig.play(target, {
      range: '39000000-',
      fields: { 'cache-control': 'only-if-cached' },
      film: null,
    });
    assert.deepEqual([rest.status, rig.origin.requests.length], [504, before]);
    await rig.close();
  });
});

for (const control of ['no-cache', 'max-age=0', 'no-store', 'min-fresh=9999999', 'max-stale=0']) {
  it(`${control} of a player is not heard: it plays, also while the origin is out of reach`, async () => {
    const rig = await stored();
    rig.network.down = true;
    assert.equal(await ask(rig, control), 200);
    await rig.close();
  });
}

it('what is stale is given while it is asked for, as long as the origin allows', async () => {
  const rig = await stored({ headAfter: 100, fields: { 'cache-control': 'max-age=60, stale-while-revalidate=60' } });
  await rig.clock.advance(61_000);
  const before = rig.clock.now();
  assert.equal(await ask(rig, null), 200);
  assert.equal(rig.clock.now(), before);
  await rig.clock.advance(1000);
  assert.equal(rig.origin.requests.length, 2);
  await rig.close();
});
