import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import { EventBus, type RefreshEvent } from '../../src/events.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import {
  createRefreshingOrigin,
  type Refresh,
  type RefreshAnswer,
  type RefreshQuestion,
} from '../../src/origin/refresh.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError } from './bench.ts';

const signedUrl = (version: number) => `https://signed.example/a?sig=secret${version}`;

interface Pending {
  readonly question: RefreshQuestion;
  readonly signal: AbortSignal;
  readonly answer: (answer: RefreshAnswer) => Promise<void>;
  readonly fail: (error: unknown) => Promise<void>;
}

function bench() {
  const clock = new VirtualClock();
  const bus = new EventBus();
  const events: RefreshEvent[] = [];
  bus.subscribe((event) => {
    if (event.type === 'refresh') events.push(event);
  });
  const behind = new ScriptedOrigin(film(1000));
  const asked: Pending[] = [];
  const refresh: Refresh = (question, signal) => {
    const answered = Promise.withResolvers<RefreshAnswer>();
    asked.push({
      question,
      signal,
      answer: (answer) => {
        answered.resolve(answer);
        return clock.settle();
      },
      fail: (error) => {
        answered.reject(error);
        return clock.settle();
      },
    });
    return answered.promise;
  };
  const origin = createRefreshingOrigin(behind, { refresh, timeout: 10_000, clock, events: bus });

  async function open(
    target = '/a?x=1',
    signal = new AbortController().signal,
  ): Promise<{ reply: Promise<OriginReply> }> {
    const reply = origin.open({ target, fields: [['range', 'bytes=5-']] }, signal);
    reply.catch(() => {});
    await clock.settle();
    return { reply };
  }
  /** The `index`-th question to the hook. */
  const hook = (index: number) => asked[index] ?? assert.fail(`the hook was asked ${asked.length} times`);
  const request = (index: number): ScriptedRequest =>
    behind.requests[index] ?? assert.fail(`the origin was asked ${behind.requests.length} times`);
  /** Where the `index`-th request went. */
  const resolved = (index: number) => request(index).resolved;
  return { clock, events, behind, asked, origin, open, hook, request, resolved };
}

