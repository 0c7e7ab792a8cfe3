import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { runCommand } from '../../src/cli/command.ts';
import type { Surroundings } from '../../src/cli/invocation.ts';
import { systemClock } from '../../src/clock.ts';
import { namesOf, type Settings, settingKeys, settingRow } from '../../src/config.ts';
import { terminal } from '../../src/console.ts';
import type { Daemon } from '../../src/daemon.ts';
import { EventBus } from '../../src/events.ts';
import { nothingLent } from '../../src/lent.ts';
import { StoreError } from '../../src/store/store.ts';

const origin = ['--origin', 'films=http://me:hunter2@media.example/f'];

/** A command line that runs, and everything around it that a test wants to see or do. */
class Run {
  readonly signals = new EventEmitter();
  readonly code: Promise<number>;
  readonly ready: Promise<void>;
  readonly stopping = Promise.withResolvers<void>();
  settings: Settings | undefined;
  printed = '';
  complained = '';
  killed = false;

  constructor(args: readonly string[], start?: Surroundings['start']) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.code = runCommand(args, {
      start: start ?? (async (settings) => this.#daemon(settings)),
      signals: this.signals,
      print: (text) => {
        this.printed += text;
        ready.resolve();
      },
      complain: (text) => {
        this.complained += text;
      },
      terminal,
      clock: systemClock,
      service: {},
    });
  }

  #daemon(settings: Settings): Daemon {
    this.settings = settings;
    return {
      elsewhere: [],
      addresses: ['http://127.0.0.1:41234/', 'http://[::1]:41235/'],
      stop: () => this.stopping.promise,
      kill: () => {
        this.killed = true;
      },
      events: new EventBus(),
      lent: () => nothingLent,
      reload: () => Promise.reject(new Error('nothing to reload')),
      serve: () => {},
      control: null,
      get holdings(): never {
        throw new Error('The command line steers no daemon in its own process.');
      },
      get sources(): never {
        throw new Error('The command line steers no daemon in its own process.');
      },
    };
  }
}

test('serve prints the ready lines and what is mounted, without credentials', async () => {
  const run = new Run(['serve', ...origin]);
  await run.ready;
  assert.equal(
    run.printed,
    'firstbyte ready on http://127.0.0.1:41234/\n' +
      'firstbyte ready on http://[::1]:41235/\n' +
      '  /films/ is http://media.example/f\n',
  );
});

test('a first signal lets replies go on, and then the exit code is 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const run = new Run(['serve', ...origin]);
    await run.ready;
    run.signals.emit(signal);
    assert.equal(await Promise.race([run.code, 'draining']), 'draining');
    run.stopping.resolve();
    assert.equal(await run.code, 0);
    assert.equal(run.killed, false);
    assert.deepEqual(run.signals.eventNames(), []);
  }
});

test('a second signal ends it at once, with the code of that signal', async () => {
  for (const [second, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const run = new Run(['serve', ...origin]);
    await run.ready;
    run.signals.emit('SIGTERM');
    run.signals.emit(second);
    assert.equal(await run.code, code);
    assert.equal(run.killed, true);
  }
});

test('a stop that fails is code 1', async () => {
  const run = new Run(['serve', ...origin]);
  await run.ready;
  run.signals.emit('SIGTERM');
  run.stopping.reject(new Error('the disk is gone'));
  assert.equal(await run.code, 1);
  assert.match(run.complained, /the disk is gone/);
});

test('an address in use is code 3, a bad cache directory 4, anything else 1', async () => {
  const inUse = Object.assign(new Error('listen EADDRINUSE: 127.0.0.1:8787'), {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port: 8787,
  });
  const cases = [
    [inUse, 3, /^Cannot listen on 127\.0\.0\.1:8787: another program uses it/],
    [new StoreError('EACCES', '/root/cache cannot be written'), 4, /^No permission to write the cache directory/],
    [new Error('surprise'), 1, /^Cannot start: Error: surprise/],
  ] as const;
  for (const [error, code, sentence] of cases) {
    const run = new Run(['serve', ...origin], () => Promise.reject(error));
    assert.equal(await run.code, code);
    assert.match(run.complained, sentence);
    assert.equal(run.printed, '');
  }
});

test('every flag reaches its setting', async () => {
  const values: Record<string, string> = {
    allowFrom: '10.0.0.0/8',
    allowHosts: 'media.example.org',
    trustedProxies: '10.0.0.1',
    origins: 'a=http://a.example',
    cacheDir: '/tmp/c',
    maxRate: '2M',
  };
  for (const key of settingKeys) {
    const { flag } = namesOf(key);
    if (flag === null) continue;
    const value = values[key] ?? String(settingRow(key).default);
    const run = new Run(['config', '--json', flag, value]);
    assert.equal(await run.code, 0, run.complained);
    const { [key]: setting } = JSON.parse(run.printed);
    assert.deepEqual([setting.from, setting.value], ['flag', value]);
  }
});

test('flags that may be repeated add up', async () => {
  const run = new Run([
    'serve',
    ...origin,
    '--origin',
    'a=http://a.example',
    '--listen',
    '[::1]:0',
    '--listen',
    'localhost:0',
  ]);
  await run.ready;
  assert.deepEqual(
    run.settings?.origins.map(({ name }) => name),
    ['films', 'a'],
  );
  assert.deepEqual(run.settings?.listen, [
    { host: '::1', port: 0 },
    { host: 'localhost', port: 0 },
  ]);
});

test('serve --help names every flag that there is, and no secret has one', async () => {
  const run = new Run(['serve', '--help']);
  assert.equal(await run.code, 0);
  for (const key of settingKeys) {
    const { flag } = namesOf(key);
    if (flag === null) assert.ok(!run.printed.includes(`--${key}`));
    else assert.ok(run.printed.includes(`  ${flag} <`), flag);
  }
});

test('help has examples and the exit codes', async () => {
  const run = new Run(['--help']);
  assert.equal(await run.code, 0);
  assert.match(run.printed, /Examples:\n {2}firstbyte serve --origin films=/);
  assert.match(run.printed, /Exit codes:\n {4}0 {2}/);
});

test('wrong usage is code 2, with what was probably meant', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: firstbyte/],
    [['serv'], /Did you mean serve\?/],
    [['serve', '--orign', 'a=http://a.example'], /Did you mean --origin\?/],
    [['serve', 'film'], /too many arguments/],
    [['serve', ...origin, '--stall-timeout', '10'], /stallTimeout \(--stall-timeout\): "10" is not a duration/],
    [['serve'], /name at least one, such as --origin/],
  ];
  for (const [args, complaint] of cases) {
    const run = new Run(args);
    assert.equal(await run.code, 2, args.join(' '));
    assert.match(run.complained, complaint);
  }
});

