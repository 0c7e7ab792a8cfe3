/** The fetches of a fill together: which of them run, and which are kept for somebody who may come back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventBus } from '../../src/events.ts';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import { Deadlines } from '../../src/fill/deadlines.ts';
import type { Failure } from '../../src/fill/failure.ts';
import type { Fetch } from '../../src/fill/fetch.ts';
import type { FetchSink } from '../../src/fill/fetch-sink.ts';
import { Fetches } from '../../src/fill/fetches.ts';
import { FillReporter } from '../../src/fill/fill-reporter.ts';
import { Lessons } from '../../src/fill/lessons.ts';
import { Line } from '../../src/fill/line.ts';
import { Parallelism } from '../../src/fill/parallelism.ts';
import { Phase } from '../../src/fill/phase.ts';
import { type ReaderInterest, whole } from '../../src/fill/plan.ts';
import { Presence } from '../../src/fill/presence.ts';
import type { Reader } from '../../src/fill/reader.ts';
import { Upstream } from '../../src/fill/upstream.ts';
import { Reachability } from '../../src/origin/reachability.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { defaultPolicy } from './policy.ts';

const length = 1_000_000;

/** The fetches of a film; `interests` is what its readers want. */
function stage() {
  const clock = new VirtualClock();
  const origin = new ScriptedOrigin(film(length));
  const events = new EventBus();
  const reporter = new FillReporter({ fill: 1, origin: 'films', path: '/film.mp4' }, clock, events);
  const target = { target: '/film.mp4', fields: [], said: [] };
  const presence = new Presence(null);
  const upstream = new Upstream(target, presence, null, new Lessons(clock));
  const reachability = new Reachability({ name: 'films', clock, events, wait: defaultPolicy.firstByteTimeout });
  const phase = new Phase(clock, reporter);
  const about = { bytesPerSecond: null, playheadOf: () => 0 };
  const interests: ReaderInterest<Fetch>[] = [];
  const sink: FetchSink<Fetch> = {
    midReply: false,
    judge: async (_, { start }) => ({ start, end: length }),
    accept: (fetch, offset, bytes) => {
      const pressure = presence.write(offset, bytes);
      fetch.advance(bytes.length);
      return pressure;
    },
    changed: () => {},
  };
  const fetches = new Fetches(
    {
      ...{ clock, origin, reporter, target, presence, upstream, reachability, phase },
      policy: defaultPolicy,
      random: () => 0.5,
      slots: new ConnectionSlots(8, 100),
      parallelism: new Parallelism(clock, 1),
      deadlines: new Deadlines(clock, defaultPolicy, reachability, presence),
      readers: new Set<Reader>(),
      line: new Line({ clock, upstream, foresight: about, playheads: about }, () => {}),
    },
    sink,
    () => ({
      content: upstream.content,
      fetches: fetches.all,
      readers: interests,
      jobs: [],
      foreseen: [],
      pieces: whole,
    }),
  );
  /** A reader at `position` wants what follows. */
  const want = (position: number) =>
    interests.push({
      ...{ position, windowEnd: position + 50_000, sequence: 0, end: length },
      ...{ waitsFor: null, deadline: Number.NEGATIVE_INFINITY },
    });
  const leave = () => {
    interests.length = 0;
    fetches.assignAll();
  };
  /** A fetch that has brought 10,000 bytes from `position` on, for a reader there. */
  const bringing = async (position: number): Promise<Fetch> => {
    want(position);
    const fetch = fetches.add(position);
    fetches.run(fetch);
    (await origin.nextRequest()).connected().head(206).bytes(10_000);
    await clock.settle();
    return fetch;
  };
  return { clock, origin, phase, fetches, want, leave, bringing };
}

describe('the fetches of a fill', () => {
  it('ask for nothing before they run, and then for what their goal says', async () => {
    const { clock, origin, fetches, want } = stage();
    want(1000);
    const fetch = fetches.add(1000);
    await clock.settle();
    assert.deepEqual([origin.requests.length, fetch.goal.until], [0, 0]);
    fetches.run(fetch);
    await clock.settle();
    assert.deepEqual([origin.requests.length, fetch.goal.until], [1, 51_000]);
  });

  it('make the phase of the fill', async () => {
    const { clock, phase, fetches, want } = stage();
    assert.equal(phase.current, 'idle');
    want(0);
    fetches.start(0);
    assert.equal(phase.current, 'queued');
    await clock.settle();
    fetches.settle(null);
    assert.equal(phase.current, 'starting');
  });

  it('end when a user pauses the fill, and others may begin when it is resumed', async () => {
    const { clock, fetches, bringing } = stage();
    const fetch = await bringing(0);
    fetches.pause();
    await clock.settle();
    const { refusal } = fetches;
    assert.deepEqual(
      { live: fetch.status.live, kind: refusal?.kind, ended: fetches.ended, resumable: fetches.resumable },
      { live: false, kind: 'error', ended: null, resumable: true },
    );
    fetches.resume();
    assert.equal(fetches.refusal, null);
  });

  it('end for good with the fill: what was said first is the reason, also while it is paused', async () => {
    const { clock, fetches, bringing } = stage();
    const fetch = await bringing(0);
    const changed: Failure = { kind: 'changed' };
    fetches.pause();
    fetches.end(changed);
    fetches.end({ kind: 'uncombinable' });
    await clock.settle();
    const { ended, refusal, resumable } = fetches;
    assert.deepEqual([fetch.status.live, ended, refusal, resumable], [false, changed, changed, false]);
  });

  it('give their connections up at once where nobody will come to them', async () => {
    const { clock, leave, bringing } = stage();
    const fetch = await bringing(0);
    assert.equal(fetch.status.live, true);
    leave();
    await clock.settle();
    assert.equal(fetch.status.live, false);
  });

  it('are kept where somebody who played may come back to them, until somebody else begins to read', async () => {
    const { clock, fetches, leave, bringing } = stage();
    const [behind, ahead] = [await bringing(0), await bringing(500_000)];
    fetches.keepFrom(500_000);
    leave();
    await clock.settle();
    assert.deepEqual([behind.status.live, ahead.status.live], [false, true]);
    fetches.endKeeping();
    fetches.assignAll();
    await clock.settle();
    assert.equal(ahead.status.live, false);
  });
});