describe('a refresh hook', () => {
  it('is asked before the first request, which goes where it says', async () => {
    const { events, asked, behind, open, hook, request, resolved } = bench();
    const { reply } = await open();
    assert.equal(behind.requests.length, 0);
    assert.deepEqual(hook(0).question, { origin: 'films', target: '/a?x=1', reason: 'start' });
    await hook(0).answer({ url: signedUrl(1), fields: { Authorization: 'Bearer fresh' } });
    assert.equal(resolved(0)?.url?.href, signedUrl(1));
    assert.deepEqual(resolved(0)?.fields, [['authorization', 'Bearer fresh']]);
    assert.equal(request(0).field('range'), 'bytes=5-');
    request(0).head().end();
    assert.equal((await reply).status, 206);
    assert.equal(asked.length, 1);
    assert.deepEqual(events, [
      {
        type: 'refresh',
        at: 0,
        origin: 'films',
        path: '/a',
        reason: 'start',
        outcome: 'renewed',
        duration: 0,
      },
    ]);
  });

  it('does not say which bytes are asked for, nor what belongs to the connection', async () => {
    const { behind, open, hook } = bench();
    await open();
    const fields = {
      Range: 'bytes=0-0',
      Host: 'c.example',
      'Content-Length': '9',
      'Accept-Encoding': 'gzip',
      'X-Key': 'k',
    };
    await hook(0).answer({ url: signedUrl(1), fields });
    assert.deepEqual((await behind.nextRequest()).resolved?.fields, [['x-key', 'k']]);
  });

  it('is asked once for all who wait, and not again while its answer holds', async () => {
    const { clock, asked, behind, open, hook } = bench();
    for (let many = 0; many < 50; many += 1) await open();
    await hook(0).answer({ url: signedUrl(1), expiresIn: 60 });
    assert.deepEqual([asked.length, behind.requests.length], [1, 50]);
    await clock.advance(59_999);
    await open();
    assert.deepEqual([asked.length, behind.requests.length], [1, 51]);
  });

  it('is asked for each target by itself', async () => {
    const { asked, open } = bench();
    await open('/a');
    await open('/b');
    assert.deepEqual(
      asked.map(({ question }) => question.target),
      ['/a', '/b'],
    );
  });

  for (const [how, answer] of [
    ['a date', { expiresAt: '2026-01-01T00:01:00Z' }],
    ['a Date', { expiresAt: new Date(Date.UTC(2026, 0, 1, 0, 1)) }],
    ['seconds', { expiresIn: 60 }],
  ] as const) {
    it(`is asked again when the time is over that it gave as ${how}`, async () => {
      const { clock, open, hook, resolved } = bench();
      await open();
      await hook(0).answer({ url: signedUrl(1), ...answer });
      await clock.advance(60_000);
      await open();
      assert.equal(hook(1).question.reason, 'expired');
      await hook(1).answer({ url: signedUrl(2) });
      assert.equal(resolved(1)?.url?.href, signedUrl(2));
      await clock.advance(600_000_000);
      await open();
      assert.equal(resolved(2)?.url?.href, signedUrl(2), 'without an end it holds');
    });
  }

  for (const status of [401, 403, 404, 410]) {
    it(`is asked when the address answers ${status}, and the same bytes are asked for anew`, async () => {
      const { clock, open, hook, request, resolved } = bench();
      const { reply } = await open();
      await hook(0).answer({ url: signedUrl(1) });
      request(0).head(status, []);
      await clock.settle();
      assert.deepEqual([hook(1).question.reason, request(0).cancelled], ['denied', true]);
      await hook(1).answer({ url: signedUrl(2) });
      assert.deepEqual([resolved(1)?.url?.href, request(1).field('range')], [signedUrl(2), 'bytes=5-']);
      request(1).head().end();
      assert.equal((await reply).status, 206);
    });
  }

  it('is asked once where many are refused at the same time', async () => {
    const { clock, asked, behind, open, hook, request } = bench();
    await open();
    await hook(0).answer({ url: signedUrl(1) });
    await open();
    await open();
    for (const index of [0, 1]) request(index).head(403, []);
    await clock.settle();
    await hook(1).answer({ url: signedUrl(2) });
    request(2).head(403, []);
    await clock.settle();
    assert.equal(asked.length, 2, 'who was refused later takes what is there already');
    assert.deepEqual(
      behind.requests.map(({ resolved }) => resolved?.url?.href),
      [1, 1, 1, 2, 2, 2].map(signedUrl),
    );
  });

  it('is not asked about a 404 at the own address: the film is gone', async () => {
    const { asked, open, hook, request } = bench();
    const { reply } = await open();
    await hook(0).answer({ fields: { 'x-key': 'fresh' } });
    request(0).head(404, []).end();
    assert.equal((await reply).status, 404);
    assert.equal(asked.length, 1);
  });

  it('is asked once a request: what is refused afresh is passed on', async () => {
    const { clock, asked, open, hook, request } = bench();
    const { reply } = await open();
    await hook(0).answer({ url: signedUrl(1) });
    request(0).head(403, []);
    await clock.settle();
    await hook(1).answer({ url: signedUrl(2) });
    request(1).head(403, []).end();
    assert.equal((await reply).status, 403);
    assert.equal(asked.length, 2);
  });

  it('that fails is named in one plain sentence, may be asked again, and is left alone for two seconds', async () => {
    const { clock, events, asked, open, hook } = bench();
    const { reply } = await open();
    await hook(0).fail(new Error('token=secret'));
    await assert.rejects(reply, (error) => {
      assert.ok(error instanceof ProxyError && error.retryable);
      assert.deepEqual(
        [error.type, error.setting, error.message],
        ['destination_unavailable', 'refresh', 'The refresh hook of the origin films gave no address: it failed.'],
      );
      return true;
    });
    await clock.advance(1999);
    const { reply: early } = await open();
    await assert.rejects(early, isProxyError('destination_unavailable'));
    assert.equal(asked.length, 1);
    await clock.advance(1);
    await open();
    assert.deepEqual([asked.length, events[0]?.outcome], [2, 'failed']);
  });

  it('that is silent is given up after its timeout', async () => {
    const { clock, events, open, hook } = bench();
    const { reply } = await open();
    await clock.advance(10_000);
    await assert.rejects(reply, /gave no address: there was no answer within 10 s\.$/);
    assert.ok(hook(0).signal.aborted);
    assert.deepEqual([events[0]?.outcome, events[0]?.duration], ['late', 10_000]);
  });

  it('is remembered for the last 10,000 targets', async () => {
    const questions: string[] = [];
    const answering: Origin = {
      name: 'films',
      open: async () => ({
        status: 200,
        fields: [],
        closeDelimited: false,
        body: { read: async () => null, cancel: () => {} },
      }),
      close: async () => {},
    };
    const refresh: Refresh = async ({ target }) => {
      questions.push(target);
      return {};
    };
    const parts = { refresh, timeout: 10_000, clock: new VirtualClock(), events: new EventBus() };
    const origin = createRefreshingOrigin(answering, parts);
    const open = (number: number) => origin.open({ target: `/${number}`, fields: [] }, new AbortController().signal);
    for (let number = 0; number < 10_000; number += 1) await open(number);
    await open(0);
    assert.equal(questions.length, 10_000);
    await open(10_000);
    await open(0);
    assert.equal(questions.length, 10_001);
    await open(1);
    assert.deepEqual(questions.slice(-2), ['/10000', '/1']);
  });

  it('works on for the others when one leaves who waits for it', async () => {
    const { behind, open, hook } = bench();
    const abort = new AbortController();
    const { reply: leaving } = await open('/a', abort.signal);
    await open('/a');
    abort.abort(new Error('gone'));
    await assert.rejects(leaving, /gone/);
    await hook(0).answer({});
    assert.deepEqual([hook(0).signal.aborted, behind.requests.length], [false, 1]);
  });

  it('is given up when the origin is closed', async () => {
    const { origin, open, hook } = bench();
    const { reply } = await open();
    await origin.close();
    assert.ok(hook(0).signal.aborted);
    await assert.rejects(reply, isProxyError('proxy_internal_response'));
  });

  it('closes the origin behind it', async (t) => {
    const { origin, behind } = bench();
    const close = t.mock.method(behind, 'close');
    await origin.close();
    assert.equal(close.mock.callCount(), 1);
  });

  for (const [what, answer, why] of [
    ['no object', [], 'its answer is no object'],
    ['a file URL', { url: 'file:///etc/passwd' }, 'its url is no http or https URL'],
    ['credentials in a URL', { url: 'http://me:secret@a.example/' }, 'its url is no http or https URL'],
    ['a field that splits', { fields: { a: 'b\r\nc: d' } }, 'its fields are no names with values that can be sent'],
    ['a name with a space', { fields: { 'a b': 'c' } }, 'its fields are no names with values that can be sent'],
    ['a date that is none', { expiresAt: 'soon' }, 'its expiresAt is no ISO 8601 date'],
    ['a negative time', { expiresIn: -1 }, 'its expiresAt is no ISO 8601 date'],
  ] as const) {
    it(`that answers with ${what} has not answered`, async () => {
      const { behind, open, hook } = bench();
      const { reply } = await open();
      await hook(0).answer(answer as RefreshAnswer);
      await assert.rejects(reply, (error) => error instanceof ProxyError && error.message.includes(why));
      assert.equal(behind.requests.length, 0);
    });
  }
});
