import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { duplexPair } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { createGzip } from 'node:zlib';
import { Agent, request } from 'undici';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import { nextTurn, systemClock } from '../../src/clock.ts';
import {
  ClosedError,
  ConfigError,
  CutError,
  createFirstbyte,
  FirstbyteError,
  MediaError,
  type MediaProgress,
  SourceError,
} from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { HttpOriginServer } from '../support/http-origin-server.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { assertFilm, base, contentOf, opened, scripted, serving, size, title, url } from './stage.ts';

describe('the options of createFirstbyte', () => {
  test('are refused with every reason at once', async () => {
    const wrong = createFirstbyte({ readAhead: 'much', maxsize: '1GiB', origins: { films: 'ftp://x' } } as never);
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof ConfigError && error.code === 'FIRSTBYTE_CONFIG');
      assert.equal(error.problems.length, 3);
      assert.match(error.message, /maxsize is unknown; did you mean maxSize\?/);
      return true;
    });
  });

  test('name an origin that was left out, as where a variable is not set', async () => {
    for (const films of [undefined, null, 5]) {
      await assert.rejects(createFirstbyte({ origins: { films } } as never), {
        message: /^origins\.films/,
        name: 'ConfigError',
      });
    }
    const nowhere = createFirstbyte({ origins: { films: { maxRate: '1M' } } } as never);
    await assert.rejects(nowhere, /^ConfigError: origins\.films\.url .*is missing/);
  });

  test('are refused where they would have no effect', async () => {
    const wrong = createFirstbyte({ tlsCert: '/a', nextEpisode: 'on', listen: ':8787' } as never);
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.problems,
        ['listen', 'tlsCert', 'nextEpisode'].map((key) => `${key} counts for startDaemon alone`),
      );
      return true;
    });
  });

  test('refuse two origins at one URL, of which nobody could say which is meant', async () => {
    const origins = { one: base, two: `${base}/` };
    await assert.rejects(createFirstbyte({ origins }), /one and two have the same URL|two and one have the same URL/);
  });

  test('find a film in the inner of two origins', async (t) => {
    const [outer, inner] = [new ScriptedOrigin(title), ScriptedOrigin.serving(title, { clock: systemClock })];
    const origins = {
      all: { url: 'https://media.example', origin: outer },
      films: { url: new URL(base), origin: inner },
    };
    const cache = await opened(t, { origins });
    await assertFilm(cache.open(url));
    assert.deepEqual([outer.requests.length, inner.requests[0]?.target], [0, '/a.mkv']);
  });

  test('keep films in a directory for the next time, which one process has at a time', async (t) => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'firstbyte-embed-'));
    t.after(() => rm(cacheDir, { recursive: true, force: true }));
    {
      const origin = ScriptedOrigin.serving(title, { clock: systemClock });
      await using cache = await createFirstbyte({ cacheDir, origins: { films: { url: base, origin } } });
      await assertFilm(cache.open(url));
      await assert.rejects(createFirstbyte({ cacheDir }), { name: 'StoreError', code: 'EBUSY' });
    }
    const silent = new ScriptedOrigin(title);
    await using again = await createFirstbyte({ cacheDir, origins: { films: { url: base, origin: silent } } });
    await assertFilm(again.open(url));
    assert.equal(silent.requests.length, 0);
  });

  test('take a store of the program', async (t) => {
    const store = createMemoryStore();
    const { cache } = await serving(t, {}, { store });
    await assertFilm(cache.open(url));
    assert.equal(cache.usage().bytes, store.usage().bytes);
    assert.equal(store.usage().objects, 1);
  });

  test('that ask for a disk name a directory', async () => {
    await assert.rejects(createFirstbyte({ store: 'disk' }), /cacheDir is missing/);
  });
});

