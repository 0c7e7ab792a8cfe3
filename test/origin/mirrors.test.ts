/** Several bases as one origin: who is asked, what is believed, and when a base is tried again. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { ProxyError } from '../../src/errors.ts';
import { EventBus, type FailoverEvent } from '../../src/events.ts';
import type { Fields } from '../../src/http/fields.ts';
import { mirroredOrigin } from '../../src/origin/mirrors.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import { originContract } from '../../src/testing/origin-contract.ts';
import { Film } from '../support/film.ts';
import { etagOf, filmFields } from '../support/film-fields.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { contractBench, isProxyError, originAt } from './bench.ts';
import { RawServer } from './raw-server.ts';

originContract('mirrors, the first of which refuses', async () => {
  const server = await RawServer.listen();
  const gone = await RawServer.listen();
  const bases = [gone, server].map(({ port }) => ({ host: `127.0.0.1:${port}`, origin: originAt(port) }));
  await gone[Symbol.asyncDispose]();
  const shared = { clock: systemClock, events: new EventBus(), firstByteTimeout: 30_000 };
  return contractBench(mirroredOrigin({ name: 'films', bases, ...shared }), server);
});

const film = new Film(1000, 1);
const other = new Film(1000, 2);
const refused = () => new ProxyError('connection_refused', 'No.');

/** What a base does with a request. */
type Play = (request: ScriptedRequest) => unknown;

/** Bases that do what they are told, as one. */
class Bench {
  readonly clock = new VirtualClock();
  readonly events: FailoverEvent[] = [];
  readonly bases: readonly ScriptedOrigin[];
  readonly origin: Origin;

  constructor(count = 2) {
    const events = new EventBus();
    events.subscribe((event) => event.type === 'failover' && this.events.push(event));
    this.bases = Array.from({ length: count }, () => new ScriptedOrigin(film));
    const bases = this.bases.map((origin, index) => ({ host: 'abc'[index] ?? '', origin }));
    this.origin = mirroredOrigin({ name: 'films', bases, clock: this.clock, events, firstByteTimeout: 30_000 });
  }

  /** Asks; `plays` is what each base does with its next request, in order. */
  ask(fields: Fields, ...plays: readonly Play[]): Promise<OriginReply> {
    return this.askFor('/a', fields, ...plays);
  }

  async askFor(target: string, fields: Fields, ...plays: readonly Play[]): Promise<OriginReply> {
    const before = this.counts;
    const reply = this.origin.open({ target, fields }, new AbortController().signal);
    reply.catch(() => {});
    await this.clock.settle();
    const played = new Set<ScriptedRequest>();
    for (let rounds = 0; rounds <= plays.length; rounds += 1) {
      for (const [index, base] of this.bases.entries()) {
        for (const request of base.requests.slice(before[index])) {
          if (!played.has(request)) plays[index]?.(request);
          played.add(request);
        }
      }
      await this.clock.settle();
    }
    return this.clock.advanceUntil(reply);
  }

  get counts(): number[] {
    return this.bases.map(({ requests }) => requests.length);
  }

  get switches(): string[] {
    return this.events.map(({ from, to, cause }) => `${from}→${to} ${cause}`);
  }
}

const right = (request: ScriptedRequest) => request.head();
const broken = (status: number) => (request: ScriptedRequest) => request.head(status, [['content-length', '0']]);
const holding =
  (version: Film, status = 200) =>
  (request: ScriptedRequest) =>
    request.head(status, filmFields(version, status));
const refuse = (request: ScriptedRequest) => request.refuse(refused());
const tagOf = ({ fields }: OriginReply) => fields.find(([name]) => name === 'etag')?.[1];
const more: Fields = [['range', 'bytes=100-'], ['if-range', etagOf(film)]]; // biome-ignore format: one line reads best
const current: Fields = [['if-none-match', etagOf(film)]];

