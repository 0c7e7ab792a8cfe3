import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DomainEvent, EventBus } from '../src/events.ts';

const told: DomainEvent = { type: 'stalled-ended', at: 7, stalled: 1 };

describe('a listener that throws', () => {
  test('keeps no event from others, whether they listen before or after it', () => {
    const bus = new EventBus();
    const heard: string[] = [];
    bus.subscribe(({ type }) => heard.push(`before: ${type}`));
    bus.subscribe(() => {
      throw new Error('of a program');
    });
    bus.subscribe(({ type }) => heard.push(`after: ${type}`));
    bus.emit(told);
    assert.deepEqual(heard, ['before: stalled-ended', 'before: bug', 'after: bug', 'after: stalled-ended']);
  });

  test('harms nobody by a promise either', async () => {
    const bus = new EventBus();
    const bug = new Promise<string>((resolve) => {
      bus.subscribe((event) => event.type === 'bug' && resolve(event.message));
    });
    bus.subscribe(async () => {
      throw new Error('of a program');
    });
    bus.emit(told);
    assert.equal(await bug, 'Error: of a program');
  });

  test('is a bug that tells where it was thrown', () => {
    const bus = new EventBus();
    const bugs: DomainEvent[] = [];
    bus.subscribe((event) => event.type === 'bug' && bugs.push(event));
    bus.subscribe(() => {
      throw new Error('of a program');
    });
    bus.emit(told);
    const [bug] = bugs;
    assert.ok(bug?.type === 'bug' && bugs.length === 1);
    assert.deepEqual([bug.at, bug.message], [7, 'Error: of a program']);
    assert.match(bug.stack, /events\.test\.ts/);
  });

  test('goes on being told, and many of them end', () => {
    const bus = new EventBus();
    let calls = 0;
    for (let listener = 0; listener < 10; listener += 1) {
      bus.subscribe(() => {
        calls += 1;
        throw new Error('of a program');
      });
    }
    bus.emit(told);
    // Each hears of the event, and of the bug of each.
    assert.equal(calls, 10 + 10 * 10);
  });
});
