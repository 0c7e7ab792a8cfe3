import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('the demo plays its film cold and cached, checks it, and ends', async () => {
  const demo = join(import.meta.dirname, '../../demo/demo.ts');
  // Rejects where the exit code is not 0.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo, '--once']);
  const [, cold = '', cached = ''] = /^first byte landed +(\S+ ms|not asked) +(\S+ ms|not asked)$/m.exec(stdout) ?? [];
  assert.ok(Number.parseFloat(cold) >= 3000, `cold, after the silence of 3 s: ${cold}`);
  assert.equal(cached, 'not asked');
  assert.match(stdout, /was right, twice/);
  assert.ok(!stdout.includes('\u001b'), 'no colours where there is no terminal');
  assert.equal(stderr, '');
});
