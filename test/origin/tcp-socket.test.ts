import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { openWide } from '../../src/origin/tcp-socket.ts';
import { contentAt } from '../../src/testing/content.ts';

const size = 24 * 1024 * 1024;
const content = contentAt(0, size);

for (const isReleased of [true, false]) {
  test(`a wide socket gives every byte, ${isReleased ? 'over and over in memory that was given back' : 'in memory of its own where none is given back'}`, async (t) => {
    const server = createServer((socket) => socket.end(content));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const socket = openWide({ host: '127.0.0.1', port });
    const kept: Buffer[] = [];
    const memory = new Set<ArrayBufferLike>();
    let before: (() => void) | null = null;
    let seen = 0;
    socket.on('data', (bytes: Buffer, release: () => void) => {
      memory.add(bytes.buffer);
      assert.ok(bytes.equals(content.subarray(seen, seen + bytes.length)), `wrong bytes at ${seen}`);
      seen += bytes.length;
      if (!isReleased) kept.push(bytes);
      before?.();
      // One more is looked at while the next is read, and saying it twice gives nothing away.
      before = () => {
        for (let count = 0; isReleased && count < 2; count += 1) release();
      };
    });
    await once(socket, 'close');
    assert.equal(seen, size);
    if (isReleased) assert.ok(memory.size <= 12, `${memory.size} pieces of memory`);
    else assert.ok(Buffer.concat(kept).equals(content));
  });
}
