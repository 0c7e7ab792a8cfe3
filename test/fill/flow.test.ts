import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Flow } from '../../src/fill/flow.ts';
import { Turn } from '../../src/fill/turn.ts';

describe('the speed of what comes', () => {
  it('is not known before a byte has come, and counts from when bytes began to come', () => {
    const flow = new Flow();
    flow.begin(5000);
    assert.equal(flow.speed(6000), null);
    flow.came(300_000);
    assert.equal(flow.speed(6000), 300_000);
    flow.begin(60_000);
    assert.equal(flow.speed(61_000), null);
  });

  it('is not believed of a burst: neither of a few bytes, nor of many at once', () => {
    const flow = new Flow();
    flow.begin(0);
    flow.came(65_535);
    assert.equal(flow.steadySpeed(1), null);
    flow.came(1);
    assert.equal(flow.steadySpeed(1), 65_536 * 50);
    assert.equal(flow.steadySpeed(1000), 65_536);
  });
});

describe('a turn', () => {
  it('is over after a second of bytes, or 4 MiB', () => {
    const turn = new Turn();
    turn.begin(100, 1000);
    assert.equal(turn.isOver(1099, 1000), false);
    assert.equal(turn.isOver(1100, 1000), true);
    assert.equal(turn.isOver(101, 1000 + 4 * 1024 * 1024 - 1), false);
    assert.equal(turn.isOver(101, 1000 + 4 * 1024 * 1024), true);
  });

  it('does not begin before its first body, and not anew with the next', () => {
    const turn = new Turn();
    assert.equal(turn.isOver(1_000_000, 1_000_000_000), false);
    turn.begin(0, 0);
    turn.begin(900, 2_000_000);
    assert.equal(turn.isOver(1000, 2_000_000), true);
  });
});
