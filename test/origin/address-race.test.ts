/** Several addresses of one host, on virtual time: which is tried when, and which one wins. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressRace } from '../../src/origin/address-race.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** After how many milliseconds an address answers, or fails; one that is not named is silent for ever. */
type Network = Readonly<Record<string, { readonly answers: number } | { readonly fails: number }>>;

function raceIn(network: Network, race = new AddressRace()) {
  const clock = new VirtualClock();
  const tried: Array<readonly [address: string, at: number]> = [];
  const aborted: string[] = [];
  const dropped: string[] = [];
  const connect = (address: string, signal: AbortSignal) => {
    tried.push([address, clock.now()]);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const place = network[address];
    if (place !== undefined && 'answers' in place) clock.after(place.answers, () => resolve(address));
    if (place !== undefined && 'fails' in place) clock.after(place.fails, () => reject(new Error(`${address} fails`)));
    signal.addEventListener('abort', () => {
      aborted.push(address);
      reject(signal.reason);
    });
    return promise;
  };
  const run = (addresses: readonly string[], signal = never) =>
    race.run({ hostname: 'films.test', addresses }, connect, { clock, signal, drop: (late) => dropped.push(late) });
  return { clock, tried, aborted, dropped, run, race };
}

describe('a host with several addresses', () => {
  test('that is far away at the first and dead at the last is connected to at the first', async () => {
    const { clock, tried, aborted, run } = raceIn({ a: { answers: 400 } });
    assert.equal(await clock.advanceUntil(run(['a', 'b'])), 'a');
    assert.deepEqual([clock.now(), tried, aborted], [400, [['a', 0], ['b', 250]], ['a', 'b']]); // biome-ignore format: one line reads best
  });

  test('that is silent at the first is connected to at the second, and there at once the next time', async () => {
    const stage = raceIn({ b: { answers: 30 } });
    const { clock, tried, run } = stage;
    assert.equal(await clock.advanceUntil(run(['a', 'b'])), 'b');
    assert.equal(clock.now(), 280);
    tried.length = 0;
    assert.equal(await clock.advanceUntil(run(['a', 'b'])), 'b');
    assert.deepEqual(tried, [['b', 280]]);
  });

  test('is tried at the next address as soon as one has failed', async () => {
    const { clock, tried, run } = raceIn({ a: { fails: 10 }, b: { fails: 10 }, c: { answers: 10 } });
    assert.equal(await clock.advanceUntil(run(['a', 'b', 'c'])), 'c');
    assert.deepEqual(tried, [['a', 0], ['b', 10], ['c', 20]]); // biome-ignore format: one line reads best
  });

  test('fails with the error of the first address when all have failed', async () => {
    const { clock, run } = raceIn({ a: { fails: 500 }, b: { fails: 10 } });
    await assert.rejects(clock.advanceUntil(run(['a', 'b'])), /a fails/);
    assert.equal(clock.now(), 500);
  });

  test('is tried in both families in turn', async () => {
    const { clock, tried, run } = raceIn({ '::3': { answers: 10 } });
    await clock.advanceUntil(run(['::1', '::2', '::3', '192.0.2.1', '192.0.2.2']));
    assert.deepEqual(
      tried.map(([address]) => address),
      ['::1', '192.0.2.1', '::2', '192.0.2.2', '::3'],
    );
  });

  test('leaves nothing behind where the caller gives up', async () => {
    const { clock, tried, aborted, run } = raceIn({});
    const caller = new AbortController();
    const running = run(['a', 'b', 'c'], caller.signal);
    running.catch(() => {});
    await clock.advance(300);
    caller.abort(new Error('enough'));
    await assert.rejects(running, /enough/);
    assert.deepEqual([tried.length, aborted, clock.pending], [2, ['a', 'b'], 0]);
  });

  test('drops what comes about too late', async () => {
    const race = new AddressRace();
    const clock = new VirtualClock();
    const dropped: string[] = [];
    // It does not hear that it is not wanted any more.
    const connect = (address: string) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      clock.after(address === 'a' ? 300 : 20, () => resolve(address));
      return promise;
    };
    const options = { clock, signal: never, drop: (late: string) => dropped.push(late) };
    const won = await clock.advanceUntil(race.run({ hostname: 'films.test', addresses: ['a', 'b'] }, connect, options));
    await clock.advance(1000);
    assert.deepEqual([won, dropped], ['b', ['a']]);
  });
});
