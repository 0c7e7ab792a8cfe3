/** Whoever has the right to a connection, or an answer on it, gives both back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import { giveUp } from '../../src/fill/opening.ts';
import { Parallelism } from '../../src/fill/parallelism.ts';
import { noGoal } from '../../src/fill/plan.ts';
import { RangedBody } from '../../src/fill/ranged-body.ts';
import type { Upstream } from '../../src/fill/upstream.ts';
import { requestRange } from '../../src/fill/upstream-request.ts';
import { film } from '../support/film.ts';
import { never } from '../support/never.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { defaultPolicy } from './policy.ts';

const movie = film(100_000);
const about = { target: '/film', fields: [] };

function stage() {
  const clock = new VirtualClock();
  const origin = new ScriptedOrigin(movie);
  const slots = new ConnectionSlots(2, 10);
  const parallelism = new Parallelism(clock, 8);
  const upstream: Pick<Upstream, 'firstByteMs' | 'takesEarlyRequests' | 'request' | 'refusedEarlyRequest'> = {
    firstByteMs: 1000,
    takesEarlyRequests: true,
    request: (offset) => requestRange(about, offset, offset + 1000),
    refusedEarlyRequest: () => {},
  };
  const requester = {
    position: 0,
    goal: { ...noGoal, until: 100_000, hardEnd: 100_000, refillBefore: 100_000 },
    throughput: 1e6,
    said: [],
    suffix: null,
    status: { queuedFor: 0, received: 1 },
    isRead: true,
    urgency: () => 'ahead' as const,
  };
  const parts = { clock, origin, slots, policy: defaultPolicy, upstream: upstream as Upstream, parallelism };
  return { clock, origin, slots, open: () => RangedBody.open(parts, requester, null, never) };
}

test('a fetch that ends while its next request is under way gives both connections back', async () => {
  const { clock, origin, slots, open } = stage();
  const body = await open();
  body.askEarly(1000);
  assert.equal(slots.used, 2);
  body.close();
  await clock.settle();
  assert.deepEqual([slots.used, origin.requests.map(({ live }) => live), clock.pending], [0, [false], 0]);
});

test('an answer that nobody takes is cancelled, and its connection given back', async () => {
  const { clock, origin, slots } = stage();
  const slot = await slots.acquire({ urgency: () => 'waited for' }, never);
  const request = requestRange(about, 0, 1000);
  const opened = origin.open(request, never);
  origin.requests[0]?.connected().head(206);
  giveUp({ request, reply: await opened, slot, startedAt: 0, headAt: 0, contradiction: null });
  await clock.settle();
  assert.deepEqual([slots.used, origin.requests.map(({ live }) => live)], [0, [false]]);
});

test('a request that is closed leaves no timer, and no body', async () => {
  const { clock, origin, open } = stage();
  const body = await open();
  const request = body.ask();
  origin.requests[0]?.connected().head(206);
  await request.head();
  request.close();
  await clock.settle();
  assert.deepEqual([origin.requests.map(({ live }) => live), clock.pending], [[false], 0]);
  body.close();
});

test('an answer that was there before is cancelled with the fetch that took it', async () => {
  const { clock, origin, slots, open } = stage();
  const body = await open();
  const opened = origin.open(requestRange(about, 0, 1000), never);
  origin.requests[0]?.connected().head(206);
  const slot = await slots.acquire({ urgency: () => 'waited for' }, never);
  const answer = { request: requestRange(about, 0, 1000), reply: await opened, slot };
  const request = body.ask({ ...answer, startedAt: 0, headAt: 0, contradiction: null });
  request.stop(new Error('not needed any more'));
  await clock.settle();
  assert.deepEqual([origin.requests.map(({ live }) => live), clock.pending], [[false], 0]);
});
