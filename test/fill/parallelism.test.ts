import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Parallelism } from '../../src/fill/parallelism.ts';

/** Time in milliseconds, which passes as the test says. */
class ManualClock {
  at = 0;

  now(): number {
    return this.at;
  }
}

const plenty = 1_250_000;

/** What a line brings by so many fetches at a time in milliseconds, in bytes a second. */
type Line = (fetches: number, atMs: number) => number;

/** A reader starves on a line for so long. Returns the fetches that there were, with how long. */
function starve(parallelism: Parallelism, clock: ManualClock, line: Line, forMs: number, limit = 32, stepMs = 10) {
  const seen: { fetches: number; ms: number }[] = [];
  let running = 1;
  const beganAt = clock.now();
  for (let at = 0; at < forMs; at += stepMs) {
    clock.at += stepMs;
    const throughput = line(running, clock.now() - beganAt);
    const bytes = (throughput * stepMs) / 1000;
    running = parallelism.starves({
      bytes,
      running,
      limit,
      roundTripMs: Math.max(60, stepMs - 10),
      throughput: throughput / running,
      plenty,
    });
    const last = seen.at(-1);
    if (last?.fetches === running) last.ms += stepMs;
    else seen.push({ fetches: running, ms: stepMs });
  }
  return seen;
}

const lossy: Line = (fetches) => Math.min(1_500_000, 300_000 * fetches);
const narrow: Line = () => 1_000_000;

function world() {
  const clock = new ManualClock();
  return { clock, parallelism: new Parallelism(clock, 8) };
}

describe('how many fetches run side by side', () => {
  it('is one until a reader starves', () => {
    assert.deepEqual(world().parallelism.view, { fetches: 1, reason: 'not needed' });
  });

  it('is more within a second on a line that gives one connection little, and stays so', () => {
    const { clock, parallelism } = world();
    const seen = starve(parallelism, clock, lossy, 60_000);
    const most = Math.max(...seen.map(({ fetches }) => fetches));
    let [before, all] = [0, 0];
    for (const { fetches, ms } of seen) {
      if (all === before && fetches < most) before += ms;
      all += ms;
    }
    assert.ok(before <= 1000, `${before} ms`);
    assert.deepEqual(parallelism.view, { fetches: 8, reason: 'more bring more' });
    const few = seen.slice(1).reduce((sum, { fetches, ms }) => sum + (fetches < 4 ? ms : 0), 0);
    assert.ok(few <= 2000, `${few} ms with fewer than four`);
  });

  it('is more also where bytes come once in a round trip of more than a second', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, (fetches) => 65_000 * fetches, 30_000, 32, 1100);
    assert.ok(parallelism.fetches > 1);
  });

  it('is one again where the line itself is the limit, and that is known for minutes', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, narrow, 30_000);
    assert.deepEqual(parallelism.view, { fetches: 1, reason: 'more bring no more' });
    assert.deepEqual(starve(parallelism, clock, narrow, 60_000), [{ fetches: 1, ms: 60_000 }]);
    clock.at += 300_000;
    assert.ok(starve(parallelism, clock, narrow, 30_000).length > 1, 'and then it is tried again');
  });

  it('is two for seconds at most on a narrow line, which several bodies would clog', () => {
    const { clock, parallelism } = world();
    const seen = starve(parallelism, clock, () => 16_000, 30_000);
    assert.equal(Math.max(...seen.map(({ fetches }) => fetches)), 2);
    const two = seen.reduce((sum, { fetches, ms }) => sum + (fetches === 2 ? ms : 0), 0);
    assert.ok(two <= 4000, `${two} ms`);
    assert.deepEqual(parallelism.view, { fetches: 1, reason: 'more bring no more' });
  });

  it('takes no step for useless that could not be made', () => {
    const { clock, parallelism } = world();
    for (let at = 0; at < 30_000; at += 10) {
      clock.at += 10;
      parallelism.starves({ bytes: 650, running: 1, limit: 32, roundTripMs: 60, throughput: 65_000, plenty });
    }
    assert.deepEqual(parallelism.view, { fetches: 2, reason: 'trying more' });
  });

  it('is more where the origin gives each connection little', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, (fetches) => 30_000 * fetches, 60_000);
    assert.deepEqual(parallelism.view, { fetches: 8, reason: 'more bring more' });
  });

  it('stays one while a connection is enough, or becomes faster and faster', () => {
    for (const line of [() => plenty, (_: number, atMs: number) => 20_000 * 4 ** (atMs / 250)]) {
      const { clock, parallelism } = world();
      assert.deepEqual(starve(parallelism, clock, line, 2000), [{ fetches: 1, ms: 2000 }]);
    }
  });

  it('is never more than the origin may be asked at once, nor more than eight', () => {
    for (const limit of [1, 2, 3, 5, 100]) {
      const { clock, parallelism } = world();
      const seen = starve(parallelism, clock, (fetches) => 10_000 * fetches, 60_000, limit);
      assert.equal(Math.max(...seen.map(({ fetches }) => fetches)), Math.min(limit, 8));
    }
  });

  it('is more again, within seconds, where each brings less than when that was learned', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, (fetches) => 650_000 * Math.min(2, fetches), 20_000);
    assert.deepEqual(parallelism.view, { fetches: 2, reason: 'more bring more' });
    const [first] = starve(parallelism, clock, lossy, 30_000);
    assert.ok(first?.fetches === 2 && first.ms <= 7000, `${first?.ms} ms with two`);
    assert.ok(parallelism.fetches >= 4, `${parallelism.fetches}`);
  });

  it('is tried only once in a while where more bring no more than the few that are worth it', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, (fetches) => 650_000 * Math.min(2, fetches), 20_000);
    const weak: Line = (fetches) => 400_000 * Math.min(2, fetches);
    const seen = starve(parallelism, clock, weak, 120_000);
    assert.deepEqual(parallelism.view, { fetches: 2, reason: 'more bring more' });
    const more = seen.reduce((sum, { fetches, ms }) => sum + (fetches > 2 ? ms : 0), 0);
    assert.ok(more <= 40_000, `${more} ms with more than two`);
  });

  it('is one for minutes where the origin refuses more', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, lossy, 2000);
    parallelism.refused();
    assert.deepEqual(starve(parallelism, clock, lossy, 60_000), [{ fetches: 1, ms: 60_000 }]);
    assert.deepEqual(parallelism.view, { fetches: 1, reason: 'refused' });
  });

  it('takes no pause of the reader for a slow line', () => {
    const { clock, parallelism } = world();
    starve(parallelism, clock, lossy, 20_000);
    assert.equal(parallelism.fetches, 8);
    for (let pause = 0; pause < 100; pause += 1) {
      clock.at += 5000;
      starve(parallelism, clock, lossy, 2000);
    }
    assert.equal(parallelism.fetches, 8);
  });

  it('is judged by what came while a reader starved, not by the time before', () => {
    const { clock, parallelism } = world();
    assert.equal(starve(parallelism, clock, lossy, 100).at(-1)?.fetches, 1);
    clock.at += 20_000;
    assert.equal(starve(parallelism, clock, lossy, 100).at(-1)?.fetches, 1);
  });

  it('is more after three seconds only where one had been enough for long, as after a seek', () => {
    const { clock, parallelism } = world();
    for (let at = 0; at < 11_000; at += 100) {
      clock.at += 100;
      parallelism.suffices();
    }
    assert.equal(starve(parallelism, clock, lossy, 2900).at(-1)?.fetches, 1);
    const later = starve(parallelism, clock, lossy, 300).at(-1)?.fetches ?? 1;
    assert.ok(later > 1, `${later} fetches`);
  });
});
