/** What follows from the table of commands: completion in real shells, the man page, the help. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { commandNames, commandRow } from '../../src/cli/command-table.ts';
import { absent } from '../programs.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { Stage } from './stage.ts';

const run = promisify(execFile);
const firstbyte = `'${process.execPath}' src/cli.ts`;

let completion: Promise<{ stdout: string }> | undefined;

/** What bash offers for a line whose last word is being typed. */
async function bashOffers(...words: readonly string[]): Promise<string[]> {
  completion ??= run(process.execPath, ['src/cli.ts', 'completion', 'bash']);
  const script = `${(await completion).stdout}
firstbyte() { ${firstbyte} "$@"; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _firstbyte; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script, 'bash', ...words]);
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, options, their values and files', async () => {
  assert.deepEqual(await bashOffers('firstbyte', ''), commandNames);
  assert.deepEqual(await bashOffers('firstbyte', 'un'), ['unpin']);
  assert.deepEqual(await bashOffers('firstbyte', 'ls', '--so'), ['--sort']);
  assert.deepEqual(await bashOffers('firstbyte', 'ls', '--sort', 'p'), ['path', 'percent']);
  assert.deepEqual(await bashOffers('firstbyte', 'play', '--player', ''), ['mpv', 'vlc', 'ffplay', 'gst', 'none']);
  assert.deepEqual(await bashOffers('firstbyte', 'completion', 'z'), ['zsh']);
  assert.deepEqual(await bashOffers('firstbyte', 'serve', '--log-format', ''), ['text', 'json']);
  assert.deepEqual(await bashOffers('firstbyte', 'serve', '--config', 'package-l'), ['package-lock.json']);
  assert.deepEqual(await bashOffers('firstbyte', '--ver'), ['--version']);
});

test('bash completes what is cached, also names with blanks, and only the options that the help shows', async (t) => {
  const stage = await Stage.set(t);
  await stage.run('warm', '/films/a.mkv', 'films/b c.mkv');
  process.env.FIRSTBYTE_CACHE_DIR = stage.cacheDir;
  t.after(() => delete process.env.FIRSTBYTE_CACHE_DIR);
  assert.deepEqual(await bashOffers('firstbyte', 'rm', '/films/'), ['/films/a.mkv', '/films/b c.mkv']);
  assert.deepEqual(await bashOffers('firstbyte', 'pin', '/films/b\\ '), ['/films/b c.mkv']);
  assert.deepEqual(await bashOffers('firstbyte', 'rm', '--'), [
    ...['--all', '--yes', '--url', '--json', '--config', '--origin', '--cache-dir', '--help'],
  ]);
});

test('whoever reads slowly gets all of what is printed', async (t) => {
  const file = join(await temporaryDirectory(t), 'firstbyte.json');
  await writeFile(file, JSON.stringify({ allowHosts: Array.from({ length: 9000 }, (_, n) => `nas${n}.example`) }));
  const env = { ...process.env, FIRSTBYTE_CONFIG: file };
  const { stdout: all } = await run(process.execPath, ['src/cli.ts', 'config'], { env });
  assert.ok(Buffer.byteLength(all) > 65_536, 'it is more than a pipe holds');
  // The loop of bash takes one byte after the other.
  const slowly = `${firstbyte} config | while IFS= read -r line; do printf '%s\\n' "$line"; done`;
  assert.equal((await run('bash', ['-c', slowly], { env })).stdout, all);
});

test('zsh takes its script', { skip: absent('zsh', 'zsh', '--version') }, async () => {
  const script = `autoload -Uz compinit; compinit -D -u; eval "$(${firstbyte} completion zsh | sed '$d')"; compdef _firstbyte firstbyte; print -- $_comps[firstbyte]`;
  const { stdout, stderr } = await run('zsh', ['-fc', script]);
  assert.deepEqual([stdout, stderr], ['_firstbyte\n', '']);
});

test('fish completes with its script', { skip: absent('fish', 'fish', '--version') }, async () => {
  const offers = async (line: string) => {
    const script = `${firstbyte} completion fish | source; complete --do-complete '${line}'`;
    const { stdout } = await run('fish', ['--no-config', '-c', script]);
    return stdout.split('\n').map((each) => each.split('\t')[0]);
  };
  assert.deepEqual((await offers('firstbyte unp')).slice(0, 1), ['unpin']);
  assert.deepEqual(await offers('firstbyte ls --sort pe'), ['percent', '']);
});

test('man takes the page without a warning', { skip: absent('man', 'man', '--version') }, async () => {
  const { stdout, stderr } = await run('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', 'man/firstbyte.1']);
  assert.equal(stderr, '');
  for (const name of commandNames) assert.match(stdout, new RegExp(`firstbyte.* ${name}`));
});

test('every command has an example that begins with it, or pipes it', () => {
  for (const name of commandNames) {
    for (const { line } of commandRow(name).examples) assert.ok(line.includes(`firstbyte ${name}`), line);
  }
});

test('colours are for terminals, unless FORCE_COLOR wants them or NO_COLOR does not', async () => {
  const help = async (env: Record<string, string>) => {
    const args = ['src/cli.ts', 'doctor', '--listen', '127.0.0.1:0', '--store', 'memory'];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
    return stdout.includes('\x1b[');
  };
  assert.deepEqual(
    [await help({}), await help({ FORCE_COLOR: '1' }), await help({ NO_COLOR: '1' })],
    [false, true, false],
  );
});
