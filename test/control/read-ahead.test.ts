import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadAhead } from '../../src/control/read-ahead.ts';
import type { DomainEvent } from '../../src/events.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import * as sample from './sample-events.ts';

function readAhead() {
  const decided = { used: 0, wasted: 0 };
  const ahead = new ReadAhead((_, fate, bytes) => {
    decided[fate] += bytes;
  });
  const take = (...events: DomainEvent[]) => {
    for (const event of events) ahead.take(event);
  };
  return { take, sums: () => ({ ...decided, unread: ahead.unread().get('films') ?? 0 }) };
}

test('a byte is used when a client is given it for the first time, and only then', () => {
  const { take, sums } = readAhead();
  take(sample.bytesLanded(100), sample.bytesSent('memory', 30), sample.bytesSent('memory', 30));
  assert.deepEqual(sums(), { used: 30, wasted: 0, unread: 70 });
  take(sample.bytesSent('store', 30, { offset: 20, request: 2 }));
  assert.deepEqual(sums(), { used: 50, wasted: 0, unread: 50 });
});

test('bytes that nobody was given are wasted when their fill lets go of them', () => {
  const { take, sums } = readAhead();
  take(sample.bytesLanded(100), sample.bytesSent('memory', 40), sample.fillState('filling', 'paused'));
  assert.deepEqual(sums(), { used: 40, wasted: 0, unread: 60 });
  take(sample.fillState('paused', 'idle'));
  assert.deepEqual(sums(), { used: 40, wasted: 60, unread: 0 });
});

test('a byte that lands again before anybody was given it is wasted once', () => {
  const { take, sums } = readAhead();
  take(sample.bytesLanded(100), sample.bytesLanded(100, { offset: 50 }));
  assert.deepEqual(sums(), { used: 0, wasted: 50, unread: 150 });
});

test('bytes from the store, which did not land here, are nothing that was read ahead', () => {
  const { take, sums } = readAhead();
  take(sample.bytesSent('store', 1000, { fill: 2 }), sample.fillState('complete', 'idle'));
  assert.deepEqual(sums(), { used: 0, wasted: 0, unread: 0 });
});

test('of a film that is left in the middle, what was sent is used, and the rest of what landed wasted', async () => {
  const rig = await virtualRig({ films: film(8_000_000), settings: { readAhead: '2MB' } });
  const { take, sums } = readAhead();
  rig.daemon.events.subscribe(take);
  const player = rig.player({ rate: 100_000 });
  const exchange = player.get('/films/film.mp4');
  await rig.clock.advanceUntil(exchange.received(1_000_000));
  player.leave();
  await rig.clock.advance(120_000);
  const sent = rig.eventsOf('bytes-sent').reduce((most, { offset, bytes }) => Math.max(most, offset + bytes), 0);
  const landed = rig.eventsOf('bytes-landed').reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(sent >= 1_000_000 && landed > sent + 500_000, `${sent} of ${landed}`);
  assert.deepEqual(sums(), { used: sent, wasted: landed - sent, unread: 0 });
  await rig.close();
});
