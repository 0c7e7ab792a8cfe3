import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Speed } from '../../src/fill/speed.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

async function steady(speed: Speed, clock: VirtualClock, rate: number, milliseconds: number): Promise<void> {
  for (let time = 0; time < milliseconds; time += 100) {
    await clock.advance(100);
    speed.add(rate / 10);
  }
}

test('what goes by steadily has its speed, soon after its beginning and later', async () => {
  const clock = new VirtualClock();
  const speed = new Speed(clock);
  assert.equal(speed.now, 0);
  for (const time of [1000, 5000, 60_000]) {
    await steady(speed, clock, 1_000_000, time);
    assert.ok(Math.abs(speed.now - 1_000_000) < 120_000, `${speed.now}`);
  }
});

test('another speed is seen within seconds, and so is an end', async () => {
  const clock = new VirtualClock();
  const speed = new Speed(clock);
  await steady(speed, clock, 1_000_000, 60_000);
  await steady(speed, clock, 100_000, 10_000);
  assert.ok(speed.now < 150_000, `${speed.now}`);
  await clock.advance(30_000);
  assert.ok(speed.now < 10, `${speed.now}`);
});

test('one moment is not taken for a speed', async () => {
  const clock = new VirtualClock();
  const speed = new Speed(clock);
  speed.add(100_000);
  assert.ok(speed.now <= 1_050_000, `${speed.now}`);
});
