/** A name stands for one thing: whoever reads it knows which. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { core, readSources } from './sources.ts';

function ambiguous(paths: readonly string[]): string[][] {
  const named = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf('/') + 1));
  return [...named.values()].filter((files) => files.length > 1);
}

describe('the name of a file', () => {
  test('stands for one file of the core', () => {
    const paths = readSources().map(({ path }) => path);
    assert.deepEqual(ambiguous(paths.filter((path) => core.includes(path.split('/', 1)[0] ?? ''))), []);
  });

  test('that stands for two is noticed', () => {
    assert.deepEqual(ambiguous(['http/range.ts', 'fill/range.ts', 'fill/fill.ts']), [
      ['http/range.ts', 'fill/range.ts'],
    ]);
  });
});
