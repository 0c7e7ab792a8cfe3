/** Compiles `src/` to `dist/`: Node strips no types under `node_modules`, so what is published is JavaScript. */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (status === 0) chmodSync('dist/cli.js', 0o755);
process.exit(status ?? 1);
