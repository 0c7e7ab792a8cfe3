/** `npm run api-docs`: docs/api, from the types of the package that was built. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const home = join(import.meta.dirname, 'api-docs');

/** Where typedoc is, once `npm ci --prefix tools/api-docs` has brought it. */
export const typedoc = join(home, 'node_modules/typedoc/bin/typedoc');

/** Writes the pages into `out`; returns what was wrong, or nothing. */
export function writeApiDocs(out: string): string {
  const args = [typedoc, '--options', join(home, 'typedoc.json'), '--out', out];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: home, encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

if (import.meta.main) {
  const wrong = writeApiDocs(join(import.meta.dirname, '../docs/api'));
  process.stderr.write(wrong);
  process.exitCode = wrong === '' ? 0 : 1;
}
