/**
 * `npm run network`: real players over emulated links, direct and through firstbyte in turn.
 *
 *   npm run network                                   all of plan.ts, and docs/network-speeds.md; goes on where it was ended
 *   npm run network -- --only lte,mkv,mpv --runs 1    these links, films, players, starts, operations, ways
 *   npm run network -- --results FILE                 its results, one JSON object a line; else in the temporary folder
 *   npm run network -- --report                       only writes docs/network-speeds.md from the results
 *   npm run network -- --check                        only whether each link is what its profile says
 *
 * It needs root (Linux): players and firstbyte run in a network namespace of their own, and all of its processes in a
 * process namespace, so that none of them and no namespace is left behind however this ends. It ends with 1 where
 * firstbyte gave a wrong byte or an error of its own, or a player met an error through it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { options, unknownWords } from './options.ts';

const { values } = parseArgs({ options });
const unknown = unknownWords(values.only.split(',').filter((word) => word !== ''));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: no link, start, film, player or operation is called so.`);
  process.exit(2);
}
if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.log('skipped: network namespaces and tun devices need root on Linux.');
  process.exit(0);
}

const prefix = 'firstbyte-network-work-';
// A run that was killed could not remove its folder.
for (const name of await readdir(tmpdir())) {
  const isLeft = name.startsWith(prefix) && !existsSync(`/proc/${name.slice(prefix.length)}`);
  if (isLeft) await rm(join(tmpdir(), name), { recursive: true, force: true });
}
const work = join(tmpdir(), `${prefix}${process.pid}`);
await mkdir(work);
try {
  const namespaces = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const inside = [process.execPath, join(import.meta.dirname, 'inside.ts'), ...process.argv.slice(2), '--work', work];
  // Its stdin ends with this process, and it with its stdin.
  const child = spawn('unshare', [...namespaces, ...inside], { stdio: ['pipe', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGKILL'));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 130;
} finally {
  await rm(work, { recursive: true, force: true });
}