test('config prints each value; --explain where it came from, without credentials', async () => {
  const plain = new Run(['config', ...origin, '--retry-max', '3s']);
  assert.equal(await plain.code, 0);
  assert.match(plain.printed, /^retryMax +3s$/m);
  const explained = new Run(['config', '--explain', ...origin, '--retry-max', '3s']);
  assert.equal(await explained.code, 0);
  assert.match(explained.printed, /retryMax +3s\n {2}from flag --retry-max\n/);
  assert.match(explained.printed, /stallTimeout +10s\n {2}from the default\n/);
  assert.match(explained.printed, /origins +films=http:\/\/\*\*\*@media\.example\/f\n/);
  assert.ok(!explained.printed.includes('hunter2'));
  assert.ok(!explained.printed.includes('another viewer'), 'nothing is shared');
});

test('--no-store is --store none', async () => {
  for (const flags of [['--no-store'], ['--store', 'none']]) {
    const run = new Run(['config', '--json', ...flags]);
    assert.equal(await run.code, 0);
    assert.equal(JSON.parse(run.printed).store.value, 'none');
  }
  const plain = new Run(['config', '--json']);
  assert.equal(await plain.code, 0);
  assert.equal(JSON.parse(plain.printed).store.value, 'disk');
});

test('config --json is for programs', async () => {
  const run = new Run(['config', '--json', '--retry-max', '3s']);
  assert.equal(await run.code, 0);
  const { retryMax, token } = JSON.parse(run.printed);
  assert.equal(retryMax.value, '3s');
  assert.equal(retryMax.name, '--retry-max');
  assert.equal(retryMax.variable, 'FIRSTBYTE_RETRY_MAX');
  assert.equal(token.flag, null);
});

test('the program itself reads the environment and the file, and ends with its code', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-cli-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'config.json');
  await writeFile(file, '{ "stallTimeout": "4s" }');
  const program = promisify(execFile);
  const env = { ...process.env, FIRSTBYTE_CONFIG: file, FIRSTBYTE_RETRY_MAX: '3s' };

  const { stdout } = await program(process.execPath, ['src/cli.ts', 'config', '--json'], { env });
  const { stallTimeout, retryMax } = JSON.parse(stdout);
  assert.deepEqual([stallTimeout.from, stallTimeout.value], ['file', '4s']);
  assert.deepEqual([retryMax.from, retryMax.value], ['variable', '3s']);

  const version = await program(process.execPath, ['src/cli.ts', '--version'], { env });
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);

  await assert.rejects(program(process.execPath, ['src/cli.ts', 'serve'], { env }), { code: 2 });
});

test('a Node that is too old is told so in one line, before anything newer is loaded', async () => {
  const older = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.19.2"}})';
  await assert.rejects(promisify(execFile)(process.execPath, ['--import', older, 'src/cli.ts', 'serve']), {
    code: 2,
    stdout: '',
    stderr: 'firstbyte needs Node 24 or newer; this is Node 20.19.2.\n',
  });
});
