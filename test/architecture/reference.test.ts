/** The pages that are made from tables are fresh, and the tables hold nothing that nobody uses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originTable } from '../../src/config/origins.ts';
import { settingKeys } from '../../src/config.ts';
import { proxyErrorTypes } from '../../src/errors.ts';
import { referencePages } from '../../tools/reference.ts';
import { readSources, readText } from './sources.ts';

for (const [path, text] of Object.entries(referencePages)) {
  test(`${path} is what the sources say`, () => {
    assert.equal(readText(path), text(), 'run node tools/reference.ts');
  });
}

test('every setting is read by something', () => {
  const readers = readSources().filter(({ path }) => !/^(config|cli)\b/.test(path));
  for (const key of settingKeys) {
    // As `settings.key` or taken out of an object; neither as a declaration nor as a word in quotes.
    const use = new RegExp(`(?<!['"\\w])${key}\\b(?!['":?])`);
    assert.ok(
      readers.some(({ code }) => use.test(code)),
      `nothing reads ${key}`,
    );
  }
});

test('a setting that an error names is a setting', () => {
  const known: string[] = [...settingKeys, ...Object.keys(originTable)];
  for (const { path, code } of readSources()) {
    for (const [, key = ''] of code.matchAll(/\bsetting: '(\w+)'/g)) assert.ok(known.includes(key), `${path}: ${key}`);
  }
});

test('docs/reference/http.md gives every type of error its status', () => {
  const page = readText('docs/reference/http.md');
  for (const [type, { status }] of Object.entries(proxyErrorTypes)) {
    assert.match(page, new RegExp(`^\\| ${status} \\|.*\`${type}\``, 'm'));
  }
});