suite('the next base is asked within the same request', () => {
  const troubles: Record<string, [play: (request: ScriptedRequest) => unknown, cause: string]> = {
    'can not be reached': [refuse, 'unreachable'],
    'hangs up': [(request) => request.refuse(new ProxyError('connection_terminated', 'Cut.')), 'reset'],
    'does not connect in time': [(request) => request.refuse(new ProxyError('connection_timeout', 'Late.')), 'timeout'],
    'answers 502': [broken(502), 'status'],
    'answers 503': [broken(503), 'status'],
    'answers 202': [broken(202), 'status'],
    'answers 504': [broken(504), 'status'],
    'has no such file': [broken(404), 'gone'],
  };
  for (const [trouble, [play, cause]] of Object.entries(troubles)) {
    test(`where one ${trouble}`, async () => {
      const bench = new Bench();
      assert.equal((await bench.ask([], play, right)).status, 206);
      assert.deepEqual(bench.switches, [`a→b ${cause}`]);
      assert.equal(bench.clock.pending, 0);
    });
  }

  test('where one is silent for its share of the wait, beside it; the first head counts, the other is given up', async () => {
    const bench = new Bench();
    const reply = bench.origin.open({ target: '/a', fields: [] }, new AbortController().signal);
    await bench.clock.advance(14_999);
    assert.deepEqual(bench.counts, [1, 0]);
    await bench.clock.advance(1);
    assert.deepEqual([bench.counts, bench.switches], [[1, 1], ['a→b timeout']]); // biome-ignore format: one line reads best
    const [[late], [quick]] = bench.bases.map(({ requests }) => requests) as [ScriptedRequest[], ScriptedRequest[]];
    quick?.head();
    assert.equal((await bench.clock.advanceUntil(reply)).status, 206);
    assert.ok(late?.aborted);
    assert.equal((await bench.ask([], right, right)).status, 206);
    assert.deepEqual(bench.counts, [1, 2], 'the late one is left alone');
  });

  test('but one that is late and answers first is not left', async () => {
    const bench = new Bench();
    const reply = bench.origin.open({ target: '/a', fields: [] }, new AbortController().signal);
    await bench.clock.advance(20_000);
    bench.bases[0]?.requests[0]?.head();
    await bench.clock.advanceUntil(reply);
    assert.ok(bench.bases[1]?.requests[0]?.aborted);
    await bench.ask([], right, right);
    assert.deepEqual(bench.counts, [2, 1]);
  });

  test('other answers are passed on as they are', async () => {
    for (const status of [401, 403, 429, 500]) {
      const bench = new Bench();
      assert.equal((await bench.ask([], broken(status), right)).status, status);
      assert.deepEqual(bench.counts, [1, 0]);
    }
  });

  test('where all are broken, what one said comes before that another could not be reached', async () => {
    const bench = new Bench();
    assert.equal((await bench.ask([], refuse, broken(503))).status, 503);
    await assert.rejects(new Bench().ask([], refuse, refuse), isProxyError('connection_refused'));
  });

  test('a connection is announced once, however many there were', async () => {
    const bench = new Bench();
    let announced = 0;
    const request = { target: '/a', fields: [], onConnected: () => announced++ };
    const reply = bench.origin.open(request, new AbortController().signal);
    await bench.clock.advance(15_000);
    for (const base of bench.bases) base.requests[0]?.head();
    await reply;
    assert.equal(announced, 1);
  });

  test('an abort by the caller gives every request up', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const reply = bench.origin.open({ target: '/a', fields: [] }, abort.signal);
    await bench.clock.advance(16_000);
    abort.abort(new Error('enough'));
    await assert.rejects(reply, /enough/);
    assert.ok(bench.bases.every(({ requests }) => requests[0]?.aborted));
    assert.equal(bench.clock.pending, 0);
  });
});

