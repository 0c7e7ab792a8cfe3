/** What a user gets by `npm install` of the package, run from there. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type SlowOrigin, startSlowOrigin } from '../../demo/slow-origin.ts';
import { install, type Packed, packed, root, run, sizeOf } from './packed.ts';

const film = join(root, 'demo/film.mp4');
const others = [
  'express',
  'hono',
  '@hono/node-server',
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-base',
  '@types/node',
  'undici-types',
];

let pack: Packed;
let origin: SlowOrigin;

before(async () => {
  pack = await packed(others);
  origin = await startSlowOrigin({ folder: join(root, 'demo'), silence: 0, rate: 1e9 });
});

after(async () => {
  await origin.close();
  await pack[Symbol.asyncDispose]();
});

/** A program of the project, ended with its test; resolves with it and the first line that it prints. */
async function started(t: TestContext, args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, args, { cwd: pack.folder, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, line };
}

/** Ends it as a service manager does; resolves when it has gone, with its exit code. */
async function ended(child: ChildProcess): Promise<number | null> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exit;
  return code;
}

async function assertFilm(url: string): Promise<void> {
  const reply = await fetch(url, { headers: { range: 'bytes=1000-1000999' } });
  assert.equal(reply.status, 206);
  const bytes = Buffer.from(await reply.arrayBuffer());
  assert.ok(bytes.equals((await readFile(film)).subarray(1000, 1_001_000)));
}

