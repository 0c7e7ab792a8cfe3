import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyThroughput, RecentThroughput } from '../../src/fill/throughput.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('the throughput of a body', () => {
  it('is not known before a byte has come, and counts from when bytes began to come', () => {
    const body = new BodyThroughput();
    body.begin(5000);
    assert.equal(body.overall(6000), null);
    body.add(300_000);
    assert.equal(body.overall(6000), 300_000);
    body.begin(60_000);
    assert.equal(body.overall(61_000), null);
  });

  it('is not believed of a burst: neither of a few bytes, nor of many at once', () => {
    const body = new BodyThroughput();
    body.begin(0);
    body.add(65_535);
    assert.equal(body.steady(1), null);
    body.add(1);
    assert.equal(body.steady(1), 65_536 * 50);
    assert.equal(body.steady(1000), 65_536);
  });
});

async function steady(
  recent: RecentThroughput,
  clock: VirtualClock,
  rate: number,
  milliseconds: number,
): Promise<void> {
  for (let time = 0; time < milliseconds; time += 100) {
    await clock.advance(100);
    recent.add(rate / 10);
  }
}

describe('the throughput of the last seconds', () => {
  it('what goes by steadily has its speed, soon after its beginning and later', async () => {
    const clock = new VirtualClock();
    const recent = new RecentThroughput(clock);
    assert.equal(recent.now, 0);
    for (const time of [1000, 5000, 60_000]) {
      await steady(recent, clock, 1_000_000, time);
      assert.ok(Math.abs(recent.now - 1_000_000) < 120_000, `${recent.now}`);
    }
  });

  it('another speed is seen within seconds, and so is an end', async () => {
    const clock = new VirtualClock();
    const recent = new RecentThroughput(clock);
    await steady(recent, clock, 1_000_000, 60_000);
    await steady(recent, clock, 100_000, 10_000);
    assert.ok(recent.now < 150_000, `${recent.now}`);
    await clock.advance(30_000);
    assert.ok(recent.now < 10, `${recent.now}`);
  });

  it('one moment is not taken for a speed', async () => {
    const clock = new VirtualClock();
    const recent = new RecentThroughput(clock);
    recent.add(100_000);
    assert.ok(recent.now <= 1_050_000, `${recent.now}`);
  });
});
