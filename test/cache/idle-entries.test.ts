import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IdleEntries } from '../../src/cache/idle-entries.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function stage() {
  const clock = new VirtualClock();
  const idle = new IdleEntries(clock);
  const retired: string[] = [];
  const entry = (name: string) => ({ engaged: false, retire: () => retired.push(name) });
  return { clock, idle, retired, entry };
}

describe('of entries that nobody uses', () => {
  test('each is let go of after half a minute, by one timer', async () => {
    const { clock, idle, retired, entry } = stage();
    idle.add(entry('one'));
    await clock.advance(10_000);
    idle.add(entry('other'));
    assert.equal(clock.pending, 1);
    await clock.advance(19_999);
    assert.deepEqual(retired, []);
    await clock.advance(1);
    assert.deepEqual(retired, ['one']);
    await clock.advance(10_000);
    assert.deepEqual([retired, clock.pending], [['one', 'other'], 0]);
  });

  test('one that is used again is kept, and begins anew when it was left', async () => {
    const { clock, idle, retired, entry } = stage();
    const film = entry('film');
    idle.add(film);
    await clock.advance(20_000);
    idle.delete(film);
    await clock.advance(60_000);
    assert.deepEqual([retired, clock.pending], [[], 0]);
    idle.add(film);
    await clock.advance(29_999);
    assert.deepEqual(retired, []);
    await clock.advance(1);
    assert.deepEqual(retired, ['film']);
  });

  test('one that is at work is kept until half a minute after it is done', async () => {
    const { clock, idle, retired, entry } = stage();
    const film = entry('film');
    film.engaged = true;
    idle.add(film);
    await clock.advance(45_000);
    film.engaged = false;
    await clock.advance(14_999);
    assert.deepEqual(retired, []);
    await clock.advance(1);
    assert.deepEqual([retired, clock.pending], [['film'], 0]);
  });

  test('one that is at work for long, while others come and go, takes no timer more', async () => {
    const { clock, idle, entry } = stage();
    const film = entry('film');
    film.engaged = true;
    idle.add(film);
    for (let count = 0; count < 20; count += 1) {
      await clock.advance(20_000);
      idle.add(entry(`${count}`));
    }
    assert.equal(clock.pending, 1);
  });

  test('no more than 64 are kept: what was left longest ago goes first, and nothing that is at work', async () => {
    const { clock, idle, retired, entry } = stage();
    const busy = entry('busy');
    busy.engaged = true;
    const again = entry('again');
    for (const first of [busy, again, entry('old'), entry('older than the next')]) idle.add(first);
    for (let number = 0; number < 60; number += 1) idle.add(entry(String(number)));
    assert.deepEqual(retired, []);
    idle.add(again);
    idle.add(entry('new'));
    idle.add(entry('newer'));
    // Whoever asks for the next is not to wait for it.
    assert.deepEqual(retired, []);
    await clock.settle();
    assert.deepEqual(retired, ['old', 'older than the next']);
  });

  test('none is let go of once all are stopped', async () => {
    const { clock, idle, retired, entry } = stage();
    idle.add(entry('film'));
    idle.stop();
    await clock.advance(60_000);
    assert.deepEqual([retired, clock.pending], [[], 0]);
  });
});
