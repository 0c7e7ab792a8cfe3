/** RFC 9110 §14: every form of `Range`, for the same film cold and cached. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Film, film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { answerTo, smallFilm, target, temperatures } from './answer.ts';

/** What is asked, without `bytes=`, and the first and last position of the 206; 200 for the whole, or 416. */
type Row = readonly [range: string, answer: readonly [first: number, last: number] | 200 | 416];

const long = { '2^53+1': '9007199254740993', '2^64': '18446744073709551616' };
const many = Array.from({ length: 17 }, (_, index) => `${index * 2}-${index * 2}`).join();

const rows: readonly Row[] = [
  ['0-', [0, 999]],
  ['0-0', [0, 0]],
  ['990-', [990, 999]],
  ['-10', [990, 999]],
  ['999-999', [999, 999]],
  ['990-1000', [990, 999]],
  ['-1000', [0, 999]],
  ['-5000', [0, 999]],
  ['1000-', 416],
  ['1000-1000', 416],
  ['-0', 416],
  ['1000-,-0', 416],
  [`0-${long['2^53+1']}`, [0, 999]],
  [`990-${long['2^64']}`, [990, 999]],
  [`${long['2^53+1']}-`, 416],
  [`${long['2^64']}-${long['2^64']}0`, 416],
  [`-${long['2^53+1']}`, [0, 999]],
  [`-${long['2^64']}`, [0, 999]],
  ['5-2', 200],
  ['abc', 200],
  ['-', 200],
  ['', 200],
  [',', 200],
  ['0- 9', 200],
  ['--5', 200],
  ['0.5-9', 200],
  ['0x1-0x9', 200],
  ['+1-9', 200],
  ['0-9,abc', 200],
  [',0-9', [0, 9]],
  ['0-9 , ,', [0, 9]],
  ['0-9,1000-', [0, 9]],
  ['0-,0-', 200],
  ['0-600,500-', 200],
  [many, 200],
  [Array(1000).fill('0-').join(), 200],
];

function lengthOf(answer: Row[1], size: number): number {
  return typeof answer === 'number' ? size : answer[1] - answer[0] + 1;
}

