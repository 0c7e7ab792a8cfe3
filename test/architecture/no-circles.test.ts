/** No file imports itself by way of others: each can be read after what it imports, and without what imports it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filesBelow, readAllSources, readFolder, type SourceFile } from './sources.ts';

type Imports = Pick<SourceFile, 'path' | 'imports'>;

/** The files of each circle in their order: those of which each is reached from every other. */
function circlesOf(files: readonly Imports[]): string[][] {
  const reached = new Map(files.map(({ path }) => [path, reachedFrom(path, files)]));
  const inCircle = (one: string, other: string) => reached.get(one)?.has(other) && reached.get(other)?.has(one);
  const paths = files.map(({ path }) => path).filter((path) => inCircle(path, path));
  const circles = paths.map((path) => paths.filter((other) => inCircle(path, other)).sort());
  return circles.filter(([first], index) => circles.findIndex((circle) => circle[0] === first) === index);
}

/** Every file that one imports, or that those import; itself only where it lies on a circle. */
function reachedFrom(path: string, files: readonly Imports[]): Set<string> {
  const importsOf = new Map(files.map((file) => [file.path, file.imports]));
  const reached = new Set<string>();
  const ahead = [path];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    for (const name of importsOf.get(next) ?? []) {
      if (importsOf.has(name) && !reached.has(name)) ahead.push(name);
      reached.add(name);
    }
  }
  return reached;
}

describe('no circle of files', () => {
  test('no file of src/, dashboard/ or bench/ imports itself by way of others', () => {
    assert.deepEqual(circlesOf([...readAllSources(), ...readFolder('.', filesBelow('bench'))]), []);
  });

  test('a circle is noticed, also one of types, and one file that only hangs on it is not', () => {
    const files = [
      { path: 'a.ts', imports: ['b.ts', 'node:fs'] },
      { path: 'b.ts', imports: ['c.ts', 'leaf.ts'] },
      { path: 'c.ts', imports: ['a.ts'] },
      { path: 'leaf.ts', imports: [] },
      { path: 'root.ts', imports: ['a.ts'] },
    ];
    assert.deepEqual(circlesOf(files), [['a.ts', 'b.ts', 'c.ts']]);
    assert.ok(
      readAllSources().some(
        ({ path, imports }) => path.startsWith('dashboard/') && imports.some((name) => name.startsWith('dashboard/')),
      ),
    );
  });
});
