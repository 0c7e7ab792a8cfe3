import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorWords } from '../../src/kit/system-words.ts';

test('an error of the system is told in plain words, any other by its message, on one line', () => {
  const thrown = (run: () => void) => {
    try {
      run();
    } catch (error) {
      return errorWords(error);
    }
    return null;
  };
  assert.equal(
    thrown(() => readFileSync('/none')),
    'there is no such file or folder',
  );
  assert.equal(
    thrown(() => readFileSync('/')),
    'it is a folder',
  );
  assert.equal(
    thrown(() => JSON.parse('vm\n')),
    `Unexpected token 'v', "vm " is not valid JSON`,
  );
  assert.equal(errorWords(new Error('It is odd.')), 'It is odd');
  assert.equal(errorWords('odd'), 'odd');
});