describe('a program that opens a film', () => {
  test('reads it as a Node stream, from and to where it wants', async (t) => {
    const { cache } = await serving(t);
    await assertFilm(cache.open(url));
    await assertFilm(cache.open(url, { start: 1_000_000 }), 1_000_000);
    await assertFilm(cache.open(url, { start: 1_000_000, end: 1_000_001 }), 1_000_000, 1_000_001);
    await assertFilm(cache.open(url, { end: 10 }), 0, 10);
  });

  test('reads it as a web stream', async (t) => {
    const { cache } = await serving(t);
    await assertFilm(cache.open(url, { start: 5 }).web(), 5);
  });

  test('learns how long it is, and what', async (t) => {
    const { cache } = await serving(t);
    const body = cache.open(url, { start: 100 });
    body.resume();
    const { length, contentType, etag } = await body.head;
    assert.equal(length, size);
    assert.equal(contentType, 'video/mp4');
    assert.match(etag ?? '', /^".+"$/);
  });

  test('gets the bytes it wants of an origin without ranges', async (t) => {
    const { cache } = await serving(t, { ranges: false });
    await assertFilm(cache.open(url, { start: 2_000_000, end: 2_500_000 }), 2_000_000, 2_500_000);
  });

  test('asks for nothing before it reads', async (t) => {
    const { cache, origin } = await serving(t);
    const body = cache.open(url);
    await cache.cached(url);
    assert.equal(origin.requests.length, 0);
    body.destroy();
  });

  test('is told by an error what it does not get', async (t) => {
    const { cache, origin } = await scripted(t);
    const body = cache.open(`${base}/gone.mkv`);
    const read = assertFilm(body);
    (await origin.nextRequest()).head(404, [['content-length', '0']]).end();
    const isGone = (error: unknown) => error instanceof MediaError && error.status === 404;
    await assert.rejects(read, isGone);
    await assert.rejects(body.head, isGone);
  });

  test('is told that it begins after the end', async (t) => {
    const { cache } = await serving(t);
    await assert.rejects(assertFilm(cache.open(url, { start: size })), { code: 'FIRSTBYTE_MEDIA', status: 416 });
    assert.throws(() => cache.open(url, { start: -1 }), RangeError);
    assert.throws(() => cache.open(url, { start: 5, end: 5 }), RangeError);
  });

  test('never reads to an end that is none', async (t) => {
    const { cache, origin } = await scripted(t, { healTimeout: '20ms', retryInitial: '1ms', retryMax: '5ms' });
    const read = assertFilm(cache.open(url));
    (await origin.nextRequest()).head(200).bytes(100_000).cut();
    void (async () => {
      for (;;) (await origin.nextRequest()).head(200).cut();
    })();
    await assert.rejects(read, CutError);
  });

  test('may leave by its signal, and by destroying the stream', async (t) => {
    const { cache, origin } = await scripted(t);
    const ended: string[] = [];
    cache.events.subscribe((event) => event.type === 'request-done' && ended.push(event.outcome));
    const leave = new AbortController();
    const body = cache.open(url, { signal: leave.signal });
    body.once('data', () => leave.abort(new Error('no longer wanted')));
    (await origin.nextRequest()).head(200).bytes(100_000);
    await assert.rejects(once(body, 'end'), { message: 'no longer wanted' });
    const other = cache.open(url);
    const [piece] = await once(other, 'data');
    assert.ok(piece.length > 0);
    const closed = once(other, 'close');
    other.destroy();
    await closed;
    await cache.close();
    assert.deepEqual(ended, ['gone', 'gone']);
  });
});

test('a film that is opened with a signal that has aborted before is asked for by nobody', async (t) => {
  const { cache, origin } = await scripted(t);
  const reason = new Error('no longer wanted');
  const body = cache.open(url, { signal: AbortSignal.abort(reason) });
  const heard = body.head.catch((error) => error);
  await assert.rejects(body.toArray(), reason);
  assert.deepEqual([await heard, origin.requests.length], [reason, 0]);
});

test('what is no number of bytes is refused, and not waited for', async (t) => {
  const { cache } = await serving(t);
  const wrong = [{ start: -1 }, { start: 0.5 }, { end: Number.NaN }, { start: 5, end: 5 }, { end: '9' as never }];
  for (const options of wrong) assert.throws(() => cache.open(url, options), /^RangeError: (start|end): \S+ is not/);
  const ranges = [
    { start: -5, end: null },
    { start: 5, end: 4 },
    { start: Number.NaN, end: null },
  ];
  for (const range of ranges) await assert.rejects(cache.warm(url, { ranges: [range] }), /ranges: (start|end): \S+ is/);
  await assert.rejects(
    cache.warm(url, { head: -5 }),
    /^RangeError: head: -5 is not a whole number of bytes, 0 or more/,
  );
  assert.equal(await cache.warm(url, { head: 0 }), 0);
});

test('what can not be told by a promise at once is told by it nevertheless', async (t) => {
  const { cache } = await serving(t);
  const elsewhere = 'https://elsewhere.example/a.mkv';
  for (const asked of [cache.cached(elsewhere), cache.remove(elsewhere), cache.pin(elsewhere)]) {
    await assert.rejects(asked, { code: 'FIRSTBYTE_UNKNOWN_ORIGIN' });
  }
});

