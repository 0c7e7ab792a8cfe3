import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsText } from '../../src/cli/columns.ts';

test('any number of rows has columns', () => {
  const rows = Array.from({ length: 200_000 }, (_, number) => [String(number)]);
  assert.equal(columnsText([{ title: 'NUMBER', align: 'right' }], rows, 80).at(-1), '199999');
});