describe('the package', () => {
  test('is installed without another package, a script or a warning, and takes 8 MB at most', async () => {
    const modules = join(pack.folder, 'node_modules');
    const { packages } = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'));
    assert.deepEqual(Object.keys(packages), ['node_modules/firstbyte']);
    const size = await sizeOf(join(modules, 'firstbyte'));
    assert.ok(size <= 8e6, `${size} bytes`);
    assert.doesNotMatch(pack.said, /warn|error/i);
  });

  test('has no private names, which V8 is slow with before it has optimized them', async () => {
    const folder = join(pack.folder, 'node_modules/firstbyte/dist');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    assert.ok(texts.some((text) => /this\._\w+ = /.test(text)));
    for (const text of texts) assert.doesNotMatch(text, /\b\w+\??\.#\w/);
  });

  test('has every way in that it names', async () => {
    const program = `
      const ways = ['firstbyte', 'firstbyte/store', 'firstbyte/origin', 'firstbyte/otel', 'firstbyte/testing'];
      for (const way of ways) console.log(way, Object.keys(await import(way)).sort().join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: pack.folder });
    assert.deepEqual(
      stdout.split('\n').map((line) => line.split(' ')[0]),
      ['firstbyte', 'firstbyte/store', 'firstbyte/origin', 'firstbyte/otel', 'firstbyte/testing', ''],
    );
    assert.match(stdout, /^firstbyte .*ConfigError.*createFirstbyte.*startDaemon/);
  });

  test('has types that a strict compiler takes, of itself alone', async () => {
    const program = `
      import { createFirstbyte, type Firstbyte, loadSettings, type Settings, startDaemon } from 'firstbyte';
      import { traceRequests } from 'firstbyte/otel';
      import { storeContract } from 'firstbyte/testing';
      const cache: Firstbyte = await createFirstbyte({ readAhead: '64MiB', origins: { films: 'https://x.example' } });
      const settings: Settings = loadSettings().settings;
      const first: number = settings.firstByteTimeout;
      for await (const { secondsAhead } of cache.watch('/films/a')) console.log((secondsAhead ?? 0) + first);
      // @ts-expect-error: there is no such setting
      await createFirstbyte({ readahead: '64MiB' });
      console.log(startDaemon, traceRequests, storeContract);`;
    await writeFile(join(pack.folder, 'types.ts'), program);
    const options = ['--strict', '--target', 'es2024', '--module', 'nodenext', '--types', 'node', '--lib', 'esnext'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    // Every declaration of the package is checked with it, and none of another's.
    const { stdout } = await run(
      process.execPath,
      [tsc, ...options, '--noEmit', '--skipLibCheck', 'false', 'types.ts'],
      {
        cwd: pack.folder,
      },
    ).catch((error: { stdout: string }) => error);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== '' && !line.includes('node_modules/@types/')),
      [],
    );
  });

  test('is a command where it is installed for all', async (t) => {
    const prefix = await mkdtemp(join(tmpdir(), 'firstbyte-global-'));
    t.after(() => rm(prefix, { recursive: true, force: true }));
    await run('npm', [...install, '--global', '--prefix', prefix, pack.tarball]);
    assert.deepEqual(await readdir(join(prefix, 'bin')), ['firstbyte']);
    const { stdout } = await run(process.execPath, [join(prefix, 'bin/firstbyte'), '--version']);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    const flags = ['--listen', '127.0.0.1:0', '--cache-dir', join(prefix, 'cache'), '--origin', `demo=${origin.url}`];
    const { child, line } = await started(t, [join(prefix, 'bin/firstbyte'), 'serve', ...flags]);
    const [, address] = /^firstbyte ready on (http:\S+)$/.exec(line) ?? [];
    assert.ok(address !== undefined, line);
    await assertFilm(`${address}demo/film.mp4`);
    const page = await fetch(`${address}-/`);
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    const stats = await fetch(`${address}-/api/v1/stats`);
    assert.equal(stats.status, 200);
    assert.equal(await ended(child), 0);
  });
});

test('the package is a program where it is unpacked', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-unpacked-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await run('tar', ['xzf', pack.tarball, '-C', folder]);
  const flags = ['--listen', '127.0.0.1:0', '--cache-dir', join(folder, 'cache'), '--origin', `demo=${origin.url}`];
  const { child, line } = await started(t, [join(folder, 'package/dist/cli.js'), 'serve', ...flags]);
  await assertFilm(`${/http:\S+$/.exec(line)?.[0]}demo/film.mp4`);
  assert.equal(await ended(child), 0);
});

describe('the example', () => {
  const example = (name: string) => join('examples/embedding', name);

  for (const [name, path] of [
    ['express.js', 'media/films/film.mp4'],
    ['hono.js', 'films/film.mp4'],
  ] as const) {
    test(`${name} serves a film beside its own pages, and ends`, async (t) => {
      const { child, line } = await started(t, [example(name), origin.url]);
      await assertFilm(line + path);
      assert.equal(await (await fetch(line)).text(), 'hello');
      assert.equal(await ended(child), 0);
    });
  }

  test('electron.js answers what a page of Electron asks for; Electron itself is a stand-in here', async (t) => {
    const electron = join(pack.folder, 'node_modules/electron');
    await mkdir(electron, { recursive: true });
    await writeFile(join(electron, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    // What the window loads is asked for as Chromium does: by a range.
    await writeFile(
      join(electron, 'index.js'),
      `let answer, quit;
      export const app = {
        whenReady: async () => {}, getPath: () => ${JSON.stringify(join(pack.folder, 'user data'))},
        once: (event, listener) => { quit = listener; },
      };
      export const protocol = {
        registerSchemesAsPrivileged: () => {}, handle: (scheme, handler) => { answer = handler; },
      };
      export class BrowserWindow {
        async loadURL() {
          const reply = await answer(new Request('film://film.mp4', { headers: { range: 'bytes=0-999' } }));
          console.log(reply instanceof Response, reply.status, (await reply.arrayBuffer()).byteLength);
          setTimeout(() => quit());
        }
      }`,
    );
    const { child, line } = await started(t, [example('electron.js'), origin.url]);
    assert.equal(line, 'true 206 1000');
    assert.equal((await once(child, 'exit'))[0], 0);
  });

  test('progress.ts shows a download to its end, and says what is not to be had', async () => {
    const { stdout } = await run(process.execPath, [example('progress.ts'), `${origin.url}/film.mp4`], {
      cwd: pack.folder,
    });
    assert.match(stdout, /complete 100 %.*\n\d+ bytes are cached\n$/);
    const gone = await run(process.execPath, [example('progress.ts'), `${origin.url}/none.mp4`], { cwd: pack.folder });
    assert.match(gone.stdout, /not to be had: .*\(404\)\n$/);
  });

  test('own-origin.ts reads films out of a folder', async () => {
    const { stdout } = await run(process.execPath, [example('own-origin.ts'), join(root, 'demo')], {
      cwd: pack.folder,
    });
    assert.equal(stdout, `1000 bytes of ${(await readFile(film)).length}\n`);
  });

  test('own-store.ts keeps a film, and passes the contract of stores', async () => {
    const { length } = await readFile(film);
    const kept = await run(process.execPath, [example('own-store.ts'), `${origin.url}/film.mp4`], { cwd: pack.folder });
    assert.match(kept.stdout, new RegExp(`bytes: ${length},\\s+objects: 1`));
    const program = `
      import { storeContract } from 'firstbyte/testing';
      import { MapStore } from './examples/embedding/own-store.ts';
      storeContract('the example', async () => new MapStore());`;
    await writeFile(join(pack.folder, 'contract.test.js'), program);
    // A test inside a test would report to this one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, ['--test', 'contract.test.js'], { cwd: pack.folder, env });
    assert.match(stdout, /^ℹ fail 0$/m);
    assert.ok(Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1]) > 20, stdout);
  });

  test('opentelemetry.ts shows a trace of a request, as a child of the one that asked', async () => {
    const args = ['examples/opentelemetry.ts', origin.url, 'film.mp4'];
    const { stdout } = await run(process.execPath, args, { cwd: pack.folder });
    assert.match(stdout, /traceId: '0af7651916cd43dd8448eb211c80319c'/);
    assert.match(stdout, new RegExp(`200, ${(await readFile(film)).length} bytes\\n`));
  });

  test('embed.ts brings a film in and says what happens', async () => {
    const { stdout } = await run(process.execPath, ['examples/embed.ts', origin.url, 'film.mp4'], { cwd: pack.folder });
    assert.match(
      stdout,
      /^\/film\.mp4: idle → queued\n\/film\.mp4: queued → starting\n\/film\.mp4: starting → filling\n/,
    );
    assert.match(stdout, new RegExp(`\n200, ${(await readFile(film)).length} bytes\n`));
    const wrong = run(process.execPath, ['examples/embed.ts'], { cwd: pack.folder });
    await assert.rejects(wrong, { code: 2, stderr: 'node examples/embed.ts BASE-URL FILM\n' });
  });
});
