import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fields, fieldValue } from '../../src/http/fields.ts';
import {
  combinable,
  type Representation,
  refreshed,
  representationFrom,
  sameRepresentation,
  underKnown,
} from '../../src/http/representation.ts';

const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';
const later = 'Sun, 06 Nov 1994 10:00:00 GMT';

function film(fields: Fields, length: number | null = 1000): Representation {
  return representationFrom(fields, length, { validatedAt: 5, ranges: true });
}

test('a representation keeps nothing that describes one message', () => {
  const representation = film([
    ['content-length', '10'],
    ['content-range', 'bytes 0-9/1000'],
    ['content-digest', 'sha-256=:x:'],
    ['transfer-encoding', 'chunked'],
    ['connection', 'x-hop'],
    ['x-hop', '1'],
    ['content-type', 'video/mp4'],
    ['date', later],
    ['age', '7'],
    ['etag', '"v1"'],
  ]);
  assert.deepEqual(
    representation.fields.map(([name]) => name),
    ['content-type', 'date', 'age', 'etag'],
  );
  assert.deepEqual(representation.validator, { kind: 'etag', value: '"v1"', strong: true });
  assert.equal(representation.length, 1000);
  assert.equal(representation.validatedAt, 5);
  assert.equal(representation.ranges, true);
});

test('two answers are one version only under the same validator and no two lengths', () => {
  const v1 = film([['etag', '"v1"']]);
  assert.ok(sameRepresentation(v1, film([['etag', '"v1"']])));
  assert.ok(sameRepresentation(v1, film([['etag', '"v1"']], null)));
  assert.ok(!sameRepresentation(v1, film([['etag', '"v1"']], 1001)));
  assert.ok(!sameRepresentation(v1, film([['etag', '"v2"']])));
  assert.ok(!sameRepresentation(v1, film([['etag', 'W/"v1"']])));
  assert.ok(!sameRepresentation(v1, film([])));
  assert.ok(!sameRepresentation(film([]), film([])));
});

test('a tag that appears beside the date that was proof before makes no other version', () => {
  const dated: Fields = [
    ['last-modified', modified],
    ['date', later],
  ];
  const known = film(dated);
  for (const tag of ['"v1"', 'W/"v1"']) {
    assert.ok(sameRepresentation(known, film([...dated, ['etag', tag]])), tag);
    assert.ok(!sameRepresentation(known, film([...dated, ['etag', tag]], 1001)), 'of another length');
    assert.ok(
      !sameRepresentation(
        known,
        film([
          ['last-modified', later],
          ['date', 'Sun, 06 Nov 1994 11:00:00 GMT'],
          ['etag', tag],
        ]),
      ),
    );
    assert.ok(
      !sameRepresentation(
        known,
        film([
          ['last-modified', modified],
          ['date', modified],
          ['etag', tag],
        ]),
      ),
      'weak',
    );
    assert.ok(!sameRepresentation(film([...dated, ['etag', tag]]), known), 'a tag that is gone');
    assert.ok(
      !sameRepresentation(film([...dated, ['etag', 'W/"v0"']]), film([...dated, ['etag', tag]])),
      'another tag',
    );
    const confirmed = refreshed(
      known,
      [
        ['last-modified', modified],
        ['etag', tag],
      ],
      99,
    );
    assert.equal(confirmed.validatedAt, 99);
    assert.deepEqual(confirmed.validator, known.validator, 'it is known by what its bytes came under');
    assert.equal(
      refreshed(
        known,
        [
          ['last-modified', later],
          ['etag', tag],
        ],
        99,
      ),
      known,
    );
    assert.equal(refreshed(known, [['etag', tag]], 99), known);
  }
});

