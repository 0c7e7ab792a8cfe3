import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { playOnce } from '../../demo/playback.ts';
import type { Clock } from '../../src/clock.ts';
import { EventBus, type FillFirstByteEvent } from '../../src/events.ts';

const film = Buffer.from('a film of some bytes');

/** Plays from a server that answers as `reply` does, at a time that stands still at 1000 ms. */
async function playFrom(
  reply: (response: ServerResponse) => void,
  events = new EventBus(),
  signal = new AbortController().signal,
) {
  const server = createServer((_, response) => reply(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock: Clock = { now: () => 1000, wallTime: () => 0, after: () => ({ cancel() {} }) };
  try {
    return await playOnce(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, film, events, signal, clock);
  } finally {
    server.close().closeAllConnections();
  }
}

const firstByte: FillFirstByteEvent = {
  type: 'fill-first-byte',
  at: 1005,
  fill: 1,
  origin: 'film',
  path: '/film.mp4',
  offset: 0,
  attempt: 1,
  queued: 0,
  startedAt: 1001,
  connectedAt: 1002,
  headAt: 1003,
  landedAt: 1004,
  storedAt: 1005,
};

test('a film that comes as it is has no fault', async () => {
  const { fault, timeline } = await playFrom((response) => response.end(film));
  assert.equal(fault, null);
  assert.deepEqual(timeline, {
    connected: null,
    originHead: null,
    firstByteLanded: null,
    firstByteOut: 0,
    done: 0,
  });
});

test("the origin's moments are those of the first fill, since the film was asked for", async () => {
  const events = new EventBus();
  const { timeline } = await playFrom((response) => {
    events.emit(firstByte);
    events.emit({ ...firstByte, headAt: 5000 });
    response.end(film);
  }, events);
  assert.equal(timeline.connected, 2);
  assert.equal(timeline.originHead, 3);
  assert.equal(timeline.firstByteLanded, 4);
});

test('a warm connection was connected when the fill began', async () => {
  const events = new EventBus();
  const { timeline } = await playFrom((response) => {
    events.emit({ ...firstByte, connectedAt: null });
    response.end(film);
  }, events);
  assert.equal(timeline.connected, 1);
});

test('a wrong byte is a fault', async () => {
  const wrong = Buffer.from(film).fill('x', 3, 4);
  const { fault } = await playFrom((response) => response.end(wrong));
  assert.equal(fault, 'A byte between 0 and 20 is wrong.');
});

test('too few and too many bytes are faults', async () => {
  const short = await playFrom((response) => response.end(film.subarray(0, 5)));
  assert.equal(short.fault, '5 bytes came of 20.');
  const long = await playFrom((response) => response.end(Buffer.concat([film, film])));
  assert.notEqual(long.fault, null);
});

test('a reply other than 200 is a fault', async () => {
  const { fault } = await playFrom((response) => response.writeHead(206).end(film));
  assert.equal(fault, 'The status is 206 and not 200.');
});

test('a reply that is cut is a fault', async () => {
  const { fault } = await playFrom((response) => {
    response.writeHead(200, { 'content-length': film.length });
    response.write(film.subarray(0, 4), () => response.destroy());
  });
  assert.match(fault ?? '', /^The reply broke off/);
});

test('a playback that is given up rejects with the reason', async () => {
  const given = new AbortController();
  const playback = playFrom(() => given.abort(new Error('given up')), new EventBus(), given.signal);
  await assert.rejects(playback, /given up/);
});
