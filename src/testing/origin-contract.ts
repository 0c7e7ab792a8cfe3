/**
 * What every `Origin` must do, whatever it speaks, as tests of `node:test`.
 *
 *     originContract('my origin', async () => ({ origin, next: () => the next request that arrives, … }));
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProxyError } from '../errors.ts';
import type { Fields } from '../http/fields.ts';
import type { Origin, OriginBody, OriginReply } from '../origin/origin.ts';

/** The far side of one request, played by the test. */
export interface Peer {
  readonly target: string;
  readonly fields: Fields;
  /** Gives the head of an answer whose body will have `length` bytes. */
  head(status: number, fields: Fields, length: number): void;
  /** Gives bytes of the body; resolves when the network has taken them, or the request is gone. */
  bytes(bytes: Buffer): Promise<void>;
  /** Breaks off, in the middle of whatever it was. */
  cut(): void;
  /** Resolves when the origin has given the request up. */
  readonly gone: Promise<void>;
}

/** An origin, and what is behind it. */
export interface OriginBench extends AsyncDisposable {
  readonly origin: Origin;
  /** The next request that arrives. */
  next(): Promise<Peer>;
}

/** Far more than a kernel keeps for one connection, in bytes. */
const flood = 64 * 1024 * 1024;
const kernelLimit = 32 * 1024 * 1024;

