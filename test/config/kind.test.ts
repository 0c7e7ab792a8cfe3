import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Kind, kind, list, type Mistake, object, record } from '../../src/config/kind.ts';

const words = (description: string) => ({ description, unit: 'text', placeholder: 'WORD' }) as const;
const word = kind(words('a word'), (raw) => (typeof raw === 'string' && /^\w+$/.test(raw) ? raw : undefined));

/** What a kind reads, and what it reports. */
function readBy<T>(type: Kind<T>, raw: unknown): { read: T | undefined; mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const read = type.read(raw, (mistake) => mistakes.push(mistake));
  return { read, mistakes };
}

test('a list is a text with blanks, or a list, and tells each part that is wrong', () => {
  const type = list(word, { atLeast: 1 });
  assert.deepEqual(readBy(type, ' one  two '), { read: ['one', 'two'], mistakes: [] });
  assert.deepEqual(readBy(type, ['one']), { read: ['one'], mistakes: [] });
  assert.deepEqual(readBy(type, ['one', 2, '?']), {
    read: undefined,
    mistakes: [
      { path: [], raw: 2, right: 'a word' },
      { path: [], raw: '?', right: 'a word' },
    ],
  });
  for (const [raw, told] of [
    [' ', []],
    [{}, {}],
    [undefined, undefined],
  ]) {
    assert.deepEqual(readBy(type, raw), { read: undefined, mistakes: [{ path: [], raw: told, right: 'a word' }] });
  }
});

test('an object tells what is wrong in it, what is missing and what it does not know, all at once', () => {
  const type = object(words('an object'), { name: word, note: word, more: object(words('more'), { x: word }) }, [
    'name',
  ]);
  assert.deepEqual(readBy(type, { name: 'a' }), { read: { name: 'a' }, mistakes: [] });
  assert.deepEqual(readBy(type, { name: 'a', note: undefined, more: { x: 'b' } }), {
    read: { name: 'a', more: { x: 'b' } },
    mistakes: [],
  });
  assert.deepEqual(readBy(type, { note: null, more: { x: 1 }, nmae: 'a' }), {
    read: undefined,
    mistakes: [
      { path: ['name'], raw: undefined, right: 'a word' },
      { path: ['note'], raw: null, right: 'a word' },
      { path: ['more', 'x'], raw: 1, right: 'a word' },
      { path: ['nmae'], raw: 'a', right: null },
    ],
  });
  for (const raw of ['a', ['a'], null, undefined, new Map([['name', 'a']])]) {
    assert.deepEqual(readBy(type, raw), { read: undefined, mistakes: [{ path: [], raw, right: 'an object' }] });
  }
});

test('a record tells which names are wrong, and which values', () => {
  const name = kind(words('a small name'), (raw) => (raw === String(raw).toLowerCase() ? raw : undefined));
  const type = record(words('a record'), name as Kind<string>, word);
  assert.deepEqual(readBy(type, { a: 'x', b: 'y' }), { read: { a: 'x', b: 'y' }, mistakes: [] });
  assert.deepEqual(readBy(type, { A: '?', b: '?' }), {
    read: undefined,
    mistakes: [
      { path: ['A'], raw: 'A', right: 'a small name' },
      { path: ['b'], raw: '?', right: 'a word' },
    ],
  });
  assert.deepEqual(readBy(type, 'a'), { read: undefined, mistakes: [{ path: [], raw: 'a', right: 'a record' }] });
});

test('names that every object has are names as others', () => {
  const type = record(words('a record'), word, word);
  const { read } = readBy(type, JSON.parse('{"__proto__": "x", "constructor": "y"}'));
  assert.deepEqual(Object.entries(read ?? {}), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  const { mistakes } = readBy(object(words('an object'), { a: word }), JSON.parse('{"__proto__": "x"}'));
  assert.deepEqual(mistakes, [{ path: ['__proto__'], raw: 'x', right: null }]);
});
