/** What a user gets by the single executable, on a machine that has no Node. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { root, run } from './packed.ts';

const node = join(root, 'tools/executable/node_modules');
const absent = !existsSync(node) && 'the Node that it is made of is not installed: npm ci --prefix tools/executable';

test('one file serves films, keeps them, and shows its page, without a Node', { skip: absent }, async (t) => {
  await run(process.execPath, ['tools/executable.ts'], { cwd: root });
  const home = await temporaryDirectory(t);
  const program = join(home, 'firstbyte');
  await copyFile(join(root, 'dist/firstbyte'), program);
  const origin = await startSlowOrigin({ folder: join(root, 'demo'), silence: 0, rate: 1e9 });
  t.after(() => origin.close());
  const cache = ['--cache-dir', join(home, 'cache')];
  const args = ['serve', '--listen', '127.0.0.1:0', '--origin', `demo=${origin.url}`, ...cache];
  const around = { cwd: home, env: { PATH: '/nowhere', HOME: home } };
  const child = spawn(program, args, { ...around, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const [, address] = /^firstbyte ready on (http:\S+)$/.exec(line) ?? [];
  assert.ok(address !== undefined, line);
  const film = await readFile(join(root, 'demo/film.mp4'));
  const reply = await fetch(`${address}demo/film.mp4`);
  assert.ok(Buffer.from(await reply.arrayBuffer()).equals(film));
  const page = await fetch(`${address}-/`, { headers: { 'accept-encoding': 'br' } });
  assert.deepEqual([page.status, page.headers.get('content-encoding')], [200, 'br']);
  assert.match(await page.text(), /<script type="module"/);
  const listed = await run(program, ['ls', '--json', ...cache], around);
  assert.match(listed.stdout, /"path": "\/film\.mp4"/);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});
