import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedBudgets } from '../../src/budgets.ts';
import { ProxyError } from '../../src/errors.ts';
import { judgeAnswer } from '../../src/fill/answer-judge.ts';
import { FillFailed } from '../../src/fill/failure.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { AskedBytes } from '../../src/http/origin-answer.ts';
import type { OriginReply } from '../../src/origin/origin.ts';
import { film } from '../support/film.ts';
import { filmFields } from '../support/film-fields.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const clock = new VirtualClock();
const movie = film(1000);
const whole = { start: 0, end: null };

/** An answer whose body is these pieces; an error in place of a piece cuts it. */
function reply(status: number, fields: Fields, pieces: ReadonlyArray<Buffer | Error> = []) {
  const left = [...pieces];
  let cancelled = false;
  const given: OriginReply = {
    status,
    fields,
    closeDelimited: false,
    body: {
      async read() {
        const piece = left.shift() ?? null;
        if (piece instanceof Error) throw piece;
        return piece;
      },
      cancel() {
        cancelled = true;
      },
    },
  };
  return { given, cancelled: () => cancelled, left: () => left.length };
}

async function failureOf(answer: OriginReply, asked: AskedBytes = whole): Promise<FillFailed['failure']> {
  const error = await judgeAnswer(asked, answer, clock).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof FillFailed, `${error}`);
  return error.failure;
}

describe("an origin's answer", () => {
  it('is content where it holds what was asked for', async () => {
    const part = await judgeAnswer({ start: 10, end: 20 }, reply(206, filmFields(movie, 206, 10, 20)).given, clock);
    assert.ok(part.kind === 'content');
    assert.deepEqual([part.start, part.end, part.representation.length], [10, 20, 1000]);
    const all = await judgeAnswer({ start: 10, end: 20 }, reply(200, filmFields(movie, 200)).given, clock);
    assert.ok(all.kind === 'content');
    assert.deepEqual([all.start, all.end], [0, 1000]);
  });

  it('keeps its page where it is an error', async () => {
    const failure = await failureOf(reply(404, [['x-a', 'b']], [Buffer.from('not '), Buffer.from('here')]).given);
    assert.ok(failure.kind === 'answer');
    const { status, fields, body } = failure.answer;
    assert.deepEqual([status, fields, String(body)], [404, [['x-a', 'b']], 'not here']);
  });

  for (const [what, pieces] of [
    ['is cut', [Buffer.from('half a p'), new ProxyError('connection_terminated', 'It was cut.')]],
    ['has no end', Array.from({ length: 1000 }, () => Buffer.alloc(64 * 1024))],
  ] as const) {
    it(`keeps its status and gets a sentence of ours where its page ${what}`, async () => {
      const fields: Fields = [
        ['content-type', 'text/html'],
        ['content-encoding', 'gzip'],
        ['retry-after', '7'],
      ];
      const answer = reply(503, fields, pieces);
      const failure = await failureOf(answer.given);
      assert.ok(failure.kind === 'answer');
      assert.deepEqual(
        [failure.answer.status, failure.answer.fields],
        [
          503,
          [
            ['retry-after', '7'],
            ['content-type', 'text/plain; charset=utf-8'],
          ],
        ],
      );
      assert.match(String(failure.answer.body), /^The origin answered 503, to be asked again later\.\n$/);
      assert.ok(answer.left() === 0 || answer.left() > 900, 'an endless page is not read to its end');
    });
  }

  for (const [what, pieces] of [
    ['is cut', [Buffer.from('half a p'), new ProxyError('connection_terminated', 'It was cut.')]],
    ['has no end', Array.from({ length: 1000 }, () => Buffer.alloc(64 * 1024))],
  ] as const) {
    it(`is no success with a sentence of ours where it is one and its page ${what}`, async () => {
      for (const status of [202, 204]) {
        const failure = await failureOf(reply(status, [], pieces).given);
        assert.ok(failure.kind === 'error' && failure.error.status === 502, String(status));
      }
    });
  }

  it('keeps its status where its page does not come', async () => {
    const { given } = reply(404, []);
    const { promise: nothing } = Promise.withResolvers<null>();
    const failure = failureOf({ ...given, body: { ...given.body, read: () => nothing } });
    const told = await clock.advanceUntil(failure, { limit: fixedBudgets.errorContent.ms });
    assert.ok(told.kind === 'answer' && told.answer.status === 404);
  });

  it('says that there is nothing at an offset', async () => {
    const past = judgeAnswer({ start: 1000, end: null }, reply(416, [['content-range', 'bytes */1000']]).given, clock);
    await assert.rejects(past, (error: unknown) => {
      assert.ok(error instanceof FillFailed);
      assert.deepEqual(error.failure, { kind: 'unsatisfiable', length: 1000 });
      return true;
    });
  });

  it('is against the protocol where it answers conditions that nobody gave, to the last', async () => {
    assert.equal((await judgeAnswer(whole, reply(304, []).given, clock)).kind, 'contradiction');
    const failure = await failureOf(reply(304, []).given, { ...whole, ranged: false });
    assert.ok(failure.kind === 'error' && failure.error.type === 'http_protocol_error');
  });

  it('that breaks by a bug of ours is no failure of the origin', async () => {
    const bug = new TypeError('undefined is not a function');
    await assert.rejects(judgeAnswer(whole, reply(500, [], [bug]).given, clock), bug);
  });
});
