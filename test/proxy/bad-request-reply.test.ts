import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendBadRequestReply } from '../../src/proxy/bad-request-reply.ts';
import { rejection } from '../../src/proxy/rejection.ts';
import { duplexPair } from '../support/duplex-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const malformed = rejection(400, 'The request is malformed.');

test('a connection that is turned away is closed within a second, though its client takes nothing', async () => {
  const clock = new VirtualClock();
  const [, socket] = duplexPair();
  sendBadRequestReply(socket, malformed, clock);
  await clock.advance(999);
  assert.equal(socket.destroyed, false);
  await clock.advance(1);
  assert.deepEqual([socket.destroyed, clock.pending], [true, 0]);
});

test('a connection whose client goes when it is turned away leaves no timer', async () => {
  const clock = new VirtualClock();
  const [client, socket] = duplexPair();
  sendBadRequestReply(socket, malformed, clock);
  client.resetAndDestroy();
  await clock.settle();
  assert.deepEqual([socket.destroyed, clock.pending], [true, 0]);
});
