import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Fields, fieldValue } from '../../src/http/fields.ts';
import { representationFrom } from '../../src/http/representation.ts';
import { hintOf, isConditional, type Reply, replyFor } from '../../src/proxy/reply.ts';

const described: Fields = [
  ['etag', '"v1"'],
  ['content-type', 'video/mp4'],
  ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
  ['age', '5'],
  ['accept-ranges', 'none'],
  ['set-cookie', 'secret=1'],
  ['content-location', '/other.mp4'],
];
const arrivedAt = Date.UTC(2026, 0, 1);
const known = representationFrom(described, 1000, { validatedAt: arrivedAt, ranges: true });

function reply(fields: Fields, method = 'GET', representation = known): Reply {
  const made = replyFor({ method, fields }, representation, arrivedAt + 60_000);
  if ('outcome' in made) throw new Error(`It was refused by ${made.status}.`);
  return made;
}

describe('a reply', () => {
  it("has the origin's fields, but for what is ours to say and what is nobody's business", () => {
    assert.deepEqual(reply([]).fields, [
      ['etag', '"v1"'],
      ['content-type', 'video/mp4'],
      ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ['content-location', '/other.mp4'],
      ['age', '65'],
      ['accept-ranges', 'bytes'],
      ['content-length', '1000'],
    ]);
  });

  it('of 304 leaves out what describes the content', () => {
    const names = reply([['if-none-match', '"v1"']]).fields.map(([name]) => name);
    assert.deepEqual(names, ['etag', 'date', 'content-location', 'age']);
  });

  it('of several parts has their type in the parts', () => {
    const { fields, body } = reply([['range', 'bytes=0-9,20-29']]);
    assert.match(fieldValue(fields, 'content-type') ?? '', /^multipart\/byteranges/);
    assert.equal(body.kind, 'parts');
  });

  it('to HEAD has no body, and neither has an empty one', () => {
    const empty = representationFrom([], 0, { validatedAt: arrivedAt, ranges: false });
    assert.deepEqual([reply([], 'HEAD').body, reply([], 'GET', empty).body], [{ kind: 'none' }, { kind: 'none' }]);
  });

  it('slices no content coding', () => {
    const coded = representationFrom([['content-encoding', 'gzip']], 1000, { validatedAt: arrivedAt, ranges: false });
    const whole = reply([['range', 'bytes=0-9']], 'GET', coded);
    assert.deepEqual([whole.status, whole.body], [200, { kind: 'run', start: 0, end: 1000 }]);
    assert.equal(fieldValue(whole.fields, 'accept-ranges'), null);
  });

  it('without a length is whole, without a promise of ranges', () => {
    const endless = representationFrom([], null, { validatedAt: arrivedAt, ranges: false });
    const whole = reply([['range', 'bytes=5-9']], 'GET', endless);
    assert.deepEqual([whole.status, whole.body], [200, { kind: 'run', start: 0, end: null }]);
    assert.deepEqual(whole.fields, [['age', '60']]);
  });
});

describe('a hint', () => {
  const hint = (range: string | null, method = 'GET') =>
    hintOf({ method, fields: range === null ? [] : [['range', range]] });

  it('begins where the one range that is asked for begins', () => {
    assert.deepEqual(hint('bytes=5-9'), { start: 5, end: 10 });
    assert.deepEqual(hint('bytes=5-'), { start: 5, end: null });
  });

  it('begins at the beginning where the length must be known first', () => {
    for (const range of [null, 'bytes=-5', 'bytes=5-9,20-', 'bytes=9-5', 'items=5-9']) {
      assert.equal(hint(range).start, 0, String(range));
    }
  });

  it('of a HEAD asks for no byte, and is told from the first byte alone', () => {
    assert.deepEqual(hint('bytes=5-9', 'HEAD'), { start: 0, end: 0 });
    assert.deepEqual(hint('bytes=0-0', 'GET'), { start: 0, end: 1 });
  });
});

describe('a request', () => {
  it('is conditional by any of the five fields', () => {
    const names = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'];
    for (const name of names) assert.ok(isConditional({ method: 'GET', fields: [[name, 'x']] }), name);
    assert.ok(!isConditional({ method: 'GET', fields: [['range', 'bytes=0-']] }));
  });
});
