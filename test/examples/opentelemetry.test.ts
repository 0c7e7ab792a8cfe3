import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startSlowOrigin } from '../../demo/slow-origin.ts';

const root = join(import.meta.dirname, '../..');
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'examples/opentelemetry.ts'), ...args]);

test("examples/opentelemetry.ts prints the spans of one request, as children of the client's", async (context) => {
  const origin = await startSlowOrigin({ folder: join(root, 'demo'), silence: 0, rate: 1e9 });
  context.after(() => origin.close());
  const { stdout } = await run(origin.url, 'film.mp4');
  const names = [...stdout.matchAll(/^ {2}name: '(.*)',$/gm)].map(([, name]) => name);
  // On a busy machine a free connection may cost a millisecond, too.
  const spans = names.filter((name) => name !== 'queue').sort();
  assert.deepEqual(spans, ['GET', 'connect', 'deliver', 'first byte', 'head', 'wait for first byte']);
  const traces = new Set([...stdout.matchAll(/^ {2}traceId: '(.*)',$/gm)].map(([, id]) => id));
  assert.deepEqual([...traces], ['0af7651916cd43dd8448eb211c80319c']);
  assert.match(stdout, /200, \d+ bytes\n/);
});

test('examples/opentelemetry.ts says how it is called', async () => {
  await assert.rejects(run(), { code: 2, stderr: 'node examples/opentelemetry.ts BASE-URL FILM\n' });
});
