/** What contrib/ has for a firstbyte that runs for good: the unit, and the steps of the image. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { absent } from '../programs.ts';
import { freePort } from '../servers/server.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { install, type Packed, packed, root, run } from './packed.ts';

const contrib = join(root, 'contrib');

let pack: Packed;

before(async () => {
  pack = await packed([]);
});
after(() => pack[Symbol.asyncDispose]());

/** Started with its test and ended with it; the lines that it prints. */
function started(
  t: TestContext,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): { child: ChildProcess; lines: Interface } {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout }) };
}

/** The command of the package, installed for all below a folder. */
async function installed(t: TestContext): Promise<string> {
  const prefix = await temporaryDirectory(t);
  await run('npm', [...install, '--global', '--prefix', prefix, pack.tarball]);
  return join(prefix, 'bin/firstbyte');
}

describe('contrib/firstbyte.service', () => {
  const skip = absent('systemd', 'systemd-analyze', '--version');

  test('is a unit that systemd takes, and one that gives little away', { skip }, async (t) => {
    const folder = await temporaryDirectory(t);
    const written = await readFile(join(contrib, 'firstbyte.service'), 'utf8');
    const command = await installed(t);
    const unit = join(folder, 'firstbyte.service');
    assert.ok(written.includes('/usr/local/bin/firstbyte'));
    await writeFile(unit, written.replace('/usr/local/bin/firstbyte', command).replace(/^Documentation=.*$/m, ''));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    assert.equal((stdout + stderr).replace(/^.*(?<!firstbyte)\.(?:service|socket|target):.*\n?/gm, ''), '');
    // 10 is a service that may do anything; below 2 systemd calls it well guarded.
    const offline = ['security', '--offline=yes', '--threshold=20', '--no-pager', unit];
    const { stdout: judged } = await run('systemd-analyze', offline);
    assert.match(judged, /Overall exposure level for firstbyte\.service: 1\.\d OK/);
  });

  test('is told when firstbyte is ready, that it lives, and that it stops', { skip }, async (t) => {
    const folder = await temporaryDirectory(t);
    const socket = join(folder, 'notify');
    const manager = started(t, 'python3', [join(import.meta.dirname, 'notify_socket.py'), socket]);
    const heard: string[] = [];
    const next = (line: string, times = 1) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (heard.filter((each) => each === line).length < times) return;
          manager.lines.off('line', look);
          resolve();
        };
        manager.lines.on('line', look);
        look();
      });
    // By a barrier its program asks whether it was heard.
    manager.lines.on('line', (line) => line !== 'BARRIER=1' && heard.push(line));
    await next('bound');
    const args = ['serve', '--store', 'memory', '--listen', '127.0.0.1:0', '--origin', 'films=http://127.0.0.1:9'];
    // A second, in microseconds; of a process that systemd did not start it wants nothing.
    const env = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000', WATCHDOG_PID: undefined };
    const { child } = started(t, process.execPath, [await installed(t), ...args], env);
    await next('READY=1');
    await next('WATCHDOG=1', 2);
    child.kill('SIGTERM');
    await next('STOPPING=1');
    const [status] = heard.filter((line) => line.startsWith('STATUS='));
    assert.match(status ?? '', /^STATUS=Ready on http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.deepEqual([heard[1], heard.at(-1)], ['READY=1', 'STOPPING=1']);
  });
});

/** The instructions of a Dockerfile, in order. */
function instructionsOf(dockerfile: string): (readonly [word: string, rest: string])[] {
  const lines = dockerfile.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
}

describe('contrib/Dockerfile', () => {
  // No image can be had here: its steps are run as they stand, with other places.
  test('has steps that make a firstbyte which is healthy, and ends when it is told to', async (t) => {
    const folder = await temporaryDirectory(t);
    const port = await freePort();
    const instructions = instructionsOf(await readFile(join(contrib, 'Dockerfile'), 'utf8'));
    const user = process.getuid?.() === 0 ? 'root' : String(process.getuid?.());
    const here = (text: string) =>
      text
        .replaceAll('/tmp/', `${folder}/`)
        .replaceAll('/cache', `${folder}/cache`)
        .replaceAll('chown node', `chown ${user}`)
        .replaceAll('0.0.0.0:8787', `127.0.0.1:${port}`)
        .replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NPM_CONFIG_PREFIX: join(folder, 'usr'),
      PATH: `${join(folder, 'usr/bin')}:${process.env.PATH}`,
      FIRSTBYTE_ORIGIN: 'films=http://127.0.0.1:9',
    };
    await mkdir(join(folder, 'usr'));
    let command: string[] = [];
    let health: string[] = [];
    for (const [word, rest] of instructions) {
      if (word === 'FROM') assert.match(rest, /^node:24-slim$/);
      if (word === 'COPY') await copyFile(pack.tarball, here(rest.split(' ')[1] ?? ''));
      if (word === 'RUN') await run('sh', ['-c', here(rest)], { env });
      if (word === 'ENV') {
        for (const [, name = '', value = ''] of here(rest).matchAll(/(\w+)=(\S+)/g)) env[name] = value;
      }
      if (word === 'HEALTHCHECK') health = JSON.parse(here(rest).replace(/^.*?CMD /, ''));
      if (word === 'ENTRYPOINT' || word === 'CMD') command = [...command, ...JSON.parse(rest)];
    }
    const [program = '', ...args] = command;
    const { child, lines } = started(t, program, args, env);
    const [line] = await once(lines, 'line');
    assert.equal(line, `firstbyte ready on http://127.0.0.1:${port}/`);
    const [check = '', ...checkArgs] = health;
    await run(check, checkArgs, { env });
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
    await assert.rejects(run(check, checkArgs, { env }), { code: 1 });
  });

  test('is what compose.yaml starts, with a network that may come', async (t) => {
    const compose = await readFile(join(contrib, 'compose.yaml'), 'utf8');
    const [, networks = ''] = /FIRSTBYTE_ALLOW_FROM: (.*)/.exec(compose) ?? [];
    const [, origin = ''] = /FIRSTBYTE_ORIGIN: (.*)/.exec(compose) ?? [];
    // Beyond loopback nothing listens before such networks are named: so these are right.
    const env = {
      ...process.env,
      FIRSTBYTE_ALLOW_FROM: networks,
      FIRSTBYTE_ORIGIN: origin,
      FIRSTBYTE_LISTEN: '0.0.0.0:0',
    };
    const { stdout } = await run(process.execPath, [await installed(t), 'config', '--json'], { env });
    const shown = JSON.parse(stdout);
    assert.match(JSON.stringify(shown), /192\.168\.0\.0/);
    assert.match(compose, /dockerfile: contrib\/Dockerfile/);
  });
});
