/** docs/api says what the types of the package say. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { typedoc, writeApiDocs } from '../../tools/api-docs.ts';
import { buildIfNeeded } from '../../tools/build.ts';
import { absent } from '../programs.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { root } from './packed.ts';

const skip = absent('typedoc (npm ci --prefix tools/api-docs)', process.execPath, typedoc, '--version');

async function pagesIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])),
  );
}

test('docs/api is what the types say', { skip }, async (t) => {
  await buildIfNeeded();
  const folder = await temporaryDirectory(t);
  assert.equal(writeApiDocs(folder), '');
  assert.deepEqual(
    await pagesIn(join(root, 'docs/api')),
    await pagesIn(folder),
    'run npm run build && npm run api-docs',
  );
});
