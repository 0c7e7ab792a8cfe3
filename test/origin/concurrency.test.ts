import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AnswerStart, Concurrency } from '../../src/origin/concurrency.ts';

const minute = 60_000;

/** An answer that came at once, where there was no other connection. */
const usual: AnswerStart = {
  wasLate: false,
  sinceMadeMs: 50,
  sinceSentMs: 50,
  sinceClosedMs: Number.POSITIVE_INFINITY,
  sinceGivenUpMs: Number.POSITIVE_INFINITY,
  hadOthers: false,
  others: [],
  isOutOfTurn: false,
  way: { roundTripMs: 20, isTls: false },
};

/** As soon as the last other connection was closed. */
const freed: AnswerStart = {
  ...{ ...usual, wasLate: true, sinceMadeMs: 1800, sinceSentMs: 1800 },
  ...{ sinceClosedMs: 25, sinceGivenUpMs: 25, hadOthers: true },
};

function world(...answers: AnswerStart[]) {
  const clock = { at: 0, now: () => clock.at };
  const concurrency = new Concurrency(clock);
  for (const answer of answers) concurrency.answered(answer);
  return { clock, concurrency };
}

const seen = ({ concurrency: { isSerial, mayBeSerial } }: ReturnType<typeof world>) => ({ isSerial, mayBeSerial });

describe('whether an origin serves one connection at a time', () => {
  it('is not known before it was seen twice', () => {
    for (const answers of [[], [usual], [usual, usual], [freed], [usual, freed, usual]])
      assert.deepEqual(seen(world(...answers)), { isSerial: false, mayBeSerial: true });
    assert.deepEqual(seen(world(freed, usual, freed)), { isSerial: true, mayBeSerial: true });
  });

  it('is looked at again after five minutes, and then seen by one more', () => {
    const there = world(freed, freed);
    there.clock.at += 5 * minute - 1;
    assert.equal(there.concurrency.isSerial, true);
    there.clock.at += 1;
    assert.equal(there.concurrency.isSerial, false);
    there.concurrency.answered(freed);
    assert.equal(there.concurrency.isSerial, true);
  });

  it('is known not to be so for five minutes where two bodies come at once', () => {
    const there = world(freed, freed, { ...usual, others: [{ isKept: true, missing: 9 * 1024 * 1024 }] });
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: false });
    there.clock.at += 5 * minute;
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: true });
    there.concurrency.answered(freed);
    assert.equal(there.concurrency.isSerial, false);
  });

  it('does not show by a body of which the rest may be in buffers on the way', () => {
    assert.deepEqual(seen(world({ ...usual, others: [{ isKept: true, missing: 1024 * 1024 }] })), {
      isSerial: false,
      mayBeSerial: true,
    });
  });

  it('is not so for five minutes where it is late with nothing in its way', () => {
    const there = world(freed, { ...freed, sinceSentMs: 3000, sinceClosedMs: 1950, sinceGivenUpMs: 1950 });
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: false });
    there.clock.at += 5 * minute;
    there.concurrency.answered(freed);
    assert.equal(there.concurrency.isSerial, false);
  });

  it('is not tried out again for half a minute where that showed nothing', () => {
    const there = world({ ...freed, others: [{ isKept: true, missing: 1000 }] });
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: false });
    there.clock.at += 30_000;
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: true });
  });

  it('is seen also where what a server that closes its connections gave before is still unread', () => {
    const there = { ...freed, others: [{ isKept: false, missing: 1000 }] };
    assert.equal(world(there, there).concurrency.isSerial, true);
  });

  it('does not show by what is sent again because there was no room for it', () => {
    const again = { ...freed, sinceSentMs: 1400, sinceClosedMs: 400, sinceGivenUpMs: 400 };
    const there = world(freed, again);
    assert.deepEqual(seen(there), { isSerial: false, mayBeSerial: false });
    there.clock.at += 30_000;
    there.concurrency.answered(freed);
    assert.equal(there.concurrency.isSerial, true);
  });

  it('does not show by a request that waited for its connection, or had no other beside it', () => {
    const slow = { ...freed, sinceSentMs: 6000, sinceClosedMs: 5000, sinceGivenUpMs: 5000 };
    assert.equal(world({ ...slow, sinceSentMs: 40 }).concurrency.mayBeSerial, true);
    assert.equal(world({ ...slow, hadOthers: false }).concurrency.mayBeSerial, true);
  });

  it('does not show where an answer had just come to its end, as others do beside it that take as long', () => {
    const after = { ...freed, sinceGivenUpMs: 1000 };
    assert.equal(world(after, after, after).concurrency.isSerial, false);
  });

  it('does not show twice by several that were late when one connection was closed', () => {
    const first = { ...freed, sinceMadeMs: 1105 };
    const { concurrency } = world(first, { ...first, sinceMadeMs: 1150, sinceGivenUpMs: 70 });
    assert.equal(concurrency.isSerial, false);
    concurrency.answered(freed);
    assert.equal(concurrency.isSerial, true);
  });

  it('does not show by an answer before its turn, which says that what was seen was chance', () => {
    const { concurrency } = world(freed, { ...freed, isOutOfTurn: true }, freed);
    assert.equal(concurrency.isSerial, false);
    concurrency.answered(freed);
    assert.equal(concurrency.isSerial, true);
  });

  it('is not seen where every answer takes the same time, on new and on warm connections', () => {
    for (const isTls of [false, true])
      for (const roundTripMs of [0, 20, 120, 600]) {
        const way = { roundTripMs, isTls };
        for (let takes = 0; takes < 10_000; takes += 10) {
          const { concurrency } = world();
          for (let request = 0; request < 10; request += 1) {
            const connecting = request % 3 === 0 ? roundTripMs * (isTls ? 3 : 1) : 0;
            const sinceMadeMs = connecting + roundTripMs + takes;
            const lateAfter = concurrency.lateAfter(way);
            const wasLate = sinceMadeMs >= lateAfter;
            // Idle connections are closed when it is late.
            const closed = wasLate ? sinceMadeMs - lateAfter : Number.POSITIVE_INFINITY;
            const since = {
              sinceMadeMs,
              sinceSentMs: sinceMadeMs - connecting,
              sinceClosedMs: closed,
              sinceGivenUpMs: closed,
            };
            concurrency.answered({ ...usual, wasLate, ...since, hadOthers: true, way });
          }
          assert.equal(concurrency.isSerial, false, `${takes} ms, ${JSON.stringify(way)}`);
        }
      }
  });
});
