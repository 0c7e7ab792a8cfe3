/** What a HEAD costs at the origin: one byte, and what a range of one byte costs: a unit of reading, as any range. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldValue } from '../../src/http/fields.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(1_000_000);
const next = film(1_000_000, 2);

type Options = NonNullable<Parameters<Awaited<ReturnType<typeof virtualRig>>['get']>[1]>;

/** What these requests, one after the other, had the origin asked for. */
async function rangesFor(...requests: readonly Options[]): Promise<(string | null)[]> {
  const rig = await virtualRig({ films: movie });
  for (const options of requests) {
    const exchange = rig.get('/films/film.mp4', options);
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    await rig.clock.advance(1000);
  }
  const ranges = rig.origin.requests.map((request) => fieldValue(request.fields, 'range'));
  await rig.close();
  return ranges;
}

describe('a HEAD', () => {
  it('asks the origin for one byte, because no request can ask for none', async () => {
    assert.deepEqual(await rangesFor({ method: 'HEAD' }), ['bytes=0-0']);
  });

  it('asks for nothing once the representation is known, whatever of it is present', async () => {
    assert.deepEqual(await rangesFor({ method: 'HEAD' }, { method: 'HEAD' }, { method: 'HEAD', range: '5-9' }), [
      'bytes=0-0',
    ]);
    assert.equal((await rangesFor({ range: '500000-500001' }, { method: 'HEAD' })).length, 1);
  });

  it('of what is stale, and another version by now, asks for one byte of that', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always({ fields: { 'cache-control': 'max-age=60' } });
    assert.equal(await rig.clock.advanceUntil(rig.get('/films/film.mp4').done()), 'complete');
    await rig.clock.advance(61_000);
    rig.origin.always({ film: next });
    const exchange = rig.get('/films/film.mp4', { method: 'HEAD' });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    await rig.clock.advance(1000);
    assert.equal(exchange.status, 200);
    assert.deepEqual(
      rig.origin.requests.slice(1).map((request) => fieldValue(request.fields, 'range')),
      ['bytes=0-0'],
    );
    await rig.close();
  });
});

describe('a request for the first byte', () => {
  it('is a range like every other: the origin is asked for whole units', async () => {
    assert.deepEqual(await rangesFor({ range: '0-0' }), ['bytes=0-262143']);
    assert.deepEqual(await rangesFor({ range: '0-1' }), ['bytes=0-262143']);
  });

  it('that comes after a HEAD has the rest of its unit brought in', async () => {
    assert.deepEqual(await rangesFor({ method: 'HEAD' }, { range: '0-99' }), ['bytes=0-0', 'bytes=1-262143']);
  });
});