describe('a program that watches a film', () => {
  test('sees it as it is, then each change up to the last byte', { timeout: 60_000 }, async (t) => {
    const { cache, origin } = await scripted(t);
    const seen: MediaProgress[] = [];
    const watching = cache.watch(url, { interval: 0 });
    const next = async (until: (progress: MediaProgress) => boolean) => {
      for (;;) {
        const { value } = await watching.next();
        assert.ok(value);
        seen.push(value);
        if (until(value)) return value;
      }
    };
    assert.equal((await next(() => true)).state, 'idle');
    const read = assertFilm(cache.open(url));
    const request = await origin.nextRequest();
    const waiting = await next(({ state }) => state === 'starting');
    assert.match(waiting.reason, /^waiting for the origin: .* of 30 s, attempt 1$/);
    request.head(200).bytes(1_000_000);
    const filling = await next(({ bytes }) => bytes === 1_000_000);
    assert.deepEqual([filling.state, filling.length, filling.readers], ['filling', size, 1]);
    request.bytes(size).end();
    const whole = await next(({ state }) => state === 'complete');
    assert.deepEqual([whole.bytes, whole.speed], [size, 0]);
    await read;
    await watching.return();
  });

  test('sees how many seconds lie ahead of the player', { timeout: 60_000 }, async (t) => {
    const server = await startSlowOrigin({ folder: join(import.meta.dirname, '../../demo'), silence: 0, rate: 1e9 });
    t.after(() => server.close());
    const cache = await opened(t, { origins: { demo: server.url } });
    const film = `${server.url}/film.mp4`;
    const body = cache.open(film);
    let taken = 0;
    body.on('data', (bytes: Buffer) => {
      taken += bytes.length;
      if (taken > 800_000) body.pause();
    });
    for await (const { secondsAhead, line } of cache.watch(film, { interval: 0 })) {
      // Nothing lies ahead of a player that has just taken what there was.
      if (secondsAhead === null || secondsAhead === 0) continue;
      assert.ok(secondsAhead < 120, String(secondsAhead));
      assert.match(line ?? '', /Mbit\/s/);
      break;
    }
    body.destroy();
  });

  test('gets the newest picture where it looked away, and ends by its signal or with firstbyte', async (t) => {
    const { cache } = await serving(t);
    const watching = cache.watch(url, { interval: 0 });
    assert.equal((await watching.next()).value?.bytes, 0);
    await assertFilm(cache.open(url));
    assert.equal((await watching.next()).value?.bytes, size);
    const leave = new AbortController();
    const left = cache.watch(url, { signal: leave.signal });
    await left.next();
    const reason = new Error('no longer wanted');
    const waiting = left.next();
    leave.abort(reason);
    await assert.rejects(waiting, reason);
    const last = watching.next();
    await cache.close();
    assert.equal((await last).done, true);
  });
});

describe('a program that warms a film', () => {
  test('follows the bytes to the last', async (t) => {
    const { cache } = await serving(t);
    const steps: Array<{ bytes: number; total: number | null }> = [];
    assert.equal(await cache.warm(url, { onProgress: (step) => steps.push(step) }), size);
    assert.deepEqual(steps.at(-1), { bytes: size, total: size });
    assert.ok(steps.every(({ bytes }, index) => bytes >= (steps[index - 1]?.bytes ?? 0)));
  });

  test('gets the beginning alone, or the parts that it names', async (t) => {
    const { cache } = await serving(t);
    assert.equal(await cache.warm(url, { head: 300_000 }), 300_000);
    const ranges = [{ start: 2_900_000, end: null }];
    assert.equal(await cache.warm(url, { ranges }), 100_000);
    const held = await cache.cached(url);
    assert.ok(held !== null && held.bytes < size && held.present.length === 2);
  });

  test('hears of what its own function has thrown, which harms no player', async (t) => {
    for (const call of [1, 2]) {
      const { cache, origin } = await scripted(t);
      const bugs: string[] = [];
      cache.events.subscribe((event) => event.type === 'bug' && bugs.push(event.message));
      const leave = new AbortController();
      const thrown = new Error('no window to show it in');
      let calls = 0;
      const onProgress = () => {
        calls += 1;
        if (calls === call) throw thrown;
      };
      const warmed = cache.warm(url, { signal: leave.signal, onProgress });
      const read = assertFilm(cache.open(url));
      const request = await origin.nextRequest();
      request.head(200).bytes(100_000);
      await assert.rejects(warmed, thrown);
      leave.abort();
      request.bytes(size).end();
      await read;
      assert.deepEqual([bugs, calls], [[], call]);
    }
  });

  test('is told what it does not get, and may leave', async (t) => {
    const { cache, origin } = await scripted(t);
    const gone = cache.warm(`${base}/gone.mkv`);
    (await origin.nextRequest()).head(404, [['content-length', '0']]).end();
    await assert.rejects(gone, { name: 'MediaError', status: 404 });
    const leave = new AbortController();
    const reason = new Error('no longer wanted');
    const left = cache.warm(url, { signal: leave.signal });
    await origin.nextRequest();
    leave.abort(reason);
    await assert.rejects(left, reason);
  });
});

