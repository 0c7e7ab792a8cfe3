import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { StalledClients } from '../../src/proxy/stalled-clients.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('when memory for reading is short', () => {
  it('the client that has been idle the longest goes first, one at a time', async () => {
    const clock = new VirtualClock();
    const stalled = new StalledClients(clock);
    const [first, second] = [new PassThrough(), new PassThrough()];
    stalled.add(first);
    await clock.advance(5000);
    stalled.add(second);
    await clock.advance(5000);
    stalled.endOne();
    assert.deepEqual([first.destroyed, second.destroyed], [true, false]);
    stalled.endOne();
    assert.equal(second.destroyed, false, 'it was idle for five seconds only');
    await clock.advance(5000);
    stalled.endOne();
    assert.equal(second.destroyed, true);
  });

  it('a client that went on is left alone, and counts from its next pause', async () => {
    const clock = new VirtualClock();
    const stalled = new StalledClients(clock);
    const client = new PassThrough();
    stalled.add(client);
    await clock.advance(60_000);
    stalled.remove(client);
    stalled.endOne();
    stalled.add(client);
    await clock.advance(9_999);
    stalled.endOne();
    assert.equal(client.destroyed, false);
  });
});
