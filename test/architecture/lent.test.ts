/** The rule of CONTRIBUTING.md: whoever takes something for a while gives it back, in the same file, on every way out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSources } from './sources.ts';

const sources = readSources().filter(({ path }) => !path.startsWith('cli'));

function count(code: string, pattern: RegExp): number {
  return [...code.matchAll(pattern)].length;
}

/** What is taken by the one and given back by the other; `owners` are the only files that may. */
const lendings: readonly { what: string; taken: RegExp; back: RegExp; owners: readonly string[] }[] = [
  {
    what: 'a buffer for reading',
    taken: /(?<!#)\bpool\.(acquire|acquireSpare)\(/g,
    back: /\brelease\b/g,
    owners: ['store/disk/disk-reads.ts'],
  },
  {
    what: "the right to an origin's connection",
    taken: /\bslots\.(acquire|acquireNow)\(/g,
    back: /\bslot\.release\(\)/g,
    owners: [
      'admin/folders.ts',
      'cache/revalidate.ts',
      'cache/strict/strict-cache.ts',
      'cache/trails.ts',
      'fill/ranged-body.ts',
    ],
  },
];

describe('what is taken is given back', () => {
  test('who waits under a signal does it by untilAborted, or has said why not', () => {
    const listeners = sources.filter(({ code }) => count(code, /addEventListener\('abort'|\baddAbortListener\(/g) > 0);
    assert.deepEqual(
      listeners.map(({ path }) => path).filter((path) => !/^(fill|store)\//.test(path)),
      // The wait itself, and its time; two that hear of the end of what they bring for as long as they live.
      ['clock.ts', 'origin/origin-exchange.ts', 'proxy/sender.ts', 'until-aborted.ts'],
    );
  });

  test('whoever listens for the end of a signal stops listening', () => {
    const deaf = sources.filter(
      ({ code }) => count(code, /addEventListener\('abort'/g) > count(code, /removeEventListener\('abort'/g),
    );
    // Its signal is its own, and ends with it.
    assert.deepEqual(
      deaf.map(({ path }) => path),
      ['fill/body-request.ts'],
    );
  });

  for (const { what, taken, back, owners } of lendings) {
    test(`${what} is taken in ${owners.join(', ')} alone, where it is given back`, () => {
      const takers = sources.filter(({ code }) => count(code, taken) > 0);
      assert.deepEqual(takers.map(({ path }) => path).sort(), owners);
      for (const { path, code } of takers) {
        assert.ok(count(code, back) > 0, path);
        assert.match(code, /\bfinally\b/, path);
      }
    });
  }
});
