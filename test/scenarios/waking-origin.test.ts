import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Stage, stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { answerAll, answerWith, pageOf, refusal } from './answers.ts';

const movie = film(100_000);
const seconds = (count: number) => ({ 'retry-after': String(count) });
const fieldsOf = (fields: Record<string, string>) => Object.entries(fields).map(([a, b]) => [a, b] as const);

/** When the origin was asked. */
function askedAt({ clock, origin }: Stage, answer: (request: ScriptedRequest) => void): number[] {
  const times: number[] = [];
  void answerAll(origin, (request) => {
    times.push(clock.now());
    answer(request);
  });
  return times;
}

const serve = (request: ScriptedRequest) => void request.head().bytes(100_000).end();

describe('an origin that is still waking up', () => {
  const troubles: ReadonlyArray<readonly [string, (request: ScriptedRequest) => void]> = [
    ['answers 429', (request) => answerWith(request, 429)],
    ['answers 502', (request) => answerWith(request, 502)],
    ['answers 503', (request) => answerWith(request, 503)],
    ['answers 504', (request) => answerWith(request, 504)],
    ['refuses', (request) => void request.refuse(refusal('connection_refused'))],
    ['resets', (request) => void request.refuse(refusal('connection_terminated'))],
    ['lets the connection time out', (request) => void request.refuse(refusal('connection_timeout'))],
    ['begins an error page and never ends it', (request) => void request.head(503, [['content-length', '9']])],
    [
      'cuts an error page',
      (request) =>
        void request
          .head(503, [['content-length', '9']])
          .bytes(Buffer.from('x'))
          .cut(),
    ],
    ['cuts before the first byte', (request) => void request.head().cut()],
  ];
  for (const [what, trouble] of troubles) {
    it(`and ${what} is asked again, and plays`, async () => {
      const set = stage({ film: movie });
      const times = askedAt(set, (request) => (set.clock.now() < 20_000 ? trouble(request) : serve(request)));
      const viewer = set.view();
      await set.clock.advance(29_000);
      assert.equal(viewer.outcome, 'whole');
      assert.ok(viewer.firstAt !== null && viewer.firstAt <= 22_000, `it came at ${viewer.firstAt} ms`);
      assert.ok(times.length > 5 && times.length < 40, `it was asked ${times.length} times`);
      assert.equal(set.eventsOf('retry').length, times.length - 1);
    });
  }

  for (const jitter of [0.999, 0.5, 0.01]) {
    it(`200 ms before the budget is over plays, whatever the jitter: ${jitter}`, async () => {
      const set = stage({ film: movie, policy: { firstByteTimeout: 3000 }, random: () => jitter });
      const refuse = (request: ScriptedRequest) => void request.refuse(refusal('connection_refused'));
      const times = askedAt(set, (request) => (set.clock.now() < 2800 ? refuse(request) : serve(request)));
      const viewer = set.view();
      await set.clock.advance(3000);
      assert.equal(viewer.outcome, 'whole', `it was asked at ${times.map(Math.round)}`);
    });
  }

  for (const [what, policy, gaps] of [
    ['by default', {}, [100, 200, 400, 800, 1600, 2000, 2000]],
    ['with retryInitial 1 s', { retryInitial: 1000 }, [1000, 2000, 2000]],
    ['with retryMax 300 ms', { retryMax: 300 }, [100, 200, 300, 300]],
  ] as const) {
    it(`is asked again after longer and longer pauses, ${what}`, async () => {
      const set = stage({ film: movie, policy, random: () => 1 });
      const times = askedAt(set, (request) => void request.refuse(refusal()));
      set.view();
      await set.clock.advance(15_000);
      const seen = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      assert.deepEqual(seen.slice(0, gaps.length), gaps);
    });
  }

  it('pauses by chance, so that many do not come at once', async () => {
    const set = stage({ film: movie, random: () => 0.25 });
    const times = askedAt(set, (request) => void request.refuse(refusal()));
    set.view();
    await set.clock.advance(400);
    assert.deepEqual(times, [0, 25, 75, 175, 375]);
  });

  it('is left alone for as long as Retry-After says', async () => {
    const set = stage({ film: movie });
    const times = askedAt(set, (request) =>
      set.clock.now() < 7000 ? answerWith(request, 503, fieldsOf(seconds(7))) : serve(request),
    );
    const viewer = set.view();
    await set.clock.advance(10_000);
    assert.deepEqual([times, viewer.outcome, viewer.firstAt], [[0, 7000], 'whole', 7000]);
  });

  it('that wants more rest than the budget has passes its answer on at once, with its page', async () => {
    for (const [policy, rest] of [
      [{}, 31],
      [{ firstByteTimeout: 5000 }, 6],
    ] as const) {
      const set = stage({ film: movie, policy });
      const times = askedAt(set, (request) => answerWith(request, 503, fieldsOf(seconds(rest))));
      const viewer = set.view();
      await set.clock.advance(0);
      const { failure } = viewer;
      assert.ok(failure.kind === 'answer');
      assert.deepEqual([failure.answer.status, String(failure.answer.body), viewer.endAt], [503, pageOf(503), 0]);
      assert.deepEqual(fieldsOf(seconds(rest))[0], failure.answer.fields[0]);
      await set.clock.advance(60_000);
      assert.deepEqual(times, [0]);
    }
  });

  it('is left alone by new requests, too, which wait for it within their own budget', async () => {
    const set = stage({ film: movie });
    const times = askedAt(set, (request) =>
      set.clock.now() < 40_000 ? answerWith(request, 503, fieldsOf(seconds(40))) : serve(request),
    );
    set.view();
    await set.clock.advance(5000);
    const early = set.view();
    await set.clock.advance(0);
    assert.deepEqual([early.failure.kind, early.endAt], ['answer', 5000]);
    await set.clock.advance(10_000);
    const later = set.view();
    await set.clock.advance(60_000);
    assert.deepEqual([later.outcome, later.firstAt, times], ['whole', 40_000, [0, 40_000]]);
  });

  it('that never wakes up has its last answer passed on when the budget is spent', async () => {
    for (const firstByteTimeout of [30_000, 4000]) {
      const set = stage({ film: movie, policy: { firstByteTimeout } });
      askedAt(set, (request) => answerWith(request, 503));
      const viewer = set.view();
      await set.clock.advance(firstByteTimeout);
      const { failure } = viewer;
      assert.ok(failure.kind === 'answer' && failure.answer.status === 503);
      assert.equal(String(failure.answer.body), pageOf(503));
      assert.ok((viewer.endAt ?? 0) > firstByteTimeout - 2001, `it was given up at ${viewer.endAt} ms`);
      assert.ok(viewer.outcome instanceof Error && viewer.outcome.budgetSpent);
    }
  });

  it('that was heard once and then fell silent is quoted, not called silent', async () => {
    const set = stage({ film: movie });
    const viewer = set.view();
    answerWith(await set.asked(), 503);
    const again = await set.clock.advanceUntil(set.origin.nextRequest());
    await set.clock.advance(29_000);
    assert.equal(viewer.outcome, null);
    await set.clock.advance(1000);
    const { failure } = viewer;
    assert.ok(failure.kind === 'answer' && failure.answer.status === 503);
    assert.deepEqual([viewer.endAt, again.live], [30_000, false]);
  });

  it('that refuses to the end is called refusing', async () => {
    const set = stage({ film: movie });
    askedAt(set, (request) => void request.refuse(refusal()));
    const viewer = set.view();
    await set.clock.advance(30_000);
    assert.deepEqual([viewer.error.type, viewer.error.status], ['connection_refused', 502]);
  });

  it('is asked on for who joins, after the first has lost hope', async () => {
    const set = stage({ film: movie });
    const times = askedAt(set, (request) =>
      set.clock.now() < 45_000 ? void request.refuse(refusal()) : serve(request),
    );
    const first = set.view();
    await set.clock.advance(20_000);
    const second = set.view();
    await set.clock.advance(40_000);
    assert.deepEqual([first.error.type, second.outcome], ['connection_refused', 'whole']);
    assert.ok((first.endAt ?? 0) <= 30_000 && times.length > 20);
  });

  it('is asked no more when the last who waits has left', async () => {
    const set = stage({ film: movie });
    const times = askedAt(set, (request) => void request.refuse(refusal()));
    const viewer = set.view();
    await set.clock.advance(3000);
    viewer.leave();
    await set.clock.advance(5000);
    const { length } = times;
    await set.clock.advance(60_000);
    assert.deepEqual([viewer.outcome, times.length, set.clock.pending], ['left', length, 0]);
  });
});