test('what an answer of the same version says leaves the coding of the known bytes as it is', () => {
  const date = ['last-modified', modified] as const;
  const coded: Fields = [date, ['content-encoding', 'gzip'], ['content-md5', 'coded'], ['x-new', '1']];
  const plain: Fields = [date, ['content-md5', 'plain'], ['x-new', '2']];
  assert.deepEqual(underKnown(film(plain), film(coded)).fields, [date, ['x-new', '1'], ['content-md5', 'plain']]);
  assert.deepEqual(underKnown(film(coded), film(plain)).fields, [
    date,
    ['x-new', '2'],
    ['content-encoding', 'gzip'],
    ['content-md5', 'coded'],
  ]);
});

test('parts combine only under a strong validator', () => {
  assert.ok(combinable(film([['etag', '"v1"']])));
  assert.ok(!combinable(film([['etag', 'W/"v1"']])));
  assert.ok(!combinable(film([])));
  assert.ok(!combinable(film([['last-modified', modified]])));
  assert.ok(
    combinable(
      film([
        ['last-modified', modified],
        ['date', later],
      ]),
    ),
  );
});

test('a 304 replaces the fields that it sends and keeps the others', () => {
  const before = film([
    ['etag', '"v1"'],
    ['cache-control', 'max-age=1'],
    ['x-a', '1'],
    ['x-a', '2'],
    ['x-b', '3'],
    ['content-encoding', 'identity'],
  ]);
  const after = refreshed(
    before,
    [
      ['etag', '"v1"'],
      ['cache-control', 'max-age=3600'],
      ['x-a', '4'],
      ['content-type', 'video/mp4'],
      ['content-length', '0'],
      ['content-encoding', 'gzip'],
      ['connection', 'close'],
    ],
    99,
  );
  assert.equal(fieldValue(after.fields, 'cache-control'), 'max-age=3600');
  assert.equal(fieldValue(after.fields, 'x-a'), '4');
  assert.equal(fieldValue(after.fields, 'x-b'), '3');
  assert.equal(fieldValue(after.fields, 'content-type'), 'video/mp4');
  assert.equal(fieldValue(after.fields, 'content-encoding'), 'identity');
  assert.equal(fieldValue(after.fields, 'content-length'), null);
  assert.equal(fieldValue(after.fields, 'connection'), null);
  assert.equal(after.validatedAt, 99);
  assert.equal(after.length, 1000);
  assert.deepEqual(after.validator, before.validator);
});

test('the age of the old answer is not that of the 304', () => {
  const before = film([
    ['etag', '"v1"'],
    ['age', '500'],
    ['date', modified],
  ]);
  const after = refreshed(before, [['etag', '"v1"']], 99);
  assert.equal(fieldValue(after.fields, 'age'), null);
  assert.equal(fieldValue(after.fields, 'date'), null);
});

test('a 304 with another validator vouches for nothing', () => {
  const tagged = film([['etag', '"v1"']]);
  const dated = film([['last-modified', modified]]);
  assert.equal(refreshed(tagged, [['etag', '"v2"']], 99), tagged);
  assert.equal(refreshed(dated, [['last-modified', later]], 99), dated);
  assert.equal(refreshed(dated, [['etag', '"v1"']], 99), dated);
});

test('a 304 vouches by weak comparison, or by saying nothing else', () => {
  assert.equal(refreshed(film([['etag', '"v1"']]), [['etag', 'W/"v1"']], 99).validatedAt, 99);
  assert.equal(refreshed(film([['etag', '"v1"']]), [], 99).validatedAt, 99);
  assert.equal(refreshed(film([['last-modified', modified]]), [['last-modified', modified]], 99).validatedAt, 99);
  assert.equal(refreshed(film([['etag', '"v1"']]), [['last-modified', later]], 99).validatedAt, 99);
});

test('a weak validator stays weak through a 304', () => {
  const before = film([
    ['last-modified', modified],
    ['date', modified],
  ]);
  assert.equal(combinable(before), false);
  assert.equal(combinable(refreshed(before, [['date', later]], 99)), false);
});
