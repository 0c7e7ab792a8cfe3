import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('examples/expiring-urls.ts plays on with fresh URLs', { timeout: 120_000 }, async () => {
  const example = join(import.meta.dirname, '../../examples/expiring-urls.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [example]);
  const lines = stdout.trim().split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('bytes=')),
    [
      'bytes=0-99999: 206, 100000 bytes',
      'bytes=500000-599999: 206, 100000 bytes',
      'bytes=900000-999999: 206, 100000 bytes',
    ],
  );
  assert.equal(lines[0], 'the hook was asked (start): renewed');
  assert.ok(
    lines.some((line) => /^the hook was asked \((expired|denied)\): renewed$/.test(line)),
    stdout,
  );
});
