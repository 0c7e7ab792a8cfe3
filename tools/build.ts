/**
 * `npm run build`: `src/` to `dist/`, because Node strips no types under `node_modules`, and the page of `dashboard/` to
 * `dist/dashboard/`, each of its files beside itself in gzip and Brotli.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (status !== 0) process.exit(status ?? 1);
chmodSync('dist/cli.js', 0o755);

await build({ configFile: 'dashboard/vite.config.ts' });
for (const entry of readdirSync('dist/dashboard', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const content = readFileSync(path);
  const hint = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: hint }));
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}