/** Declares the tests; `makeBench` is called for each. */
export function originContract(name: string, makeBench: () => Promise<OriginBench>): void {
  const fact = (sentence: string, check: (bench: OriginBench) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      await using bench = await makeBench();
      await check(bench);
    });

  fact('target and fields arrive as they were given', async (bench) => {
    const target = '//films/../a%20b?token=1&x=%2F';
    const { peer, reply } = await ask(bench, { target, fields: [['range', 'bytes=5-']] });
    assert.equal(peer.target, target);
    assert.deepEqual(valuesOf(peer.fields, 'range'), ['bytes=5-']);
    peer.head(200, [], 0);
    await reply;
  });

  fact('status and fields come as they were sent, names in lower case, duplicates in order', async (bench) => {
    const { peer, reply } = await ask(bench);
    peer.head(206, [['X-Two', 'a'], ['ETag', '"v1"'], ['X-Two', 'b']], 3); // biome-ignore format: one line reads best
    const { status, fields, closeDelimited } = await reply;
    assert.equal(status, 206);
    assert.deepEqual(valuesOf(fields, 'x-two'), ['a', 'b']);
    assert.deepEqual(valuesOf(fields, 'etag'), ['"v1"']);
    assert.equal(closeDelimited, false);
  });

  fact('a connection is announced once, before the head', async (bench) => {
    let announced = 0;
    const opened = bench.origin.open(
      { target: '/', fields: [], onConnected: () => announced++ },
      new AbortController().signal,
    );
    const peer = await bench.next();
    peer.head(200, [], 0);
    await opened;
    assert.equal(announced, 1);
  });

  fact('one landed byte is read at once, before the next exists', async (bench) => {
    const { peer, body } = await answered(bench, 3);
    for (const byte of ['a', 'b', 'c']) {
      void peer.bytes(Buffer.from(byte));
      assert.equal((await body.read())?.toString(), byte);
    }
    assert.equal(await body.read(), null);
  });

  fact('a read that waits gets the bytes when they land', async (bench) => {
    const { peer, body } = await answered(bench, 2);
    const waiting = body.read();
    void peer.bytes(Buffer.from('ok'));
    assert.equal((await waiting)?.toString(), 'ok');
  });

  fact('an empty body ends at once, and goes on having ended', async (bench) => {
    const { body } = await answered(bench, 0);
    assert.equal(await body.read(), null);
    assert.equal(await body.read(), null);
  });

  fact('bytes arrive whole and in order', async (bench) => {
    const sent = Buffer.alloc(3_000_017, 'a prime number of bytes');
    const { peer, body } = await answered(bench, sent.length);
    void peer.bytes(sent);
    assert.ok((await readAll(body)).equals(sent));
  });

  fact('a body that was cut gives what landed, then rejects, and never ends', async (bench) => {
    const { peer, body } = await answered(bench, 10);
    await peer.bytes(Buffer.from('half'));
    assert.equal((await body.read())?.toString(), 'half');
    peer.cut();
    await assert.rejects(body.read(), isCut);
    await assert.rejects(body.read(), isCut);
  });

  fact('no head but a cut is a rejection that can be tried again', async (bench) => {
    const { peer, reply } = await ask(bench);
    peer.cut();
    await assert.rejects(reply, isCut);
  });

  fact('a signal that has aborted before sends nothing', async (bench) => {
    const reason = new Error('before');
    let announced = 0;
    const opened = bench.origin.open(
      { target: '/', fields: [], onConnected: () => announced++ },
      AbortSignal.abort(reason),
    );
    await assert.rejects(opened, reason);
    assert.equal(announced, 0);
  });

  fact('an abort before the head rejects with its reason and gives the request up', async (bench) => {
    const reason = new Error('enough');
    const { peer, reply, abort } = await ask(bench);
    abort(reason);
    await assert.rejects(reply, reason);
    await peer.gone;
  });

  fact('an abort in the body rejects the read that waits, and every later one', async (bench) => {
    const reason = new Error('enough');
    const { peer, body, abort } = await answered(bench, 10);
    const waiting = body.read();
    abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(body.read(), reason);
    await peer.gone;
  });

  fact('an abort after the end changes nothing', async (bench) => {
    const { body, abort } = await answered(bench, 0);
    assert.equal(await body.read(), null);
    abort(new Error('too late'));
    assert.equal(await body.read(), null);
  });

  fact('a body that is given up rejects the read that waits and lets the request go', async (bench) => {
    const { peer, body } = await answered(bench, 10);
    const waiting = body.read();
    body.cancel();
    await assert.rejects(waiting);
    await assert.rejects(body.read());
    await peer.gone;
  });

  fact('giving up after the end changes nothing', async (bench) => {
    const { body } = await answered(bench, 0);
    assert.equal(await body.read(), null);
    body.cancel();
    assert.equal(await body.read(), null);
  });

  fact('a second read at a time is refused, and the first still gets its bytes', async (bench) => {
    const { peer, body } = await answered(bench, 2);
    const first = body.read();
    await assert.rejects(body.read());
    void peer.bytes(Buffer.from('ok'));
    assert.equal((await first)?.toString(), 'ok');
  });

  fact('what is not read stays in the network', async (bench) => {
    const stalled = await answered(bench, flood);
    let taken = 0;
    const piece = Buffer.alloc(1024 * 1024);
    const pouring = (async () => {
      for (let rest = flood; rest > 0; rest -= piece.length) {
        await stalled.peer.bytes(piece);
        taken += piece.length;
      }
    })();
    const other = await answered(bench, flood);
    void other.peer.bytes(Buffer.alloc(flood));
    await readAll(other.body);
    assert.ok(taken < kernelLimit, `${taken} bytes were taken while nobody read`);
    assert.equal((await readAll(stalled.body)).length, flood);
    await pouring;
  });

  fact('closing rejects what waits and what comes after', async (bench) => {
    const { body } = await answered(bench, 10);
    const waiting = body.read();
    const rejected = assert.rejects(waiting);
    await bench.origin.close();
    await rejected;
    await assert.rejects(bench.origin.open({ target: '/', fields: [] }, new AbortController().signal));
  });
}

/** The values of one field, in order. */
function valuesOf(fields: Fields, wanted: string): string[] {
  return fields.filter(([name]) => name === wanted).map(([, value]) => value);
}

async function readAll(body: OriginBody): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const bytes = await body.read();
    if (bytes === null) return Buffer.concat(pieces);
    pieces.push(Buffer.from(bytes));
  }
}

function isCut(error: unknown): boolean {
  return error instanceof ProxyError && error.retryable;
}

interface Asked {
  readonly peer: Peer;
  readonly reply: Promise<OriginReply>;
  abort(reason: Error): void;
}

async function ask({ origin, next }: OriginBench, request: { target?: string; fields?: Fields } = {}): Promise<Asked> {
  const controller = new AbortController();
  const reply = origin.open({ target: '/film', fields: [], ...request }, controller.signal);
  return { peer: await next(), reply, abort: (reason) => controller.abort(reason) };
}

async function answered(bench: OriginBench, length: number): Promise<Asked & { readonly body: OriginBody }> {
  const asked = await ask(bench);
  asked.peer.head(200, [], length);
  const { body } = await asked.reply;
  return { ...asked, body };
}
