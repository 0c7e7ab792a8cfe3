/** A name stands for one thing: whoever reads it knows which. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { core, readSources, type SourceFile } from './sources.ts';

function ambiguous(paths: readonly string[]): string[][] {
  const named = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf('/') + 1));
  return [...named.values()].filter((files) => files.length > 1);
}

/** Each exported type that has the name of another, with their files; a second name of the same type is none. */
function twice(sources: readonly Pick<SourceFile, 'path' | 'code'>[]): Record<string, string[]> {
  const named = new Map<string, string[]>();
  for (const { path, code } of sources) {
    for (const [, name = ''] of code.matchAll(/^export (?:interface|class|type) (\w+)\b(?! = \w+;)/gm)) {
      named.set(name, [...(named.get(name) ?? []), path]);
    }
  }
  return Object.fromEntries([...named].filter(([, paths]) => paths.length > 1));
}

describe('the name of a type', () => {
  test('stands for one type that is exported', () => {
    assert.deepEqual(twice(readSources()), {});
  });

  test('that stands for two is noticed', () => {
    const sources = [
      { path: 'a.ts', code: 'export interface Place {\n}\nexport type Own = Place;\nclass Hidden {}' },
      { path: 'b.ts', code: 'export class Place {}\nexport type Own = Place;\nexport class Hidden {}' },
    ];
    assert.deepEqual(twice(sources), { Place: ['a.ts', 'b.ts'] });
  });
});

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
