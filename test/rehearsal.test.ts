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
