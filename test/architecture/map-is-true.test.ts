/** ARCHITECTURE.md names what exists, and all of it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { architecturePage, headSentence } from '../../tools/map.ts';
import { filesBelow, readText } from './sources.ts';

const page = readText('ARCHITECTURE.md');
const root = join(import.meta.dirname, '../..');

/** Everything that a page of Markdown names as a path of this repository. */
function pathsIn(text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
  const code = [...text.matchAll(/`((?:src|test|docs|tools|demo|bench|examples)\/[^`*\s]*)`/g)];
  return [...links, ...code].map(([, path = '']) => path);
}

test('every path that ARCHITECTURE.md names exists', () => {
  const paths = pathsIn(page);
  assert.ok(paths.length > 20);
  for (const path of paths) assert.ok(existsSync(join(root, path)), path);
});

test('ARCHITECTURE.md names every file and folder of src/', () => {
  for (const file of filesBelow('src')) {
    assert.ok(page.includes(`(${file})`), `${file}: run node tools/reference.ts`);
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    assert.ok(page.includes(`\`${folder}\``), folder);
  }
});

test('the map is what the head comments say', () => {
  assert.equal(page, architecturePage(), 'run node tools/reference.ts');
});

test('every file of src/ opens with a comment that says what it owns', () => {
  for (const file of filesBelow('src')) assert.ok(headSentence(file).length > 10, file);
});

test('every link of the other pages leads somewhere', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...filesBelow('docs')];
  for (const file of pages.filter((path) => path.endsWith('.md'))) {
    const directory = file.slice(0, file.lastIndexOf('/') + 1);
    const links = [...readText(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
    for (const [, link = ''] of links) assert.ok(existsSync(join(root, directory, link)), `${file}: ${link}`);
  }
});
