/** RFC 9110 §13: conditions, for the same film cold and cached, alone and before a range. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { etagOf, lastModified } from '../support/film-fields.ts';
import { answerTo, smallFilm, temperatures } from './answer.ts';

type Answer = 200 | 206 | 304 | 412 | 416;
type Row = readonly [fields: Readonly<Record<string, string>>, answer: Answer];

const etag = etagOf(smallFilm);
const other = '"other"';
const weak = `W/${etag}`;
const before = 'Tue, 31 Dec 2024 00:00:00 GMT';
const after = 'Thu, 02 Jan 2025 00:00:00 GMT';

const conditions: readonly Row[] = [
  [{ 'if-none-match': etag }, 304],
  [{ 'if-none-match': `${other}, ${etag}` }, 304],
  [{ 'if-none-match': weak }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': other }, 200],
  [{ 'if-none-match': other, 'if-modified-since': after }, 200],
  [{ 'if-none-match': etag, 'if-modified-since': before }, 304],
  [{ 'if-modified-since': lastModified }, 304],
  [{ 'if-modified-since': after }, 304],
  [{ 'if-modified-since': before }, 200],
  [{ 'if-modified-since': 'yesterday' }, 200],
  [{ 'if-match': etag }, 200],
  [{ 'if-match': '*' }, 200],
  [{ 'if-match': other }, 412],
  [{ 'if-match': weak }, 412],
  [{ 'if-unmodified-since': lastModified }, 200],
  [{ 'if-unmodified-since': before }, 412],
  [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
  [{ 'if-match': other, 'if-none-match': etag }, 412],
];

/** With `Range: bytes=0-9`, and with one past the end. */
const beforeRanges: ReadonlyArray<readonly [Row[0], inside: Answer, outside: Answer]> = [
  [{ 'if-range': etag }, 206, 416],
  [{ 'if-range': other }, 200, 200],
  [{ 'if-range': weak }, 200, 200],
  [{ 'if-range': 'garbage' }, 200, 200],
  [{ 'if-range': lastModified }, 206, 416],
  [{ 'if-range': before }, 200, 200],
  [{ 'if-range': after }, 200, 200],
  [{ 'if-none-match': etag }, 304, 304],
  [{ 'if-none-match': other }, 206, 416],
  [{ 'if-modified-since': lastModified }, 304, 304],
  [{ 'if-match': other }, 412, 412],
  [{ 'if-unmodified-since': before }, 412, 412],
];

const bodies = { 200: 1000, 206: 10, 304: 0 };

for (const temperature of temperatures) {
  describe(`conditions on a ${temperature} film`, () => {
    const check = async (fields: Row[0], answer: Answer) => {
      const { exchange } = await answerTo({ fields }, temperature);
      assert.deepEqual([exchange.outcome, exchange.status], ['complete', answer]);
      if (answer in bodies) assert.equal(exchange.bodyBytes, bodies[answer as keyof typeof bodies]);
      return exchange;
    };

    for (const [fields, answer] of conditions) {
      it(`${JSON.stringify(fields)} is answered by ${answer}`, async () => {
        await check(fields, answer);
      });
    }

    for (const [fields, inside, outside] of beforeRanges) {
      it(`${JSON.stringify(fields)} with a range is answered by ${inside}, past the end by ${outside}`, async () => {
        await check({ ...fields, range: 'bytes=0-9' }, inside);
        await check({ ...fields, range: 'bytes=2000-' }, outside);
      });
    }

    it('a 304 names the version and leaves the content out', async () => {
      const exchange = await check({ 'if-none-match': etag }, 304);
      const fields = ['etag', 'last-modified', 'content-type', 'content-length'].map((name) => exchange.field(name));
      assert.deepEqual(fields, [etag, lastModified, null, null]);
    });

    it('HEAD is answered as GET would be, without content', async () => {
      for (const [fields, answer] of conditions) {
        const { exchange } = await answerTo({ method: 'HEAD', fields }, temperature);
        assert.deepEqual([exchange.outcome, exchange.status, exchange.bodyBytes], ['complete', answer, 0]);
      }
    });
  });
}
