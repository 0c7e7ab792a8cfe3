import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatValidator,
  lastModifiedOf,
  parseEntityTag,
  parseEntityTags,
  sameValidator,
  standsForBytes,
  stronglyEqual,
  type Validator,
  validatorOf,
  weaklyEqual,
  whetherCurrent,
} from '../../src/http/validator.ts';

const strong: Validator = { kind: 'etag', value: '"v1"', strong: true };
const weak: Validator = { kind: 'etag', value: '"v1"', strong: false };
const other: Validator = { kind: 'etag', value: '"v2"', strong: true };
const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';

test('an entity tag comes before a date', () => {
  assert.deepEqual(
    validatorOf([
      ['last-modified', modified],
      ['etag', 'W/"v1"'],
    ]),
    weak,
  );
  assert.deepEqual(validatorOf([['etag', '"v1"']]), strong);
  assert.equal(validatorOf([]), null);
});

test('a date is strong only where the answer is at least one second younger', () => {
  const at = (date: string) =>
    lastModifiedOf([
      ['last-modified', modified],
      ['date', date],
    ])?.strong;
  assert.equal(at('Sun, 06 Nov 1994 08:49:37 GMT'), false);
  assert.equal(at('Sun, 06 Nov 1994 08:49:38 GMT'), true);
  assert.equal(at('Sun, 06 Nov 1994 08:49:36 GMT'), false);
  assert.equal(at('yesterday'), false);
  assert.equal(lastModifiedOf([['last-modified', modified]])?.strong, false);
  assert.equal(lastModifiedOf([['last-modified', 'yesterday']]), null);
});

test('what is no entity tag is none', () => {
  for (const text of ['', 'v1', '"v1', 'v1"', 'w/"v1"', 'W/v1', '"a"b"', '"a", "b"', '"a b"', '*']) {
    assert.equal(parseEntityTag(text), null, text);
  }
  assert.deepEqual(parseEntityTag('""'), { kind: 'etag', value: '""', strong: true });
  assert.deepEqual(parseEntityTag('"\u00e9,"'), { kind: 'etag', value: '"\u00e9,"', strong: true });
});

test('a malformed entity tag leaves the date as the validator', () => {
  assert.equal(
    validatorOf([
      ['etag', 'v1'],
      ['last-modified', modified],
    ])?.kind,
    'last-modified',
  );
});

test('a list of entity tags may hold commas inside tags and empty members', () => {
  const values = (text: string) => parseEntityTags(text).map(formatValidator);
  assert.deepEqual(values('"a", W/"b","c,d"'), ['"a"', 'W/"b"', '"c,d"']);
  assert.deepEqual(values(',, "a" ,\t"b",'), ['"a"', '"b"']);
  for (const text of ['', ',', 'a', '"a" "b"', '"a", b', '"a', '*']) assert.deepEqual(values(text), [], text);
});

test('strong comparison wants both strong, weak comparison only the same tag', () => {
  const rows: [Validator, Validator, strongly: boolean, weakly: boolean][] = [
    [weak, weak, false, true],
    [weak, other, false, false],
    [weak, strong, false, true],
    [strong, strong, true, true],
    [strong, other, false, false],
  ];
  for (const [a, b, strongly, weakly] of rows) {
    assert.equal(stronglyEqual(a, b), strongly);
    assert.equal(weaklyEqual(b, a), weakly);
  }
  assert.equal(weaklyEqual(strong, { ...strong, kind: 'last-modified' }), false);
});

test('the same validator has the same kind, value and strength', () => {
  assert.ok(sameValidator(strong, { ...strong }));
  assert.ok(!sameValidator(strong, weak));
  assert.ok(!sameValidator(strong, other));
  assert.ok(!sameValidator(strong, { ...strong, kind: 'last-modified' }));
});

test('a validator is sent as it came', () => {
  assert.equal(formatValidator(weak), 'W/"v1"');
  assert.equal(formatValidator(strong), '"v1"');
  assert.equal(formatValidator({ kind: 'last-modified', value: modified, strong: false }), modified);
});

test('a strong date proves a version beside a weak tag, and both have to be the same', () => {
  const date = 'Sun, 06 Nov 1994 08:49:38 GMT';
  const fields = (etag: string) =>
    [
      ['etag', etag],
      ['last-modified', modified],
      ['date', date],
    ] as const;
  const dated = validatorOf(fields('W/"v1"'));
  assert.deepEqual(dated, { kind: 'last-modified', value: modified, strong: true, weakTag: '"v1"' });
  const other = validatorOf(fields('W/"v2"'));
  assert.ok(dated !== null && other !== null && !sameValidator(dated, other));
  assert.deepEqual(whetherCurrent(dated), [
    ['if-none-match', 'W/"v1"'],
    ['if-modified-since', modified],
  ]);
  assert.ok(!standsForBytes(dated));
});

test('where the origin tells no time, the date is held against the time of arrival', () => {
  const at = (arrivedAt: number) => lastModifiedOf([['last-modified', modified]], arrivedAt)?.strong;
  const then = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.deepEqual([at(then), at(then + 59_000), at(then + 60_000), at(0)], [false, false, true, false]);
});

test('a date that lies well ahead of the origin’s own time was set, and proves a version', () => {
  const ahead = (date: string) =>
    lastModifiedOf([
      ['last-modified', modified],
      ['date', date],
    ])?.strong;
  assert.equal(ahead('Sun, 06 Nov 1994 08:48:37 GMT'), false);
  assert.equal(ahead('Sun, 06 Nov 1994 08:48:36 GMT'), true);
});

test('an unquoted tag is one where nothing else proves a version, and does not stand for bytes', () => {
  const alone = validatorOf([['etag', '18f-ab']]);
  assert.deepEqual(alone, { kind: 'etag', value: '18f-ab', strong: true });
  assert.ok(alone !== null && !standsForBytes(alone));
  for (const etag of ['', 'a b', 'a,b', '"a', 'W/a', 'w/"a"']) assert.equal(validatorOf([['etag', etag]]), null, etag);
});
