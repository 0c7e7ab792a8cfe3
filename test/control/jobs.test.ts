import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Work } from '../../src/admin/holdings.ts';
import type { WarmProgress } from '../../src/admin/warm.ts';
import { FillFailed, StoreError } from '../../src/cache/read-session.ts';
import type { JobResult } from '../../src/control/answers.ts';
import { Jobs, mostRunning } from '../../src/control/jobs.ts';
import { Problem } from '../../src/control/problem.ts';
import { type DomainEvent, EventBus } from '../../src/events.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const warmed: JobResult = { objectId: 'ab', bytes: 4 };

function jobsOf() {
  const clock = new VirtualClock();
  const events = new EventBus();
  const seen: DomainEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const jobs = new Jobs(events, clock);
  const start = (work: Work<JobResult>) => {
    const job = jobs.start('warm', null, work);
    assert.ok(job !== null);
    return job.id;
  };
  return { clock, seen, jobs, start };
}

test('a job tells how far it is, and its result; its end is an event', async () => {
  const { clock, seen, jobs, start } = jobsOf();
  const done = Promise.withResolvers<JobResult>();
  let progress: WarmProgress | null = null;
  const id = start((given) => {
    progress = given;
    return done.promise;
  });
  (progress as WarmProgress | null)?.expect(10);
  (progress as WarmProgress | null)?.add(4);
  assert.deepEqual([jobs.get(id)?.state, jobs.get(id)?.done, jobs.get(id)?.total], ['running', 4, 10]);
  done.resolve(warmed);
  await clock.settle();
  const job = jobs.get(id);
  assert.deepEqual([job?.state, job?.result, job?.problem], ['done', warmed, null]);
  assert.ok(job?.endedAt);
  assert.deepEqual(seen, [{ type: 'job-done', at: clock.now(), job: id, kind: 'warm', outcome: 'done', done: 4 }]);
});

test('a job that is given up is told so, and what it still says changes nothing', async () => {
  const { clock, seen, jobs, start } = jobsOf();
  let aborted = false;
  let late: WarmProgress | null = null;
  const id = start((progress, signal) => {
    late = progress;
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  });
  assert.equal(jobs.cancel(id)?.state, 'cancelled');
  await clock.settle();
  (late as WarmProgress | null)?.add(5);
  assert.deepEqual(
    [aborted, jobs.get(id)?.state, jobs.get(id)?.done, jobs.get(id)?.problem],
    [true, 'cancelled', 0, null],
  );
  assert.equal(jobs.cancel(id)?.state, 'cancelled');
  assert.equal(jobs.cancel('none'), null);
  assert.deepEqual(
    seen.map((event) => event.type),
    ['job-done'],
  );
});

for (const [what, error] of [
  ['a fill', new FillFailed({ kind: 'changed' })],
  ['the store', new StoreError('EIO', 'The disk is broken.')],
  ['what was asked', new Problem(400, 'It makes no sense.')],
] as const) {
  test(`the failure of ${what} is told in its own words`, async () => {
    const { clock, seen, jobs, start } = jobsOf();
    const id = start(() => Promise.reject(error));
    await clock.settle();
    assert.deepEqual([jobs.get(id)?.state, jobs.get(id)?.problem], ['failed', error.message]);
    assert.deepEqual(
      seen.map((event) => event.type),
      ['job-done'],
    );
  });
}

test('anything else that is thrown is a bug, and tells nothing of itself', async () => {
  const { clock, seen, jobs, start } = jobsOf();
  const id = start(() => Promise.reject(new TypeError('a secret of the inside')));
  await clock.settle();
  assert.equal(jobs.get(id)?.state, 'failed');
  assert.doesNotMatch(jobs.get(id)?.problem ?? '', /secret/);
  assert.deepEqual(
    seen.map((event) => event.type),
    ['bug', 'job-done'],
  );
});

test('a bounded number runs, and a bounded number of those that have ended is remembered', async () => {
  const { clock, jobs, start } = jobsOf();
  const never = () => new Promise<JobResult>(() => {});
  for (let count = 0; count < mostRunning; count += 1) start(never);
  assert.equal(jobs.start('verify', null, never), null);
  jobs.stop();
  for (let count = 0; count < 200; count += 1) {
    start(async () => warmed);
    await clock.settle();
  }
  assert.equal(jobs.list().length, 100);
  assert.equal(jobs.list().at(-1)?.id, String(mostRunning + 200));
  assert.equal(jobs.get('1'), null);
});
