import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nextTurn } from '../../src/clock.ts';
import { ProxyError } from '../../src/errors.ts';
import type { RefreshQuestion } from '../../src/origin/refresh.ts';
import { commandRefresh } from '../../src/origin/refresh-command.ts';

const question: RefreshQuestion = { origin: 'films', target: '/a.mkv?x=$(id)', reason: 'start' };
const free = new AbortController().signal;

/** A program of these lines of shell, in a directory of its own. */
async function program(context: TestContext, lines: string): Promise<{ path: string; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'refresh-'));
  context.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'hook');
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o700);
  return { path, directory };
}

function isUnanswered(why: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ProxyError && error.type === 'destination_unavailable' && why.test(error.message);
}

test('a command gets the question on its standard input, and answers on its output', async (context) => {
  const { path, directory } = await program(context, `cat > "$1"\necho '{"url": "https://b.example/a"}'`);
  const answer = await commandRefresh([path, join(directory, 'asked')])(question, free);
  assert.deepEqual(answer, { url: 'https://b.example/a' });
  assert.deepEqual(JSON.parse(await readFile(join(directory, 'asked'), 'utf8')), question);
});

test('a command gets its arguments as they are, and no environment but a search path', async (context) => {
  process.env.HOOK_TEST_SECRET = 'secret';
  context.after(() => {
    delete process.env.HOOK_TEST_SECRET;
  });
  const { path, directory } = await program(context, `env > "$1"\necho "{\\"url\\": \\"$2\\"}"`);
  const answer = await commandRefresh([path, join(directory, 'seen'), 'a b;$(id)*'])(question, free);
  assert.equal(answer.url, 'a b;$(id)*');
  const seen = await readFile(join(directory, 'seen'), 'utf8');
  assert.deepEqual(
    seen.split('\n').filter((line) => !/^(PATH|LANG|PWD|SHLVL|_|OLDPWD)=|^$/.test(line)),
    [],
  );
});

for (const [what, lines, why] of [
  ['ends with another code than 0', `echo '{}'; echo secret >&2; exit 3`, /its command ended with code 3\.$/],
  ['is killed', 'kill -9 $$', /its command ended with SIGKILL\.$/],
  ['writes no JSON', 'echo secret', /its command wrote no JSON\.$/],
  ['writes without end', 'yes secret', /its command said too much\.$/],
] as const) {
  test(`a command that ${what} has not answered`, async (context) => {
    const { path } = await program(context, lines);
    await assert.rejects(commandRefresh([path])(question, free), isUnanswered(why));
  });
}

test('a command that does not exist has not answered', async () => {
  await assert.rejects(
    commandRefresh(['/nowhere/hook'])(question, free),
    isUnanswered(/its command did not start \(ENOENT\)\.$/),
  );
});

test('a command that need not read the question may answer without', async (context) => {
  const { path } = await program(context, `exec <&-\necho '{}'`);
  const long = { ...question, target: `/${'a'.repeat(500_000)}` };
  assert.deepEqual(await commandRefresh([path])(long, free), {});
});

test('a command that finds no descriptor left has not answered, and harms nobody', () => {
  const module = import.meta.resolve('../../src/origin/refresh-command.ts');
  const script = `
    const { openSync } = await import('node:fs');
    const { commandRefresh } = await import(${JSON.stringify(module)});
    const question = { origin: 'films', target: '/a', reason: 'start' };
    try { for (;;) openSync('/dev/null'); } catch {}
    const failed = await commandRefresh(['/bin/true'])(question, new AbortController().signal).catch((error) => error);
    process.on('exit', () => console.log(failed.message));`;
  const limited = ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, '--input-type=module', '--eval', script];
  const { status, stdout } = spawnSync('/bin/sh', limited, { encoding: 'utf8' });
  assert.match(stdout, /its command did not start \(EMFILE\)\.$/m);
  assert.equal(status, 0);
});

/** Asks a program that starts another and writes down its own process and that, as soon as it has; and gives it up. */
async function givenUp(context: TestContext, starts: string, last: string): Promise<string> {
  const { path, directory } = await program(context, `${starts} sleep 1000 & echo $$ $! > "$1.new"; mv "$1.new" "$1"; ${last}`); // biome-ignore format: one line reads best
  const started = join(directory, 'started');
  const abort = new AbortController();
  const answer = commandRefresh([path, started])(question, abort.signal);
  answer.catch(() => {});
  let written = '';
  while (written === '') {
    await nextTurn();
    written = await readFile(started, 'utf8').catch(() => '');
  }
  const [own = '', child = ''] = written.trim().split(' ');
  if (last === 'exit 0') await ended(own);
  abort.abort(new Error('its time is over'));
  await assert.rejects(answer, /its time is over/);
  return child;
}

async function ended(pid: string): Promise<void> {
  const stateOf = () => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
  for (let state = await stateOf(); state !== 'gone' && !/\) [ZX] /.test(state); state = await stateOf())
    await nextTurn();
}

for (const [what, last] of [
  ['', 'wait'],
  [', though it has ended itself,', 'exit 0'],
] as const) {
  test(`a command whose time is over${what} is killed, with what it has started`, {
    timeout: 20_000,
  }, async (context) => {
    await ended(await givenUp(context, '', last));
  });
}

test('the output of a command whose time is over is let go of, whoever has it', {
  timeout: 20_000,
}, async (context) => {
  const pipes = () => process.getActiveResourcesInfo().filter((resource) => resource === 'PipeWrap').length;
  const before = pipes();
  const child = await givenUp(context, 'setsid', 'exit 0');
  context.after(() => process.kill(Number(child)));
  while (pipes() > before) await nextTurn();
});

test('a question that nobody waits for any more starts no command', async (context) => {
  const { path, directory } = await program(context, 'touch "$1"');
  const aborted = AbortSignal.abort(new Error('nobody waits'));
  await assert.rejects(commandRefresh([path, join(directory, 'ran')])(question, aborted), /nobody waits/);
  await assert.rejects(readFile(join(directory, 'ran')));
});