test('a program sees what is cached, keeps it, and removes it', async (t) => {
  const { cache } = await serving(t);
  assert.equal(await cache.cached(url), null);
  for (const name of ['a', 'b', 'c']) await cache.warm(`${base}/${name}.mkv`);
  const paths: string[] = [];
  for await (const { path } of cache.list({ sort: '-path' })) paths.push(path);
  assert.deepEqual(paths, ['/c.mkv', '/b.mkv', '/a.mkv']);
  assert.equal(await cache.pin(url), true);
  const pinned: string[] = [];
  for await (const { path } of cache.list({ pinned: true })) pinned.push(path);
  assert.deepEqual(pinned, ['/a.mkv']);
  assert.equal(await cache.pin(url, false), true);
  assert.equal(cache.usage().bytes, 3 * size);
  assert.equal(await cache.remove(url), true);
  assert.deepEqual([await cache.cached(url), await cache.remove(url)], [null, false]);
});

describe('a program that lets players come', () => {
  test('gives them URLs of its own, until it closes the address', async (t) => {
    const { cache } = await serving(t);
    let film = '';
    {
      await using players = await cache.listen();
      film = players.urlOf(url);
      assert.match(film, /^http:\/\/127\.0\.0\.1:\d+\/films\/a\.mkv$/);
      await assertFilm(contentOf(await fetch(film)));
      assert.equal((await fetch(`${players.address}-/`)).status, 404);
    }
    await assert.rejects(fetch(film), TypeError);
    await assertFilm(cache.open(url));
  });

  test('has no address left where it is closed meanwhile', async (t) => {
    const { cache } = await serving(t);
    const path = join(await mkdtemp(join(tmpdir(), 'firstbyte-embed-')), 'players.sock');
    t.after(() => rm(dirname(path), { recursive: true, force: true }));
    const [listening] = await Promise.allSettled([cache.listen({ path }), cache.close()]);
    assert.ok(listening.status === 'rejected' && listening.reason instanceof ClosedError);
    await assert.rejects(once(connect(path), 'connect'), { code: 'ENOENT' });
  });

  test('names the networks before it listens for other machines', async (t) => {
    const { cache } = await serving(t);
    await assert.rejects(cache.listen({ host: '0.0.0.0' }), ConfigError);
    const taken = await cache.listen();
    await assert.rejects(cache.listen({ port: Number(new URL(taken.address).port) }), { code: 'EADDRINUSE' });
  });
});

/** A server of the program's own. */
async function serverOf(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a program with a server of its own', () => {
  test('has films in it at a path that it chooses, and everything else as before', async (t) => {
    const { cache } = await serving(t);
    const films = cache.middleware({ prefix: '/media' });
    const home = await serverOf(t, (request, response) => {
      if (!request.url?.startsWith('/media/')) return void response.end('home');
      request.url = request.url.slice('/media'.length);
      films(request, response, () => response.writeHead(404).end('not here'));
    });
    await assertFilm(contentOf(await fetch(`${home}/media/films/a.mkv`)));
    assert.equal(await (await fetch(`${home}/`)).text(), 'home');
    for (const path of ['music/a.mp3', '-/api/v1/objects']) {
      assert.equal(await (await fetch(`${home}/media/${path}`)).text(), 'not here');
    }
    const folder = await fetch(`${home}/media/films`, { redirect: 'manual' });
    assert.deepEqual([folder.status, folder.headers.get('location')], [308, '/media/films/']);
  });

  test('has redirects of an origin lead to its own paths', async (t) => {
    const { cache, origin } = await scripted(t);
    const films = cache.middleware();
    const home = await serverOf(t, (request, response) => {
      Object.assign(request, { baseUrl: '/media', url: request.url?.slice('/media'.length) });
      films(request, response);
    });
    const asked = fetch(`${home}/media/films/old.m3u8`, { redirect: 'manual' });
    const location = `${base}/new/index.m3u8`;
    (await origin.nextRequest()).head(307, [['location', location], ['content-length', '0']]).end(); // biome-ignore format: one line reads best
    assert.equal((await asked).headers.get('location'), '/media/films/new/index.m3u8');
    assert.equal((await fetch(`${home}/media/music/a.mp3`)).status, 404);
  });
});

