import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ClosedError, CutError, UnknownOriginError } from '../../src/index.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { assertFilm, base, contentOf, opened, scripted, serving, size, url } from './stage.ts';

describe('a program that fetches a film', () => {
  test('gets every byte, and the next time from the cache', async (t) => {
    const { cache, origin } = await serving(t);
    const first = await cache.fetch(url);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('content-length'), String(size));
    await assertFilm(contentOf(first));
    const asked = origin.requests.length;
    const again = await cache.fetch(new Request(url));
    assert.match(again.headers.get('cache-status') ?? '', /;\s*hit/);
    await assertFilm(contentOf(again));
    assert.equal(origin.requests.length, asked);
  });

  test('gets the range that it asks for', async (t) => {
    const { cache } = await serving(t);
    const reply = await cache.fetch(url, { headers: { range: 'bytes=1000000-1999999' } });
    assert.equal(reply.status, 206);
    assert.equal(reply.headers.get('content-range'), `bytes 1000000-1999999/${size}`);
    await assertFilm(contentOf(reply), 1_000_000, 2_000_000);
  });

  test('gets replies without content for HEAD and for a condition that holds', async (t) => {
    const { cache } = await serving(t);
    const head = await cache.fetch(url, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.headers.get('content-length')], [200, null, String(size)]);
    const etag = head.headers.get('etag') ?? '';
    const known = await cache.fetch(url, { headers: { 'if-none-match': etag } });
    assert.deepEqual([known.status, known.body], [304, null]);
  });

  test('gets the answer of the origin, whatever its status', async (t) => {
    const { cache, origin } = await scripted(t);
    const asked = cache.fetch(`${base}/gone.mkv`);
    (await origin.nextRequest()).head(404, [['content-length', '0']]).end();
    assert.equal((await asked).status, 404);
  });

  test('is led on by a redirect of the origin, and told where it came to', async (t) => {
    const { cache, origin } = await scripted(t);
    const asked = cache.fetch(`${base}/old.m3u8`);
    const location = 'new/index.m3u8?x=1';
    (await origin.nextRequest()).head(307, [['location', location], ['content-length', '0']]).end(); // biome-ignore format: one line reads best
    const led = await origin.nextRequest();
    assert.equal(led.target, '/new/index.m3u8?x=1');
    led.head(200, [['content-length', '7'], ['content-type', 'text/plain']]).bytes(Buffer.from('#EXTM3U')).end(); // biome-ignore format: one line reads best
    const reply = await asked;
    assert.deepEqual([reply.url, reply.redirected, await reply.text()], [`${base}/${location}`, true, '#EXTM3U']);
  });

  test('is led on no more than twenty times, and not at all where it does not want to be', async (t) => {
    const { cache, origin } = await scripted(t);
    const location = `${base}/again.m3u8`;
    void (async () => {
      for (;;) (await origin.nextRequest()).head(302, [['location', location], ['content-length', '0']]).end(); // biome-ignore format: one line reads best
    })();
    const last = await cache.fetch(`${base}/a.m3u8`);
    assert.deepEqual([last.status, origin.requests.length], [302, 21]);
    await assert.rejects(cache.fetch(`${base}/a.m3u8`, { redirect: 'error' }), { name: 'MediaError', status: 302 });
  });

  test('is told where a redirect leads to where no origin is, or where it wants to know', async (t) => {
    const { cache, origin } = await scripted(t);
    const elsewhere = cache.fetch(`${base}/old.m3u8`);
    const cdn = 'https://cdn.example/x';
    (await origin.nextRequest()).head(307, [['location', cdn], ['content-length', '0']]).end(); // biome-ignore format: one line reads best
    assert.deepEqual([(await elsewhere).status, (await elsewhere).headers.get('location')], [307, cdn]);
    const asked = cache.fetch(`${base}/old.m3u8`, { redirect: 'manual' });
    const location = `${base}/new/index.m3u8`;
    (await origin.nextRequest()).head(307, [['location', location], ['content-length', '0']]).end(); // biome-ignore format: one line reads best
    const reply = await asked;
    assert.deepEqual([reply.status, reply.headers.get('location')], [307, location]);
  });

  test('names a film by its path at firstbyte, too', async (t) => {
    const { cache } = await serving(t);
    await assertFilm(contentOf(await cache.fetch('/films/a.mkv')));
    assert.notEqual(await cache.cached(url), null);
  });

  test('may write the path as people do, and means the same by it wherever it is written', async (t) => {
    const { cache, origin } = await serving(t);
    for (const name of ['Der große Film.mkv', '日本 1%.mkv', 'a.mkv#t=10']) {
      await assertFilm(contentOf(await cache.fetch(`/films/${name}`)));
      const { pathname } = new URL(`${base}/${name}`);
      assert.equal(origin.requests.at(-1)?.target, pathname.slice('/films'.length), name);
      assert.notEqual(await cache.cached(`/films/${name}`), null);
      assert.notEqual(await cache.cached(`${base}/${name}`), null);
    }
  });

  test('hears of a request that can not be written as of any that got no answer', async (t) => {
    const { cache } = await serving(t);
    await assert.rejects(cache.fetch(url, { headers: { 'x-note': 'a\u0001b' } }), CutError);
  });

  test('is told which origins there are where its URL lies below none', async (t) => {
    const { cache } = await serving(t);
    const lost = cache.fetch('https://media.example/filmstock/a.mkv?token=secret');
    await assert.rejects(lost, (error) => {
      assert.ok(error instanceof UnknownOriginError && error.code === 'FIRSTBYTE_UNKNOWN_ORIGIN');
      assert.match(error.message, /the origins are: https:\/\/media\.example\/films\./);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  test('may leave before there is an answer, with its own reason', async (t) => {
    const { cache, origin } = await scripted(t);
    const leave = new AbortController();
    const asked = cache.fetch(url, { signal: leave.signal });
    const request = await origin.nextRequest();
    const reason = new Error('no longer wanted');
    leave.abort(reason);
    await assert.rejects(asked, reason);
    assert.ok(request.live, 'what was begun is kept for a moment: the next player may want it');
  });

  test('may leave in the middle of a film, with its own reason', async (t) => {
    const { cache, origin } = await scripted(t);
    const leave = new AbortController();
    const asked = cache.fetch(url, { signal: leave.signal });
    (await origin.nextRequest()).head(200).bytes(100_000);
    const pieces = contentOf(await asked).values();
    assert.equal((await pieces.next()).done, false);
    const reason = new Error('no longer wanted');
    const done = once(leave.signal, 'abort');
    leave.abort(reason);
    await done;
    await assert.rejects(async () => {
      while (!(await pieces.next()).done);
    }, reason);
  });

  test('ends its request where it cancels the content', async (t) => {
    const { cache, origin } = await scripted(t);
    const done = Promise.withResolvers<string>();
    cache.events.subscribe((event) => event.type === 'request-done' && done.resolve(event.outcome));
    const asked = cache.fetch(url);
    (await origin.nextRequest()).head(200).bytes(100_000);
    await contentOf(await asked).cancel();
    assert.equal(await done.promise, 'gone');
  });

  test('is never told that a film has ended whose rest can not be had', async (t) => {
    const { cache, origin } = await scripted(t, { healTimeout: '20ms', retryInitial: '1ms', retryMax: '5ms' });
    const asked = cache.fetch(url);
    (await origin.nextRequest()).head(200).bytes(100_000).cut();
    void (async () => {
      for (;;) (await origin.nextRequest()).head(200).cut();
    })();
    const reply = await asked;
    await assert.rejects(assertFilm(contentOf(reply)), (error) => error instanceof CutError);
  });

  test('is refused a method that changes something, where the origin does not name it', async (t) => {
    const { cache, origin } = await scripted(t);
    const refused = await cache.fetch(`${base}/note.txt`, { method: 'PUT', body: 'hello' });
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD, OPTIONS, PROPFIND']);
    assert.equal(origin.requests.length, 0);
  });

  test('sends content with a method that the origin names', async (t) => {
    const server = createServer();
    const got = Promise.withResolvers<string>();
    server.on('request', async (request, response) => {
      got.resolve(`${request.method} ${request.url} ${await text(request)}`);
      response.writeHead(201).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cache = await opened(t, { origins: { notes: { url: home, methods: ['PUT'] } } });
    const reply = await cache.fetch(`${home}/note.txt`, { method: 'PUT', body: 'hello' });
    assert.deepEqual([reply.status, await got.promise], [201, 'PUT /note.txt hello']);
  });

  test('whose signal has aborted before asks for nothing', async (t) => {
    const { cache, origin } = await scripted(t);
    const reason = new Error('no longer wanted');
    await assert.rejects(cache.fetch(url, { signal: AbortSignal.abort(reason) }), reason);
    assert.equal(origin.requests.length, 0);
  });

  test('hears that firstbyte was closed, in the middle and afterwards', async (t) => {
    const { cache, origin } = await scripted(t);
    const asked = cache.fetch(url);
    (await origin.nextRequest()).head(200).bytes(100_000);
    const reply = await asked;
    const read = assertFilm(contentOf(reply));
    const waiting = cache.fetch(`${base}/b.mkv`);
    await Promise.all([
      assert.rejects(read, (error) => error instanceof ClosedError),
      assert.rejects(waiting, (error) => error instanceof ClosedError && error.code === 'FIRSTBYTE_CLOSED'),
      origin.nextRequest().then(() => cache.close()),
    ]);
    await assert.rejects(cache.fetch(url), (error) => error instanceof ClosedError);
    assert.throws(() => cache.serve(contentOf as never), ClosedError);
  });
});

/** Runs a program in a process of its own; gives what it has said. */
async function said(program: string, ...flags: string[]): Promise<string> {
  const library = JSON.stringify(join(import.meta.dirname, '../../src/index.ts'));
  const whole = `import { createFirstbyte } from ${library};\n${program}`;
  // Such flags would end a thread that has a file of its own.
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', whole]);
  return stdout;
}

test('a program that waits for nothing but firstbyte lives until it has its answer, and no longer', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  taken.close();
  await once(taken, 'close');
  const program = `
    const cache = await createFirstbyte({
      cacheDir: ${JSON.stringify(await temporaryDirectory(t))},
      origins: { films: 'http://127.0.0.1:${port}' }, firstByteTimeout: '300ms',
    });
    const reply = await cache.fetch('http://127.0.0.1:${port}/a.mkv');
    console.log(reply.status, await reply.text());
    await cache.close();`;
  assert.match(await said(program), /^502 .*refused/);
});

test('a program that has looked at one picture, and does not come back for another, ends', async () => {
  const program = `
    const cache = await createFirstbyte({ origins: { films: 'https://media.example' } });
    const { value } = await cache.watch('https://media.example/a.mkv').next();
    await cache.close();
    console.log(value.state);`;
  assert.equal(await said(program), 'idle\n');
});

test('a signal is heard, whatever of the requests that carry it has been collected', async () => {
  const program = `
    const replies = {
      '/old': { status: 302, fields: [['location', '/new'], ['content-length', '0']], closeDelimited: false, body: { read: async () => null, cancel() {} } },
      '/new': { status: 200, fields: [['content-length', '9']], closeDelimited: false, body: { read: () => new Promise(() => {}), cancel() {} } },
    };
    const origin = { name: 'films', open: async ({ target }) => replies[target], close: async () => {} };
    const url = 'https://media.example';
    const cache = await createFirstbyte({ drainTimeout: '0s', origins: { films: { url, origin, cache: 'rfc9111' } } });
    const asked = [
      (signal) => cache.fetch(url + '/old', { signal }),
      (signal) => cache.fetch(new Request(url + '/new', { signal })),
      (signal) => cache.fetch(url + '/new', new Request(url, { signal })),
    ];
    for (const ask of asked) {
      const leave = new AbortController();
      const read = ask(leave.signal).then((reply) => reply.text());
      // Whatever is to be collected is so after some turns.
      for (let turn = 0; turn < 20; turn += 1) {
        await new Promise(setImmediate);
        gc();
      }
      leave.abort(new Error('left'));
      await read.catch(({ message }) => console.log(message));
    }
    await cache.close();`;
  assert.equal(await said(program, '--expose-gc'), 'left\n'.repeat(3));
});
