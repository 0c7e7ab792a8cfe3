/** The public suite of tests for HTTP caches, as it is shipped, through a mount in strict mode. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { loadSettings } from '../../src/config.ts';
import { startDaemon } from '../../src/daemon.ts';
import { explained, optional, required } from '../../tools/http-conformance.ts';

const home = join(import.meta.dirname, '../../tools/http-cache-tests');
const suite = join(home, 'node_modules/http-cache-tests');

/** A test of the suite, as far as it is counted. */
interface Case {
  readonly id: string;
  readonly kind?: 'required' | 'optimal' | 'check';
  readonly browser_only?: boolean;
}

/** By name: whether it passed, or why it did not. */
type Results = Readonly<Record<string, true | readonly string[]>>;

function absentSuite(): string | false {
  if (existsSync(suite)) return false;
  const message = `npm ci --ignore-scripts --prefix ${home} has not been run`;
  if (process.env.CI === 'true') throw new Error(message);
  return message;
}

async function casesOf(): Promise<Case[]> {
  const { default: groups } = (await import(join(suite, 'tests/index.mjs'))) as { default: { tests: Case[] }[] };
  return groups.flatMap(({ tests }) => tests).filter((each) => each.browser_only !== true);
}

/** The suite's own server; resolves with its port. */
async function serve(server: ChildProcess): Promise<number> {
  assert.ok(server.stdout);
  for await (const line of createInterface(server.stdout)) {
    const port = /:(\d+)\/$/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error('The server of the suite did not start.');
}

test('strict mode passes the public cache suite', { skip: absentSuite() }, async () => {
  const env = { ...process.env, npm_config_protocol: 'http', npm_config_port: '0', npm_config_pidfile: '/dev/null' };
  const server = spawn(process.execPath, ['server/server.mjs'], {
    cwd: suite,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = `http://127.0.0.1:${await serve(server)}`;
    server.stdout?.resume();
    const methods = ['POST', 'PUT', 'DELETE', 'M-SEARCH'];
    const origins = { suite: { url, cache: 'rfc9111', methods, maxConnections: 100 } };
    const flags = { origins, listen: ['127.0.0.1:0'], store: 'memory' };
    const { settings } = loadSettings({ flags, env: { HOME: '/' } });
    const daemon = await startDaemon(settings, { log: () => {} });
    try {
      const base = `${daemon.addresses[0]}suite`;
      const asked = { ...process.env, npm_config_base: base, npm_config_id: '', npm_package_config_id: '' };
      const run = promisify(execFile)(process.execPath, ['--no-warnings', 'cli.mjs'], { cwd: suite, env: asked });
      const results = JSON.parse((await run).stdout) as Results;
      const cases = await casesOf();
      const failed = (kind: Case['kind']) =>
        cases.filter((each) => (each.kind ?? 'required') === kind && results[each.id] !== true).map(({ id }) => id);
      assert.deepEqual(failed('required').sort(), explained.flatMap(({ tests }) => tests).sort());
      assert.equal(required.all - failed('required').length, required.passing);
      assert.equal(cases.filter(({ kind = 'required' }) => kind === 'required').length, required.all);
      assert.equal(cases.filter(({ kind }) => kind === 'optimal').length, optional.all);
      const missed = failed('optimal');
      assert.ok(optional.all - missed.length >= optional.passing, missed.join());
    } finally {
      await daemon.stop();
    }
  } finally {
    server.kill();
    await once(server, 'exit');
  }
});
