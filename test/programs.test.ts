import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { absent } from './programs.ts';

describe('a program that a test needs', () => {
  const before = process.env.CI;
  beforeEach(() => {
    delete process.env.CI;
  });
  afterEach(() => {
    if (before !== undefined) process.env.CI = before;
  });

  test('is no reason to skip where its trial succeeds', () => {
    assert.equal(absent('Node', process.execPath, '--version'), false);
  });

  test('is named as the reason where it is absent or its trial fails', () => {
    assert.equal(absent('a player', '/nowhere/player'), 'a player');
    assert.equal(absent('Node', process.execPath, '--no-such-option'), 'Node');
  });

  test('must be there in CI', () => {
    process.env.CI = 'true';
    assert.throws(() => absent('a player', '/nowhere/player'), /a player is not installed/);
    assert.equal(absent('Node', process.execPath, '--version'), false);
  });
});