suite('a base that failed', () => {
  test('is left alone for 10 s, for longer each time, then tried by real work and preferred again', async () => {
    const bench = new Bench();
    await bench.ask([], refuse, right);
    await bench.clock.advance(9999);
    await bench.ask([], right, right);
    assert.deepEqual(bench.counts, [1, 2]);
    await bench.clock.advance(1);
    await bench.ask([], refuse, right);
    assert.deepEqual(bench.counts, [2, 3]);
    await bench.clock.advance(19_999);
    await bench.ask([], right, right);
    assert.deepEqual(bench.counts, [2, 4]);
    await bench.clock.advance(1);
    await bench.ask([], right, right);
    await bench.ask([], right, right);
    assert.deepEqual(bench.counts, [4, 4]);
  });

  test('has failed once where several requests failed at one time', async () => {
    const bench = new Bench();
    const ask = () => bench.origin.open({ target: '/a', fields: [] }, new AbortController().signal);
    const replies = [ask(), ask(), ask()];
    await bench.clock.settle();
    for (const request of bench.bases[0]?.requests ?? []) refuse(request);
    await bench.clock.settle();
    for (const request of bench.bases[1]?.requests ?? []) right(request);
    await Promise.all(replies);
    await bench.clock.advance(10_000);
    await bench.ask([], refuse, right);
    await bench.clock.advance(20_000);
    await bench.ask([], right, right);
    assert.deepEqual(bench.counts, [5, 4]);
  });

  test('is still asked where no other is well', async () => {
    const bench = new Bench();
    await assert.rejects(bench.ask([], refuse, refuse));
    assert.equal((await bench.ask([], right, refuse)).status, 206);
  });

  test('by one target is asked first for all others, unless two of them fail in a row', async () => {
    const bench = new Bench();
    const hangsUp = (request: ScriptedRequest) => request.refuse(new ProxyError('connection_terminated', 'Cut.'));
    const ask = (target: string, ...plays: readonly Play[]) => bench.askFor(target, [], ...plays);
    await ask('/bad', hangsUp, right);
    assert.deepEqual(bench.counts, [1, 1]);
    await ask('/bad?again', right, right);
    assert.deepEqual(bench.counts, [1, 2], 'not for the same');
    await ask('/good', right, right);
    assert.deepEqual(bench.counts, [2, 2]);
    await ask('/bad', right, hangsUp);
    assert.deepEqual(bench.counts, [3, 3], 'the other fails too');
    await ask('/worse', hangsUp, right);
    await ask('/worst', hangsUp, right);
    await ask('/good', right, right);
    assert.deepEqual(bench.counts, [5, 6], 'now it is the base');
  });

  test('to be connected to is asked first for nothing', async () => {
    const bench = new Bench();
    await bench.askFor('/bad', [], refuse, right);
    await bench.askFor('/good', [], right, right);
    assert.deepEqual(bench.counts, [1, 2]);
  });

  test('in mid-body is not the first to be asked for the rest', async () => {
    const bench = new Bench();
    const { body } = await bench.ask([], (request) => request.head().bytes(100).cut());
    assert.equal((await body.read())?.length, 100);
    await assert.rejects(body.read(), isProxyError('connection_terminated'));
    assert.deepEqual(bench.switches, ['a→b reset']);
    await bench.ask(more, right, right);
    assert.deepEqual(bench.counts, [1, 1]);
  });

  test('has not failed where the reader gave the body up', async () => {
    const bench = new Bench();
    const { body } = await bench.ask([], right);
    const waiting = body.read();
    body.cancel();
    await assert.rejects(waiting);
    await bench.ask([], right, right);
    assert.deepEqual([bench.counts, bench.switches], [[2, 0], []]); // biome-ignore format: one line reads best
  });
});

suite('bases with different versions', () => {
  for (const [how, play] of [
    ['as a 200', holding(other)],
    ['as a 206', (request: ScriptedRequest) => request.head(206, filmFields(other, 206, 100))],
    ['as a 416', (request: ScriptedRequest) => request.head(416, filmFields(other, 416))],
  ] as const) {
    test(`more of one comes from the base that has it; another ${how} counts as a failure of its base`, async () => {
      const bench = new Bench();
      assert.equal(tagOf(await bench.ask(more, play, right)), etagOf(film));
      assert.deepEqual(bench.switches, ['a→b version']);
      await bench.ask(more, right, right);
      assert.deepEqual(bench.counts, [1, 2], 'it is not asked for that version again');
      await bench.ask([], right, right);
      assert.deepEqual(bench.counts, [2, 2], 'but for others it is');
    });
  }

  test('another is taken when no base has the wanted one', async () => {
    const bench = new Bench();
    assert.equal(tagOf(await bench.ask(more, holding(other), holding(other))), etagOf(other));
    assert.ok(bench.bases[1]?.requests[0]?.cancelled);
  });

  test('while a base that may have it is out of reach, another is not taken', async () => {
    const bench = new Bench();
    await assert.rejects(bench.ask(more, refuse, holding(other)), isProxyError('connection_refused'));
    await bench.clock.advance(29_999);
    await assert.rejects(bench.ask(more, refuse, holding(other)), isProxyError('connection_refused'));
    await bench.clock.advance(1);
    assert.equal(tagOf(await bench.ask(more, refuse, holding(other))), etagOf(other));
  });

  test('the whole of the wanted version is taken too', async () => {
    const bench = new Bench();
    assert.equal((await bench.ask(more, holding(film), right)).status, 200);
    assert.deepEqual(bench.counts, [1, 0]);
  });
});

suite('whether what is stored is current', () => {
  test('is for the first base to say', async () => {
    const bench = new Bench();
    assert.equal(tagOf(await bench.ask(current, holding(other), right)), etagOf(other));
    assert.deepEqual(bench.counts, [1, 0]);
  });

  test('no other base can deny while that is out of reach', async () => {
    await assert.rejects(new Bench().ask(current, refuse, holding(other)), isProxyError('connection_refused'));
    await assert.rejects(new Bench().ask(current, refuse, broken(404)), isProxyError('connection_refused'));
  });

  test('another base can confirm', async () => {
    assert.equal((await new Bench().ask(current, refuse, holding(film, 304))).status, 304);
  });

  test('it is gone where every base says so', async () => {
    assert.equal((await new Bench().ask(current, broken(404), broken(410))).status, 404);
  });
});
