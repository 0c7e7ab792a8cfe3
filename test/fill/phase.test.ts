import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyError } from '../../src/errors.ts';
import { EventBus, type FillPhase } from '../../src/events.ts';
import type { Failure } from '../../src/fill/failure.ts';
import { FillReporter } from '../../src/fill/fill-reporter.ts';
import { type Activity, Phase, type PhaseFacts, phaseOf } from '../../src/fill/phase.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const refused: Failure = { kind: 'error', error: new ProxyError('connection_refused', 'Nobody listens.') };
const busy: Failure = {
  kind: 'answer',
  answer: { status: 503, fields: [['retry-after', '60']], body: Buffer.alloc(0) },
};

const nothing: PhaseFacts = {
  closed: false,
  whole: false,
  pausedByUser: false,
  run: 'none',
  failed: false,
  begun: false,
  fetches: 0,
  queued: 0,
};

describe('the phase of a fill', () => {
  const rows: readonly { is: FillPhase; where: string; facts: Partial<PhaseFacts> }[] = [
    { is: 'idle', where: 'nobody has asked for it', facts: {} },
    { is: 'queued', where: 'all its fetches queue', facts: { run: 'asking', fetches: 2, queued: 2 } },
    { is: 'starting', where: 'one of them has a connection', facts: { run: 'asking', fetches: 2, queued: 1 } },
    { is: 'starting', where: 'its fetch has ended and somebody waits', facts: { run: 'asking' } },
    { is: 'filling', where: 'the origin has answered', facts: { run: 'answered', fetches: 1 } },
    { is: 'filling', where: 'a fetch queues again', facts: { run: 'answered', fetches: 1, queued: 1 } },
    { is: 'paused', where: 'its run is over', facts: { begun: true } },
    { is: 'failed', where: 'its run has failed', facts: { begun: true, failed: true } },
    { is: 'paused', where: 'a user pauses it, whatever it did', facts: { pausedByUser: true, run: 'answered' } },
    { is: 'complete', where: 'every byte is present, whatever else', facts: { whole: true, pausedByUser: true } },
    { is: 'idle', where: 'it is closed, whatever it was', facts: { closed: true, whole: true } },
  ];
  for (const { is, where, facts } of rows) {
    it(`is ${is} where ${where}`, () => assert.equal(phaseOf({ ...nothing, ...facts }), is));
  }
});

const none: Activity = { fetches: 0, queued: 0, attempt: 1, read: true };
const queued: Activity = { ...none, fetches: 1, queued: 1 };
const asking: Activity = { ...none, fetches: 1 };
const deserted: Activity = { ...none, read: false };

function staged() {
  const clock = new VirtualClock();
  const events = new EventBus();
  const told: string[] = [];
  events.subscribe((event) => {
    if (event.type === 'fill-state') told.push(event.to);
    else if (event.type === 'fill-done') told.push(`done after ${event.duration} ms`);
    else if (event.type === 'fill-failed') told.push(event.error);
  });
  return {
    clock,
    told,
    phase: new Phase(clock, new FillReporter({ fill: 1, origin: 'films', path: '/film.mp4' }, clock, events)),
  };
}

describe('a fill over time', () => {
  it('tells each of its phases, and how long it took', async () => {
    const { clock, told, phase } = staged();
    phase.follow(queued, null);
    phase.follow(asking, null);
    await clock.advance(50);
    phase.answered();
    phase.follow(asking, null);
    await clock.advance(950);
    phase.complete(1000);
    phase.follow(deserted, null);
    phase.close();
    assert.deepEqual(told, ['queued', 'starting', 'filling', 'complete', 'done after 1000 ms', 'idle']);
  });

  it('knows since when it is what it is, and the try that is under way', async () => {
    const { clock, phase } = staged();
    const begin = clock.now();
    phase.follow(asking, null);
    await clock.advance(10);
    phase.follow({ ...asking, attempt: 3 }, null);
    assert.deepEqual({ since: phase.since - begin, attempt: phase.attempt }, { since: 0, attempt: 3 });
  });

  it('is filling for whoever reads what is there, and paused when nobody does', () => {
    const { told, phase } = staged();
    phase.follow(asking, null);
    phase.answered();
    phase.follow(none, null);
    assert.equal(phase.current, 'filling');
    phase.follow(deserted, null);
    phase.follow(none, null);
    assert.deepEqual(told, ['starting', 'filling', 'paused']);
  });

  it('has failed when its last fetch has, until another begins', () => {
    const { told, phase } = staged();
    phase.follow(asking, null);
    phase.follow(asking, refused);
    assert.equal(phase.current, 'starting', 'another goes on');
    phase.follow(none, refused);
    phase.follow(deserted, null);
    assert.deepEqual({ failure: phase.failure, retryAt: phase.retryAt }, { failure: refused, retryAt: null });
    phase.follow(queued, null);
    assert.equal(phase.failure, null);
    assert.deepEqual(told, ['starting', 'failed', 'connection_refused', 'queued']);
  });

  it('knows until when the origin asked for rest', () => {
    const { clock, phase } = staged();
    phase.follow(asking, null);
    phase.follow(none, busy);
    assert.equal(phase.retryAt, clock.now() + 60_000);
  });

  it('that is paused by its user stays so whatever its fetches do, and then begins anew', () => {
    const { told, phase } = staged();
    phase.follow(asking, null);
    phase.pause();
    phase.answered();
    phase.follow(none, refused);
    assert.deepEqual({ by: phase.pausedBy, failure: phase.failure }, { by: 'user', failure: null });
    phase.resume();
    assert.equal(phase.pausedBy, 'idle');
    phase.follow(queued, null);
    assert.deepEqual(told, ['starting', 'paused', 'queued']);
  });

  it('that was complete and has lost bytes is paused; one that was not goes on', () => {
    const { told, phase } = staged();
    phase.follow(asking, null);
    phase.answered();
    phase.lost();
    assert.equal(phase.current, 'filling');
    phase.complete(10);
    phase.lost();
    assert.equal(phase.current, 'paused');
    assert.equal(told.at(-1), 'paused');
  });

  it('is never at work without a fetch and a reader, and never idle with a fetch', () => {
    const activity = fc
      .record({
        fetches: fc.nat(3),
        queued: fc.nat(3),
        attempt: fc.integer({ min: 1, max: 5 }),
        read: fc.boolean(),
        failed: fc.boolean(),
        answered: fc.boolean(),
      })
      .map((seen) => ({ ...seen, queued: Math.min(seen.queued, seen.fetches) }));
    fc.assert(
      fc.property(fc.array(activity), (activities) => {
        const { phase } = staged();
        for (const { failed, answered, ...seen } of activities) {
          phase.follow(seen, failed ? refused : null);
          if (answered) phase.answered();
          const works = ['queued', 'starting', 'filling'].includes(phase.current);
          if (seen.fetches > 0) assert.ok(works, phase.current);
          if (seen.fetches === 0 && (failed || !seen.read)) assert.ok(!works, phase.current);
        }
      }),
    );
  });
});
