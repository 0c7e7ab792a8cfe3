import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { evaluatePreconditions, ifRangeHolds } from '../../src/http/preconditions.ts';
import { type Representation, representationFrom } from '../../src/http/representation.ts';

const before = 'Sun, 06 Nov 1994 08:00:00 GMT';
const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';
const after = 'Sun, 06 Nov 1994 10:00:00 GMT';

function film(...fields: Fields): Representation {
  return representationFrom(fields, 1000, { validatedAt: 0, ranges: true });
}

const strong = film(['etag', '"v1"'], ['last-modified', modified], ['date', after]);
const weak = film(['etag', 'W/"v1"'], ['last-modified', modified], ['date', after]);
const dated = film(['last-modified', modified], ['date', after]);
const bare = film();

const rows: [title: string, film: Representation, request: Fields, expected: 304 | 412 | null][] = [
  ['no precondition', strong, [], null],
  ['If-Match with the tag', strong, [['if-match', '"v1"']], null],
  ['If-Match with the tag in a list', strong, [['if-match', '"v0", "v1"']], null],
  [
    'If-Match with a list on two lines',
    strong,
    [
      ['if-match', '"v0"'],
      ['if-match', '"v1"'],
    ],
    null,
  ],
  ['If-Match *', strong, [['if-match', '*']], null],
  ['If-Match * without any validator', bare, [['if-match', '*']], null],
  ['If-Match with another tag', strong, [['if-match', '"v2"']], 412],
  ['If-Match with a weak tag', strong, [['if-match', 'W/"v1"']], 412],
  ['If-Match where ours is weak', weak, [['if-match', '"v1"']], 412],
  ['If-Match with garbage', strong, [['if-match', 'v1']], 412],
  ['If-Match without a tag of ours', dated, [['if-match', '"v1"']], 412],
  [
    'If-Match that holds hides If-Unmodified-Since',
    strong,
    [
      ['if-match', '"v1"'],
      ['if-unmodified-since', before],
    ],
    null,
  ],
  ['If-Unmodified-Since the date', strong, [['if-unmodified-since', modified]], null],
  ['If-Unmodified-Since later', strong, [['if-unmodified-since', after]], null],
  ['If-Unmodified-Since earlier', strong, [['if-unmodified-since', before]], 412],
  ['If-Unmodified-Since garbage', strong, [['if-unmodified-since', 'yesterday']], null],
  ['If-Unmodified-Since without a date of ours', bare, [['if-unmodified-since', before]], null],
  ['If-None-Match with the tag', strong, [['if-none-match', '"v1"']], 304],
  ['If-None-Match with the tag in a list', strong, [['if-none-match', '"v0", "v1"']], 304],
  ['If-None-Match compares weakly', strong, [['if-none-match', 'W/"v1"']], 304],
  ['If-None-Match where ours is weak', weak, [['if-none-match', '"v1"']], 304],
  ['If-None-Match *', bare, [['if-none-match', '*']], 304],
  ['If-None-Match with another tag', strong, [['if-none-match', '"v2"']], null],
  ['If-None-Match with garbage', strong, [['if-none-match', 'v1']], null],
  [
    'If-None-Match that fails hides If-Modified-Since',
    strong,
    [
      ['if-none-match', '"v2"'],
      ['if-modified-since', after],
    ],
    null,
  ],
  [
    'If-None-Match before any look at Range',
    strong,
    [
      ['if-none-match', '"v1"'],
      ['range', 'bytes=5000-'],
    ],
    304,
  ],
  ['If-Modified-Since the date', strong, [['if-modified-since', modified]], 304],
  ['If-Modified-Since later', strong, [['if-modified-since', after]], 304],
  ['If-Modified-Since earlier', strong, [['if-modified-since', before]], null],
  ['If-Modified-Since garbage', strong, [['if-modified-since', 'yesterday']], null],
  ['If-Modified-Since without a date of ours', bare, [['if-modified-since', after]], null],
  ['If-Modified-Since takes Date for Last-Modified', film(['date', modified]), [['if-modified-since', modified]], 304],
  [
    'If-Match comes before If-None-Match',
    strong,
    [
      ['if-none-match', '"v1"'],
      ['if-match', '"v2"'],
    ],
    412,
  ],
  [
    'both hold',
    strong,
    [
      ['if-match', '"v1"'],
      ['if-none-match', '"v1"'],
    ],
    304,
  ],
  [
    'If-Unmodified-Since comes before If-Modified-Since',
    strong,
    [
      ['if-modified-since', after],
      ['if-unmodified-since', before],
    ],
    412,
  ],
];

for (const [title, representation, request, expected] of rows) {
  test(`${title}: ${expected ?? 'go on'}`, () => {
    assert.equal(evaluatePreconditions('GET', request, representation), expected);
    assert.equal(evaluatePreconditions('HEAD', request, representation), expected);
  });
}

test('for other methods a matching If-None-Match is a failure and If-Modified-Since means nothing', () => {
  assert.equal(evaluatePreconditions('PUT', [['if-none-match', '"v1"']], strong), 412);
  assert.equal(evaluatePreconditions('PUT', [['if-modified-since', after]], strong), null);
});

const ifRangeRows: [title: string, value: string | null, film: Representation, expected: boolean][] = [
  ['absent', null, bare, true],
  ['the strong tag', '"v1"', strong, true],
  ['another tag', '"v2"', strong, false],
  ['a weak tag', 'W/"v1"', strong, false],
  ['the tag where ours is weak', '"v1"', weak, false],
  ['our weak tag', 'W/"v1"', weak, false],
  ['a list of tags', '"v1", "v2"', strong, false],
  ['*', '*', strong, false],
  ['garbage', 'v1', strong, false],
  ['empty', '', strong, false],
  ['a tag where there is only a date', '"v1"', dated, false],
  ['exactly the date', modified, dated, true],
  ['exactly the date beside a tag', modified, strong, true],
  ['a later date', after, dated, false],
  ['an earlier date', before, dated, false],
  ['the date in another form', 'Sunday, 06-Nov-94 08:49:37 GMT', dated, false],
  ['the date where it is weak', modified, film(['last-modified', modified], ['date', modified]), false],
  ['the date without a Date', modified, film(['last-modified', modified]), false],
  ['a date without any validator', modified, bare, false],
];

for (const [title, value, representation, expected] of ifRangeRows) {
  test(`If-Range, ${title}: ${expected ? 'the range counts' : 'the whole is sent'}`, () => {
    assert.equal(ifRangeHolds(value, representation), expected);
  });
}