test('what a log throws is a bug, and harms no player', async (t) => {
  const log = () => {
    throw new Error('the disk of the log is full');
  };
  const { cache } = await serving(t, {}, { log });
  const bugs: string[] = [];
  cache.events.subscribe((event) => event.type === 'bug' && bugs.push(event.message));
  await using players = await cache.listen();
  const [answer] = await once(get(players.urlOf(url), { headers: { host: 'stranger.example' } }), 'response');
  answer.resume();
  assert.deepEqual([answer.statusCode, bugs], [421, ['Error: the disk of the log is full']]);
});

test('a directory is free again after a program has closed, though an origin of its own could not be closed', async (t) => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'firstbyte-embed-'));
  t.after(() => rm(cacheDir, { recursive: true, force: true }));
  const open = async () => assert.fail('nothing is asked for');
  const origin = { name: 'films', open, close: () => Promise.reject(new Error('it is stuck')) };
  const cache = await createFirstbyte({ cacheDir, origins: { films: { url: base, origin } } });
  await assert.rejects(cache.close(), /it is stuck/);
  await (await createFirstbyte({ cacheDir })).close();
});

describe('a server of a program that puts something around its replies', () => {
  /** As `compression` of Express does it: it calls no callback of a write, and has its own `drain`. */
  function packed(response: ServerResponse): ServerResponse {
    const { write, end, on } = response;
    const zip = createGzip();
    zip.on('data', (bytes) => write.call(response, bytes, 'utf8') || zip.pause());
    zip.on('end', () => end.call(response, undefined, 'utf8'));
    on.call(response, 'drain', () => zip.resume());
    response.removeHeader('content-length');
    const writeHead = response.writeHead.bind(response) as (status: number, fields: string[]) => ServerResponse;
    return Object.assign(response, {
      writeHead: (status: number, ...rest: unknown[]) => {
        const fields = (rest.at(-1) as string[]).slice();
        const at = fields.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length');
        if (at !== -1) fields.splice(at, 2);
        return writeHead(status, [...fields, 'content-encoding', 'gzip']);
      },
      write: (bytes: Buffer) => zip.write(bytes),
      end: (bytes?: Buffer | null) => {
        if (bytes) zip.write(bytes);
        zip.end();
        return response;
      },
      on: (type: string, listener: () => void) => {
        if (type === 'drain') zip.on(type, listener);
        else on.call(response, type, listener);
        return response;
      },
    });
  }

  test('gets every byte, and the end', { timeout: 20_000 }, async (t) => {
    const { cache } = await serving(t);
    const films = cache.middleware();
    const home = await serverOf(t, (request, response) => films(request, packed(response)));
    for (const _ of ['from the origin', 'from the cache'])
      await assertFilm(contentOf(await fetch(`${home}/films/a.mkv`)));
  });
});

