import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CountedOrigin } from './counted-origin.ts';
import { film } from './film.ts';
import { ScriptedOrigin } from './scripted-origin.ts';

it('counts what was read from an origin, where it belongs', async () => {
  const origin = new ScriptedOrigin(film(1000));
  const counted = new CountedOrigin(origin);
  const { signal } = new AbortController();
  for (const range of ['100-199', '150-']) {
    const open = counted.open({ target: '/a', fields: [['range', `bytes=${range}`]] }, signal);
    (await origin.nextRequest()).head().bytes(60).bytes(20).end();
    const { body } = await open;
    assert.equal((await body.read())?.length, 60);
    body.cancel();
  }
  assert.deepEqual(counted.read('/a'), [{ start: 100, end: 210 }]);
  assert.deepEqual(counted.readTwice('/a'), [{ start: 150, end: 160 }]);
  assert.deepEqual(counted.read('/b'), []);
});
