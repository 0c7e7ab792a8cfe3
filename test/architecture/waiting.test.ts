/**
 * docs/reference/waiting.md names every file that asks again, and every wait has its row in src/budgets.ts.
 *
 * Which loop is a retry can't be told from its text. But whoever asks again must ask: so every file that asks an origin,
 * dials, tries a disk or pauses is named on the page, as one that asks again or as one that asks once.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { namedFiles } from '../../tools/waiting.ts';
import { readSources } from './sources.ts';

/** How an origin is asked, a host dialled, a disk tried, a failure counted, or the time until the next attempt spent. */
const asking =
  /\b(?:origin|base|Origin)\.open\(|\bdial\(|#transport\.ask\(|#options\.recover\(|\bentry\.openSession\(|\bback[oO]ff(?:Ms)?\(|\bsleep\((?!clock: Clock)|\bmostF(?:ailures|ills)\b/;

/** Where these are defined, commands, which ask for the one who typed them, and contracts, which ask for a test. */
const elsewhere = /^(?:clock\.ts|kit\/|cli\/|testing\/|origin\/origin\.ts|fill\/retry\.ts)/;

describe('docs/reference/waiting.md', () => {
  test('names every file that asks an origin, tries a disk or pauses, and no other', () => {
    const asks = readSources().filter(({ path, code }) => !elsewhere.test(path) && asking.test(code));
    assert.deepEqual(namedFiles.toSorted(), asks.map(({ path }) => path).sort());
  });
});
