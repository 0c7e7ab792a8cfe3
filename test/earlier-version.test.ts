/** A cache directory, a configuration and an API client of an earlier version (2a46aa7) go on working. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { firstbyteProgram } from '../bench/programs.ts';
import { systemClock } from '../src/clock.ts';
import { Firstbyte } from './crash/firstbyte.ts';
import {
  films,
  objectsOf,
  operationsOf,
  origin,
  type Shape,
  shapesOf,
  watch,
  watched,
} from './fixtures/as-2a46aa7/films.ts';
import { temporaryDirectory } from './store/disk-directory.ts';
import { HttpOriginServer } from './support/http-origin-server.ts';

const left = join(import.meta.dirname, 'fixtures/as-2a46aa7');
const config = join(left, 'config.json');

/** What a client that knows `before` does not find in `now`, as paths of keys. */
function missing(before: Shape, now: Shape, path = ''): string[] {
  // What was null may be anything by now, and the other way round: a client has to expect both.
  if (before === 'null' || now === 'null') return [];
  if (typeof before === 'string' || typeof now === 'string')
    return before === now ? [] : [`${path}: ${JSON.stringify(before)}, and now ${JSON.stringify(now)}`];
  if (Array.isArray(before)) {
    if (!Array.isArray(now)) return [`${path}: no array any more`];
    const [[item], [item2]] = [before, now];
    return item === undefined || item2 === undefined ? [] : missing(item, item2, `${path}[]`);
  }
  return Object.entries(before).flatMap(([key, shape]) => {
    const there = (now as Readonly<Record<string, Shape>>)[key];
    return there === undefined ? [`${path}.${key}`] : missing(shape, there, `${path}.${key}`);
  });
}

test('what 2a46aa7 left', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(join(left, 'cache'), directory, { recursive: true });
  // Nobody listens there: whatever is served was stored.
  await using firstbyte = await Firstbyte.start({ directory, origin: origin.url, flags: ['--config', config] });

  await t.test('a film is a hit, with every byte', async () => {
    const reply = await fetch(`${firstbyte.url}/films/whole.mp4`);
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('cache-status') ?? '', /;\s*hit/);
    const body = Buffer.from(await reply.arrayBuffer());
    assert.equal(body.length, films['/whole.mp4'].size);
    films['/whole.mp4'].assertBytes(0, body);
  });

  await t.test('of a film that was watched in part, that part is a hit', async () => {
    const reply = await fetch(`${firstbyte.url}/films/partly.mp4`, { headers: { range: `bytes=0-${watched - 1}` } });
    assert.equal(reply.status, 206);
    const body = Buffer.from(await reply.arrayBuffer());
    assert.equal(body.length, watched);
    films['/partly.mp4'].assertBytes(0, body);
  });

  await t.test('a pin holds', async () => {
    const pins = (await objectsOf(firstbyte.url)).map(({ path, pinned }) => ({ path, pinned }));
    assert.deepEqual(pins, [
      { path: '/whole.mp4', pinned: true },
      { path: '/partly.mp4', pinned: false },
    ]);
  });

  await t.test('every key of its configuration is taken, with its value', async () => {
    const explain = ['config', '--explain', '--json', '--config', config];
    const { stdout } = await promisify(execFile)(process.execPath, [firstbyteProgram(), ...explain]);
    const now = JSON.parse(stdout) as Record<string, { value: string; from: string }>;
    const given = JSON.parse(await readFile(config, 'utf8')) as Record<string, unknown>;
    for (const [key, value] of Object.entries(given)) {
      assert.deepEqual(
        { key, value: now[key]?.value, from: now[key]?.from },
        { key, value: String(value), from: 'file' },
      );
    }
  });
});

/** Counters that could not move, and are gone. */
const unmoved = ['stats.retries.reset', 'stats.heals.reset'];

test('a client of the API of 2a46aa7', async (t) => {
  const api: { operations: Record<string, readonly string[]>; shapes: Record<string, Shape> } = JSON.parse(
    await readFile(join(left, 'api.json'), 'utf8'),
  );
  const server = new HttpOriginServer({ clock: systemClock, films });
  t.after(() => server.close());
  const directory = await temporaryDirectory(t);
  const url = `http://127.0.0.1:${await server.listen()}`;
  await using firstbyte = await Firstbyte.start({ directory, origin: url, flags: ['--config', config] });
  await watch(firstbyte.url);

  await t.test('finds every path, with every parameter', async () => {
    const now = await operationsOf(firstbyte.url);
    const gone = Object.entries(api.operations).flatMap(([operation, parameters]) => {
      const known = now[operation];
      if (known === undefined) return [operation];
      return parameters
        .filter((parameter) => !known.includes(parameter))
        .map((parameter) => `${operation}: ${parameter}`);
    });
    assert.deepEqual(gone, []);
  });

  await t.test('finds every field of the answers, of the same type', async () => {
    const now = await shapesOf(firstbyte.url);
    assert.deepEqual(
      Object.entries(api.shapes).flatMap(([path, shape]) => missing(shape, now[path] ?? 'nothing', path)),
      unmoved,
    );
  });
});
