/** The glossary of ARCHITECTURE.md explains every noun by which a type of the core is named. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { core, readSources, readText } from './sources.ts';

/** Terms of HTTP that its RFCs explain. */
const http = `
  body cache content control error field head host http ip media multipart name network proxy redirect
  spec status validator`;

/** Words that mean here what they mean everywhere. */
const everyday = `
  address attempt connect directory disk event file first fresh memory offset pause
  question rate reading recent sqlite start`;

const plain = wordsOf(`${http} ${everyday}`);

/** The words of a text in lower case and in the singular. */
function wordsOf(text: string): Set<string> {
  return new Set((text.toLowerCase().match(/[a-z]+/g) ?? []).map(singular));
}

function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return /(?:ss|us|[^s]is)$/.test(word) ? word : word.replace(/s$/, '');
}

/** The terms in the first column of the glossary's tables. */
function glossaryTerms(): string[] {
  const [, glossary = ''] = /\n## Glossary\n([\s\S]*?)\n## /.exec(readText('ARCHITECTURE.md')) ?? [];
  const rows = [...glossary.matchAll(/^\| (?!word |---)([^|]+) \|/gm)];
  return rows.flatMap(([, terms = '']) => terms.split(', '));
}

function glossaryWords(): Set<string> {
  return wordsOf(glossaryTerms().join(' '));
}

/** What links or describes nouns: little words and participles. */
const noNoun = /^(?:by|for|known|may|of|on|own|taken|to)$|ed$/;

/** Each noun in the names of exported types, with those types; a second name of the same type counts for nothing. */
function nouns(): Map<string, string[]> {
  const named = new Map<string, string[]>();
  for (const { path, code } of readSources().filter(({ path }) => core.includes(path.split('/', 1)[0] ?? ''))) {
    for (const [, name = ''] of code.matchAll(/^export (?:interface|class|type) (\w+)\b(?! = \w+;)/gm)) {
      const words = wordsOf(name.replace(/[A-Z]/g, ' $&'));
      for (const word of [...words].filter((each) => !noNoun.test(each)))
        named.set(word, [...(named.get(word) ?? []), `${path}: ${name}`]);
    }
  }
  return named;
}

describe('the glossary of ARCHITECTURE.md', () => {
  test('explains every noun in the name of a type of the core', () => {
    const explained = glossaryWords().union(plain);
    assert.deepEqual(Object.fromEntries([...nouns()].filter(([word]) => !explained.has(word))), {});
  });

  test('is needed for every word but those that need no explanation, of which none is listed in vain', () => {
    assert.deepEqual(
      [...plain].filter((word) => !nouns().has(word) || glossaryWords().has(word)),
      [],
    );
  });

  test('explains no term twice', () => {
    const terms = glossaryTerms();
    assert.deepEqual(
      terms.filter((term, index) => terms.indexOf(term) !== index),
      [],
    );
  });

  test('is missed where a type is named by a word that it does not have', () => {
    assert.deepEqual(
      [...wordsOf('RangeSets RangeStatus Entries'.replace(/[A-Z]/g, ' $&'))],
      ['range', 'set', 'status', 'entry'],
    );
    assert.ok(glossaryWords().has('segment') && !glossaryWords().has('thing'));
  });
});
