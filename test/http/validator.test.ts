import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatValidator,
  lastModifiedOf,
  parseEntityTag,
  parseEntityTags,
  sameValidator,
  stronglyEqual,
  type Validator,
  validatorOf,
  weaklyEqual,
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
