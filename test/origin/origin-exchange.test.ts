import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OriginExchange } from '../../src/origin/origin-exchange.ts';
import { contentAt } from '../../src/testing/content.ts';
import { runs } from '../support/runs.ts';

const host = { host: 'origin', method: 'GET' };

/** An answer as it is on the wire: its head, and its body in chunks of these sizes where there are any. */
function answerOf(content: Buffer, chunks: readonly number[]): Buffer {
  if (chunks.length === 0)
    return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`), content]);
  const parts: Buffer[] = [Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')];
  for (let at = 0, count = 0; at < content.length; count += 1) {
    const chunk = content.subarray(at, at + (chunks[count % chunks.length] ?? 1));
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    at += chunk.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

test('what was read stays what it is until the next read, and its memory is given back then', async () => {
  const size = fc.integer({ min: 1, max: 400 });
  const order = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3000 }),
      fc.array(size, { maxLength: 5 }),
      fc.array(size, { minLength: 1 }),
      order,
      async (length, chunks, reads, readsFirst) => {
        const content = contentAt(0, length);
        const wire = answerOf(content, chunks);
        const exchange = new OriginExchange(host, new AbortController().signal, { pause() {}, resume() {}, over() {} });
        let given = 0;
        let back = 0;
        let at = 0;
        /** One read of the network, in memory that is overwritten as soon as it is given back. */
        const land = () => {
          if (at >= wire.length) return false;
          const memory = Buffer.from(wire.subarray(at, at + (reads[given % reads.length] ?? 1)));
          at += memory.length;
          given += 1;
          exchange.take(memory, () => {
            memory.fill('used again');
            back += 1;
          });
          return true;
        };
        while (!exchange.answered || (at < wire.length && wire.indexOf('\r\n\r\n') + 4 > at)) land();
        const { body } = await exchange.head;
        const heads = given - back;
        let seen = 0;
        for (let count = 0; ; count += 1) {
          if (readsFirst[count % readsFirst.length] === false) land();
          const reading = body.read();
          while (land());
          const bytes = await reading;
          if (bytes === null) break;
          assert.ok(bytes.equals(content.subarray(seen, seen + bytes.length)), `wrong bytes at ${seen}`);
          seen += bytes.length;
        }
        assert.equal(seen, length);
        assert.ok(given - back <= heads, `${given - back} reads were not given back, ${heads} of them with the head`);
      },
    ),
    { numRuns: runs(200) },
  );
});