for (const temperature of temperatures) {
  describe(`a range of a ${temperature} film`, () => {
    for (const [range, answer] of rows) {
      const name = range.length > 40 ? `${range.slice(0, 40)}…` : range;
      it(`"${name}" is answered by ${typeof answer === 'number' ? answer : `206 ${answer.join('-')}`}`, async () => {
        const { exchange } = await answerTo({ range }, temperature);
        assert.equal(exchange.outcome, 'complete');
        assert.equal(exchange.status, typeof answer === 'number' ? answer : 206);
        const ranges = { 200: null, 416: 'bytes */1000' };
        const contentRange = typeof answer === 'number' ? ranges[answer] : `bytes ${answer.join('-')}/1000`;
        assert.equal(exchange.field('content-range'), contentRange);
        assert.equal(exchange.field('content-length'), String(exchange.bodyBytes));
        if (answer !== 416) assert.equal(exchange.bodyBytes, lengthOf(answer, 1000));
        if (answer !== 416) assert.equal(exchange.field('accept-ranges'), 'bytes');
      });
    }

    for (const value of ['items=0-9', 'bytes 0-9', '0-9']) {
      it(`of another unit, "${value}", is ignored`, async () => {
        const { exchange } = await answerTo({ fields: { range: value } }, temperature);
        assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 1000]);
      });
    }

    it('may name its unit in any case', async () => {
      const { exchange } = await answerTo({ fields: { range: 'BYTES=0-9' } }, temperature);
      assert.deepEqual([exchange.status, exchange.field('content-range')], [206, 'bytes 0-9/1000']);
    });

    it('in two lines is ignored', async () => {
      const text = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-9\r\nRange: bytes=20-29\r\n\r\n`;
      const { exchange } = await answerTo({ text }, temperature);
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 1000]);
    });

    it('of two parts comes as multipart/byteranges of exactly the announced length', async () => {
      const { exchange } = await answerTo({ range: '0-9,990-', film: null }, temperature);
      assert.equal(exchange.status, 206);
      const [, boundary = ''] =
        /^multipart\/byteranges; boundary=(.+)$/.exec(exchange.field('content-type') ?? '') ?? [];
      const part = (first: number, last: number) =>
        Buffer.concat([
          Buffer.from(
            `\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${first}-${last}/1000\r\n\r\n`,
          ),
          smallFilm.bytesAt(first, last + 1),
        ]);
      const body = Buffer.concat([part(0, 9), part(990, 999), Buffer.from(`\r\n--${boundary}--\r\n`)]);
      assert.equal(exchange.text, body.toString());
      assert.equal(exchange.field('content-length'), String(body.length));
      assert.equal(exchange.field('content-range'), null);
    });

    it('of a HEAD is ignored', async () => {
      const { exchange } = await answerTo({ method: 'HEAD', range: '0-9' }, temperature);
      assert.deepEqual([exchange.status, exchange.field('content-length')], [200, '1000']);
      assert.deepEqual([exchange.field('content-range'), exchange.bodyBytes], [null, 0]);
    });

    it('of a film without a byte is outside of it; a suffix is all of it', async () => {
      const empty: { films: Film } = { films: film(0) };
      const first = (await answerTo({ range: '0-0' }, temperature, empty)).exchange;
      assert.deepEqual([first.status, first.field('content-range')], [416, 'bytes */0']);
      for (const question of [{}, { range: '-5' }, { method: 'HEAD' }]) {
        const { exchange } = await answerTo(question, temperature, empty);
        assert.deepEqual([exchange.status, exchange.field('content-length'), exchange.bodyBytes], [200, '0', 0]);
      }
    });

    for (const range of ['0-9', '-10', '990-', '2000-']) {
      it(`"${range}" has the right bytes where the origin knows no ranges`, async () => {
        const { exchange } = await answerTo({ range }, temperature, { origin: { ignoreRange: true } });
        assert.deepEqual([exchange.outcome, exchange.status], ['complete', range === '2000-' ? 416 : 206]);
      });
    }
  });
}

describe('a range of an error', () => {
  for (const status of [401, 403, 404, 410, 500]) {
    it(`${status} of the origin is not cut out of its text`, async () => {
      const { exchange } = await answerTo({ range: '0-4' }, 'cold', { origin: { status } });
      assert.deepEqual([exchange.status, exchange.text], [status, `This is the origin's ${status}.\n`]);
      assert.deepEqual([exchange.field('content-range'), exchange.outcome], [null, 'complete']);
    });
  }
});

describe('a film whose length is not known', () => {
  const origin = { framing: 'chunked', ignoreRange: true } as const;

  for (const range of ['0-9', '990-', '-10', '0-']) {
    it(`comes whole for "${range}"`, async () => {
      const { exchange } = await answerTo({ range }, 'cold', { origin });
      assert.deepEqual([exchange.outcome, exchange.status, exchange.bodyBytes], ['complete', 200, 1000]);
      assert.deepEqual([exchange.field('content-length'), exchange.field('accept-ranges')], [null, null]);
    });

    it(`has a length once its end has come, and then "${range}" is a part`, async () => {
      const { exchange } = await answerTo({ range }, 'cached', { origin });
      assert.deepEqual([exchange.outcome, exchange.status], ['complete', 206]);
      assert.match(exchange.field('content-range') ?? '', /\/1000$/);
    });
  }

  it('has no length in the reply to a HEAD', async () => {
    const { exchange } = await answerTo({ method: 'HEAD' }, 'cold', { origin });
    assert.deepEqual([exchange.status, exchange.field('content-length')], [200, null]);
  });

  it('comes whole where the origin gives a part without a total', async () => {
    const rig = await virtualRig({ films: smallFilm });
    rig.origin.next({ fields: { 'content-range': 'bytes 0-999/*' } });
    const exchange = rig.get(target, { range: '0-' });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 1000]);
    await rig.close();
  });
});
