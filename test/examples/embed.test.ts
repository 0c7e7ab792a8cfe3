import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startSlowOrigin } from '../../demo/slow-origin.ts';

const root = join(import.meta.dirname, '../..');

test('examples/embed.ts brings a film in and says what happens', async (context) => {
  const origin = await startSlowOrigin({ folder: join(root, 'demo'), silence: 0, rate: 1e9 });
  context.after(() => origin.close());
  const run = promisify(execFile)(process.execPath, [join(root, 'examples/embed.ts'), origin.url, 'film.mp4']);
  const { stdout } = await run;
  const { size } = await stat(join(root, 'demo/film.mp4'));
  assert.match(
    stdout,
    /^\/film\.mp4: idle → queued\n\/film\.mp4: queued → starting\n\/film\.mp4: starting → filling\n/,
  );
  assert.match(stdout, new RegExp(`\n200, ${size} bytes\n`));
});

test('examples/embed.ts says how it is called', async () => {
  const run = promisify(execFile)(process.execPath, [join(root, 'examples/embed.ts')]);
  await assert.rejects(run, { code: 2, stderr: 'node examples/embed.ts BASE-URL FILM\n' });
});