test('a reply over a server of a program ends when firstbyte is closed, also where its client takes nothing', {
  timeout: 20_000,
}, async (t) => {
  const { cache } = await serving(t);
  const server = createServer(cache.middleware());
  const asked = once(server, 'request');
  const [near, far] = duplexPair();
  server.emit('connection', far);
  near.write('GET /films/a.mkv HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [, response] = await asked;
  await once(near, 'readable');
  await Promise.all([once(response, 'close'), cache.close()]);
  assert.equal(response.writableFinished, false);
  await nextTurn();
});

test('a server of a program lives on after firstbyte is closed', async (t) => {
  const { cache } = await serving(t);
  const home = await serverOf(t, cache.middleware());
  await cache.close();
  const reply = await fetch(`${home}/films/a.mkv`);
  assert.deepEqual([reply.status, reply.headers.get('connection')], [503, 'close']);
  assert.match(await reply.text(), /^firstbyte is shutting down\./);
});

describe('connections in memory', () => {
  test('lead undici here', async (t) => {
    const { cache } = await serving(t);
    const dispatcher = new Agent({ connect: cache.connector as never });
    t.after(() => dispatcher.destroy());
    const { statusCode, body } = await request('http://localhost/films/a.mkv', { dispatcher });
    assert.equal(statusCode, 200);
    await assertFilm(body);
  });

  test('of a program are served under undici, which may leave in the middle', async (t) => {
    const { cache } = await serving(t);
    const connect = (_: unknown, callback: (error: null, socket: unknown) => void) => {
      const [near, far] = duplexPair();
      cache.serve(far);
      setImmediate(() => callback(null, near));
    };
    const dispatcher = new Agent({ connect: connect as never });
    t.after(() => dispatcher.destroy());
    const done = Promise.withResolvers<string>();
    cache.events.subscribe((event) => event.type === 'request-done' && done.resolve(event.outcome));
    const left = await request('http://localhost/films/a.mkv', { dispatcher });
    left.body.on('error', () => {}).destroy();
    assert.equal(await done.promise, 'gone');
    const { body } = await request('http://localhost/films/a.mkv', { dispatcher });
    await assertFilm(body);
  });
});

describe('a URL that is handed in', () => {
  test('plays for a while at a path that every method takes', async (t) => {
    const server = new HttpOriginServer({ clock: systemClock, films: { '/x.mkv': title } });
    t.after(() => server.close());
    const address = `http://127.0.0.1:${await server.listen()}/x.mkv?token=secret`;
    const cache = await opened(t);
    assert.throws(() => cache.addSource(address), SourceError);
    const { id, play, host } = cache.addSource(address, {
      network: 'private',
      headers: { Referer: 'https://x.example/' },
    });
    assert.match(play, /^\/~\/[\w-]{32}\/x\.mkv$/);
    assert.equal(host, new URL(address).host);
    await assertFilm(cache.open(play));
    assert.deepEqual(server.requests[0]?.fields.filter(([name]) => name === 'referer'), [['referer', 'https://x.example/']]); // biome-ignore format: one line reads best
    assert.equal((await cache.cached(play))?.bytes, size);
    await using players = await cache.listen();
    await assertFilm(contentOf(await fetch(players.urlOf(play))));
    assert.equal(cache.removeSource(id), true);
    assert.equal((await cache.fetch(play)).status, 404);
    assert.throws(() => cache.addSource('ftp://x.example/a'), SourceError);
  });

  test('is refused with what is wrong of it, and never with a secret', async (t) => {
    const cache = await opened(t);
    const wrong: [options: object, right: RegExp][] = [
      [{ ttl: '6h' }, /^SourceError: ttl: "6h" is not a whole number of milliseconds above 0\.$/],
      [{ ttl: Number.NaN }, /^SourceError: ttl: /],
      [{ name: '..' }, /^SourceError: name: "\.\." is not a file name/],
      [{ name: '\ud800' }, /^SourceError: name: /],
      [{ refresh: 'nonsense' }, /^SourceError: refresh is not an http or https URL\.$/],
      [{ refresh: 'file:///etc/passwd' }, /^SourceError: refresh is not an http or https URL\.$/],
      [{ network: 'Public' }, /^SourceError: network: "Public" is not public or private\.$/],
      [
        { headers: { range: 'bytes=0-' } },
        /^SourceError: headers: "range" is no field, or one that firstbyte sets itself\.$/,
      ],
      [
        { headers: { 'x-token': 'secret\r\nx: y' } },
        /^SourceError: headers: that of x-token is not a text of visible ASCII characters\.$/,
      ],
    ];
    for (const [options, right] of wrong) {
      assert.throws(
        () => cache.addSource('https://media.example/a.mkv', options),
        (error) => right.test(String(error)),
      );
    }
  });
});

test('every error of the library has a code of its own', () => {
  const errors: FirstbyteError[] = [new ClosedError(), new CutError(''), new MediaError(404, ''), new SourceError('')];
  assert.deepEqual(
    errors.map(({ code, name }) => `${name} ${code}`),
    [
      'ClosedError FIRSTBYTE_CLOSED',
      'CutError FIRSTBYTE_CUT',
      'MediaError FIRSTBYTE_MEDIA',
      'SourceError FIRSTBYTE_SOURCE',
    ],
  );
  assert.ok(errors.every((error) => error instanceof FirstbyteError));
});
