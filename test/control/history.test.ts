import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHistory } from '../../src/control/history.ts';
import { EventBus } from '../../src/events.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import * as sample from './sample-events.ts';

function historic() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 24));
  const events = new EventBus();
  return { clock, events, history: createHistory(events, clock) };
}

test('before anything happened there is one step, under way, with nothing in it', () => {
  const { interval, points } = historic().history.read(60);
  const nothing = {
    bytesIn: 0,
    bytesOut: 0,
    requests: 0,
    ownErrors: 0,
    waits: 0,
    firstByteP50: null,
    firstByteP95: null,
  };
  assert.equal(interval, 10_000);
  assert.deepEqual(points, [{ at: '2026-11-24T00:00:00.000Z', ...nothing, origins: {} }]);
});

test('an event belongs to the ten seconds in which it happened, to the millisecond', async () => {
  const { clock, events, history } = historic();
  await clock.advance(9_999);
  events.emit(sample.bytesLanded(1));
  await clock.advance(1);
  events.emit(sample.bytesLanded(2));
  await clock.advance(20_000);
  events.emit(sample.bytesLanded(4));
  const { points } = history.read(60);
  assert.deepEqual(
    points.map(({ at, bytesIn }) => [at.slice(14, 19), bytesIn]),
    [
      ['00:00', 1],
      ['00:10', 2],
      ['00:20', 0],
      ['00:30', 4],
    ],
  );
});

test('each number counts what it says', () => {
  const { events, history } = historic();
  for (const event of [
    sample.bytesLanded(100),
    sample.bytesLanded(50, { origin: 'music' }),
    sample.bytesSent('store', 70),
    sample.requestDone(),
    sample.requestDone({ outcome: 'gone' }),
    sample.ownError(),
    sample.firstByteWait({ outcome: 'late', duration: 30_000 }),
    sample.fillFirstByte({ startedAt: 100, landedAt: 350 }),
    sample.retry({ origin: 'music' }),
    sample.fillFailed('dns_error'),
  ]) {
    events.emit(event);
  }
  const [point] = history.read(1).points;
  const { at: _, origins, ...numbers } = point ?? { at: '', origins: {} };
  assert.deepEqual(numbers, {
    bytesIn: 150,
    bytesOut: 70,
    requests: 2,
    ownErrors: 1,
    waits: 1,
    firstByteP50: null,
    firstByteP95: null,
  });
  assert.deepEqual(origins, {
    films: { bytesIn: 100, firstByteP50: 250, failures: 1 },
    music: { bytesIn: 50, firstByteP50: null, failures: 1 },
  });
});

test('quantiles are those of all waits of the step, also when it is over', async () => {
  const { clock, events, history } = historic();
  const durations = Array.from({ length: 100 }, (_, index) => 100 - index);
  for (const duration of durations) events.emit(sample.firstByteWait({ duration }));
  const quantiles = () => history.read(60).points.map(({ firstByteP50, firstByteP95 }) => [firstByteP50, firstByteP95]);
  assert.deepEqual(quantiles(), [[50, 95]]);
  await clock.advance(10_000);
  events.emit(sample.firstByteWait({ duration: 7 }));
  assert.deepEqual(quantiles(), [
    [50, 95],
    [7, 7],
  ]);
});

test('of more than 4096 waits in one step the newest make the quantiles', () => {
  const { events, history } = historic();
  for (let count = 0; count < 4096; count += 1) events.emit(sample.firstByteWait({ duration: 1 }));
  for (let count = 0; count < 4096; count += 1) events.emit(sample.firstByteWait({ duration: 9 }));
  const [point] = history.read(1).points;
  assert.deepEqual([point?.waits, point?.firstByteP50], [8192, 9]);
});

test('an hour is kept, and no more', async () => {
  const { clock, events, history } = historic();
  for (let step = 0; step < 400; step += 1) {
    events.emit(sample.bytesSent('store', step));
    await clock.advance(10_000);
  }
  const { points } = history.read(60);
  assert.equal(points.length, 360);
  assert.deepEqual([points[0]?.bytesOut, points.at(-2)?.bytesOut, points.at(-1)?.bytesOut], [41, 399, 0]);
  assert.equal(points.at(-1)?.at, '2026-11-24T01:06:40.000Z');
  await clock.advance(2 * 3_600_000);
  assert.ok(history.read(60).points.every(({ bytesOut }) => bytesOut === 0));
});

test('who asks for fewer minutes gets the last ones', async () => {
  const { clock, history } = historic();
  await clock.advance(600_000);
  const { points } = history.read(2);
  assert.deepEqual([points.length, points.at(-1)?.at], [12, '2026-11-24T00:10:00.000Z']);
});

test('nothing is kept after stop', () => {
  const { events, history } = historic();
  history.stop();
  events.emit(sample.bytesLanded(1));
  assert.equal(history.read(1).points[0]?.bytesIn, 0);
});

test('of a film from an origin that is silent for 2 s it tells the wait, and every byte', async () => {
  const rig = await virtualRig({ films: film(3_000_000), origin: { headAfter: 2000 }, relay: { rate: 200_000 } });
  await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
  const answer = rig.player({ film: film(0) }).get('/-/api/v1/history?minutes=1', { film: null });
  await rig.clock.advanceUntil(answer.done());
  const { points } = JSON.parse(answer.text);
  const sum = (field: string) =>
    points.reduce((total: number, point: Record<string, number>) => total + (point[field] ?? 0), 0);
  assert.deepEqual([sum('bytesIn'), sum('bytesOut'), sum('requests'), sum('waits')], [3_000_000, 3_000_000, 1, 1]);
  assert.equal(points.length, 2);
  assert.ok(points[0].firstByteP50 >= 2000 && points[0].firstByteP50 < 2100, points[0].firstByteP50);
  assert.equal(points[0].origins.films.firstByteP50, points[0].firstByteP50);
  await rig.close();
});
