import assert from 'node:assert/strict';
import { test } from 'node:test';
// It is loaded while a process starts.
import '../src/control/control-api.ts';
import { rehearse } from '../src/rehearsal.ts';

test('a rehearsal comes to its end, and leaves no connection and no listener', async () => {
  assert.equal(await rehearse(), true);
  // The system closes what was destroyed in the turns that follow.
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  const left = process.getActiveResourcesInfo().filter((name) => /TCP/.test(name));
  assert.deepEqual(left, []);
});

test('garbage is collected once in a rehearsal, while what it has made is still there', async () => {
  const listening: number[] = [];
  const listeners = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  const before = listeners();
  assert.equal(await rehearse(() => listening.push(listeners() - before)), true);
  // Its origin's, and its daemon's.
  assert.deepEqual(listening, [2]);
});
