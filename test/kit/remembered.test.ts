import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembered } from '../../src/kit/remembered.ts';

test('what follows from an object is worked out once for each, also where it is nothing', () => {
  const worked: string[] = [];
  const first = remembered(({ text }: { readonly text: string }) => {
    worked.push(text);
    return text === '' ? null : { letter: text.charAt(0) };
  });
  const [one, other, none] = [{ text: 'film' }, { text: 'film' }, { text: '' }];
  assert.deepEqual(
    [first(one), first(other), first(none), first(none)],
    [{ letter: 'f' }, { letter: 'f' }, null, null],
  );
  assert.equal(first(one), first(one));
  assert.deepEqual(worked, ['film', 'film', '']);
});
