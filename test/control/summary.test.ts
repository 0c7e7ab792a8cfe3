import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/control/registry.ts';
import { createStats } from '../../src/control/stats.ts';
import { type SummaryLine, startSummary } from '../../src/control/summary.ts';
import { EventBus } from '../../src/events.ts';
import { nothingLent } from '../../src/lent.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { readings } from './readings.ts';
import * as sample from './sample-events.ts';

function summarising(interval = 30_000) {
  const clock = new VirtualClock();
  const events = new EventBus();
  const lines: SummaryLine[] = [];
  const stats = createStats(createMetrics(events, readings()), events, clock, () => nothingLent);
  const stop = startSummary({ interval, write: (line) => lines.push(line) }, stats, events, clock);
  return { clock, events, lines, stop };
}

test('while nothing happens there is no line and no timer', async () => {
  const { clock, lines } = summarising();
  await clock.advance(300_000);
  assert.equal(lines.length, 0);
  assert.equal(clock.pending, 0);
});

test('a busy interval gives one line, whatever happens in it, and a quiet one none', async () => {
  const { clock, events, lines } = summarising();
  for (let count = 0; count < 3; count += 1) events.emit(sample.requestDone());
  await clock.advance(29_999);
  assert.equal(lines.length, 0);
  await clock.advance(1);
  assert.equal(lines.length, 1);
  await clock.advance(300_000);
  assert.equal(lines.length, 1);
  events.emit(sample.requestDone());
  await clock.advance(30_000);
  assert.equal(lines.length, 2);
});

test('the interval is the one that was set', async () => {
  const { clock, events, lines } = summarising(1_000);
  events.emit(sample.requestDone());
  await clock.advance(1_000);
  assert.equal(lines.length, 1);
});

for (const phase of ['queued', 'starting', 'filling'] as const) {
  test(`a fill that is ${phase} keeps the lines coming though nothing happens`, async () => {
    const { clock, events, lines } = summarising();
    events.emit(sample.fillState('idle', phase));
    await clock.advance(90_000);
    assert.equal(lines.length, 3);
    events.emit(sample.fillState(phase, 'failed'));
    await clock.advance(300_000);
    assert.equal(lines.length, 4);
  });
}

test('the line holds the counts since the start that are not zero', async () => {
  const { clock, events, lines } = summarising();
  events.emit(sample.requestDone({ outcome: 'failed', cache: 'miss' }));
  events.emit(sample.ownError());
  events.emit(sample.firstByteWait({ outcome: 'late', duration: 30_001 }));
  events.emit(sample.fillState('idle', 'failed'));
  await clock.advance(30_000);
  assert.deepEqual(lines, [
    {
      uptimeSeconds: 30,
      requests: { failed: 1 },
      cache: { miss: 1 },
      ownErrors: { '504 http_response_timeout starting': 1 },
      firstByteWaits: { late: { count: 1, sumSeconds: 30.001, atMost: { '60s': 1 } } },
      fills: { failed: 1 },
    },
  ]);
});

test('no line is written after stop, and nothing sets the timer again', async () => {
  for (const before of [[], [sample.requestDone()]]) {
    const { clock, events, lines, stop } = summarising();
    for (const event of before) events.emit(event);
    stop();
    events.emit(sample.requestDone());
    assert.equal(clock.pending, 0);
    await clock.advance(60_000);
    assert.equal(lines.length, 0);
  }
});

test('a stop while the counts are being read lets no line through', async () => {
  const clock = new VirtualClock();
  const events = new EventBus();
  const lines: SummaryLine[] = [];
  const stats = createStats(createMetrics(events, readings()), events, clock, () => nothingLent);
  const read = () => {
    stop();
    return stats.read();
  };
  const summary = { interval: 1, write: (line: SummaryLine) => lines.push(line) };
  const stop = startSummary(summary, { ...stats, read }, events, clock);
  events.emit(sample.fillState('idle', 'starting'));
  await clock.advance(10);
  assert.deepEqual([lines.length, clock.pending], [0, 0]);
});
