import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timelinesText } from '../../demo/timeline.ts';

test('two playbacks stand side by side, and their bars on one scale', () => {
  const text = timelinesText(
    {
      cold: { connected: 2.345, originHead: 3005, firstByteLanded: 3006, firstByteOut: 3008, done: 6016 },
      cached: { connected: null, originHead: null, firstByteLanded: null, firstByteOut: 1.5, done: 12.04 },
    },
    (colour, part) => `<${colour}>${part}</>`,
  );
  assert.deepEqual(text.split('\n'), [
    '                                   cold        cached',
    'asked                            0.0 ms        0.0 ms',
    'connected to the origin          2.3 ms<dim>     not asked</>',
    "origin's head                   3005 ms<dim>     not asked</>",
    'first byte landed               3006 ms<dim>     not asked</>',
    'first byte out                  3008 ms        1.5 ms',
    'done                            6016 ms       12.0 ms',
    '',
    `cold    <dim>${'·'.repeat(25)}</><green>${'█'.repeat(25)}</>`,
    'cached  <dim></><green>█</>',
    '<dim>        · waiting   █ playing   0.12 s each</>',
    '',
  ]);
});
