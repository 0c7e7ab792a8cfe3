import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { StalledClients } from '../../src/proxy/stalled-clients.ts';

describe('where more clients take nothing than there is memory for', () => {
  it('the one that has been idle the longest goes, and no other', () => {
    let ended = 0;
    const stalled = new StalledClients(2, (client) => {
      client.destroy();
      ended += 1;
    });
    const clients = [new PassThrough(), new PassThrough(), new PassThrough(), new PassThrough()] as const;
    for (const client of clients.slice(0, 2)) stalled.add(client);
    assert.deepEqual([stalled.count, ended], [2, 0]);
    stalled.add(clients[2]);
    stalled.add(clients[3]);
    assert.deepEqual(
      clients.map(({ destroyed }) => destroyed),
      [true, true, false, false],
    );
    assert.deepEqual([stalled.count, ended], [2, 2]);
  });

  it('a client that went on is left alone, and counts from its next pause', () => {
    const stalled = new StalledClients(2);
    const clients = [new PassThrough(), new PassThrough(), new PassThrough()] as const;
    stalled.add(clients[0]);
    stalled.add(clients[1]);
    stalled.remove(clients[0]);
    stalled.add(clients[0]);
    stalled.add(clients[2]);
    assert.deepEqual(
      clients.map(({ destroyed }) => destroyed),
      [false, true, false],
    );
  });
});
