import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { streamedTypes } from '../../src/control/streamed.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { type Listener, streaming } from './listener.ts';
import * as sample from './sample-events.ts';

const second = 1000;
const ids = ({ heard }: Listener) => heard.map(({ id }) => id);
const types = ({ heard }: Listener) => heard.map(({ type }) => type);
const requests = ({ heard }: Listener) => heard.map(({ fields }) => fields.request);

describe('who follows the events', () => {
  test('hears each in order, with its number and its times as times of day', async () => {
    const { clock, events, listen } = streaming(Date.UTC(2026, 10, 24));
    const listener = await listen();
    await clock.advance(second);
    events.emit(sample.fillState('idle', 'queued'));
    events.emit(sample.fillFirstByte({ at: 900, startedAt: 200, connectedAt: null, queued: 50 }));
    await clock.advance(second);
    assert.match(listener.head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(listener.head, /\r\ncontent-type: text\/event-stream\r\n/);
    assert.match(listener.head, /\r\ncache-control: no-store\r\n/);
    assert.deepEqual(types(listener), ['fill-state', 'fill-first-byte']);
    const [first, next] = listener.heard;
    assert.equal(next?.id, (first?.id ?? 0) + 1);
    const { type: _, at, startedAt, connectedAt, queued, path } = next?.fields ?? {};
    assert.deepEqual(
      { at, startedAt, connectedAt, queued, path },
      {
        at: '2026-11-24T00:00:00.900Z',
        startedAt: '2026-11-24T00:00:00.200Z',
        connectedAt: null,
        queued: 50,
        path: '/a.mkv',
      },
    );
  });

  test('hears of an event within a twentieth of a second', async () => {
    const { clock, events, listen } = streaming();
    const listener = await listen();
    events.emit(sample.bug());
    await clock.advance(50);
    assert.deepEqual(types(listener), ['bug']);
  });

  test('hears nothing of what was before, and nothing after stop, when its stream ends', async () => {
    const { clock, events, stream, listen } = streaming();
    events.emit(sample.bug());
    const listener = await listen();
    stream.stop();
    events.emit(sample.bug());
    await clock.advance(second);
    assert.deepEqual([types(listener), listener.closed, clock.pending], [[], true, 0]);
  });

  test('knows by a comment every 15 s that the connection is alive', async () => {
    const { clock, listen } = streaming();
    const listener = await listen();
    const beats = () => listener.body.split('\n\n').filter((block) => block === ':').length;
    await clock.advance(15 * second - 1);
    assert.equal(beats(), 0);
    await clock.advance(1);
    assert.equal(beats(), 1);
    await clock.advance(45 * second);
    assert.equal(beats(), 4);
  });

  test('may ask with HEAD, and gets the head alone', async () => {
    const { clock, stream, listen } = streaming();
    const listener = await listen('', 'HEAD');
    await clock.settle();
    assert.match(listener.head, /200 OK[\s\S]*text\/event-stream/);
    assert.deepEqual([listener.body, listener.closed, stream.clients], ['', true, 0]);
  });

  test('costs no timer once it has left', async () => {
    const { clock, events, stream, listen } = streaming();
    const listener = await listen();
    events.emit(sample.bytesLanded(1));
    events.emit(sample.bug());
    listener.leave();
    await clock.settle();
    assert.deepEqual([stream.clients, clock.pending], [0, 0]);
  });
});

describe('a filter', () => {
  test('by types lets those through and no others', async () => {
    const { clock, events, listen } = streaming();
    const listener = await listen('?types=retry,own-error');
    for (const event of [sample.bug(), sample.retry(), sample.fillDone(), sample.ownError()]) events.emit(event);
    await clock.advance(second);
    assert.deepEqual(types(listener), ['retry', 'own-error']);
  });

  test('by origin lets what is its through, and nothing that belongs to none', async () => {
    const { clock, events, listen } = streaming();
    const listener = await listen('?origin=music&types=');
    for (const origin of ['films', 'music', null]) events.emit(sample.requestDone({ origin, request: 5 }));
    events.emit(sample.bug());
    await clock.advance(second);
    assert.deepEqual(
      listener.heard.map(({ fields }) => fields.origin),
      ['music'],
    );
  });

  test('with a type that does not exist is refused with its name and those that do', async () => {
    const { listen } = streaming();
    const listener = await listen('?types=retry,rety');
    assert.match(listener.head, /^HTTP\/1\.1 400 /);
    assert.match(listener.body, /"rety"/);
    for (const type of streamedTypes) assert.ok(listener.body.includes(type), type);
  });

  test('with an id that is none is refused with what it is', async () => {
    const { listen } = streaming();
    const listener = await listen('?after=yesterday');
    assert.match(listener.head, /^HTTP\/1\.1 400 /);
    assert.match(listener.body, /"yesterday"/);
  });
});

describe('who comes back', () => {
  test('with the id of its last event hears what it has missed, and nothing twice', async () => {
    const { clock, events, listen } = streaming();
    const before = await listen();
    for (let request = 1; request <= 3; request += 1) events.emit(sample.requestDone({ request }));
    await clock.advance(second);
    before.leave();
    for (let request = 4; request <= 6; request += 1) events.emit(sample.requestDone({ request }));
    const after = await listen(`?after=${ids(before).at(-1)}`);
    events.emit(sample.requestDone({ request: 7 }));
    await clock.advance(second);
    assert.deepEqual(requests(before), [1, 2, 3]);
    assert.deepEqual([requests(after), types(after).includes('gap')], [[4, 5, 6, 7], false]);
  });

  test('after more than 2048 events learns of the gap, and hears the rest', async () => {
    const { clock, events, listen } = streaming();
    const before = await listen();
    events.emit(sample.bug());
    await clock.advance(second);
    const [last = 0] = ids(before);
    before.leave();
    for (let request = 1; request <= 2100; request += 1) events.emit(sample.requestDone({ request }));
    const after = await listen(`?after=${last}`);
    await clock.advance(second);
    const [gap, ...rest] = after.heard;
    assert.deepEqual([gap?.type, gap?.fields], ['gap', { after: last, next: last + 53 }]);
    assert.equal(gap?.id, last + 52, 'whoever comes back with the id of a gap is not told of it again');
    assert.deepEqual(
      [rest.length, rest[0]?.fields.request, rest.at(-1)?.fields.request, rest[0]?.id],
      [2048, 53, 2100, last + 53],
    );
  });

  test('with an id of before a restart learns of the gap, however many events there were then', async () => {
    const earlier = streaming(Date.UTC(2026, 0, 1));
    const before = await earlier.listen();
    for (let request = 1; request <= 1500; request += 1) earlier.events.emit(sample.requestDone({ request }));
    await earlier.clock.advance(second);
    const later = streaming(Date.UTC(2026, 0, 1) + 5 * second);
    later.events.emit(sample.bug());
    const after = await later.listen(`?after=${ids(before).at(-1)}`);
    await later.clock.advance(second);
    assert.deepEqual(types(after), ['gap', 'bug']);
  });

  test('with an id that is still to come learns of a gap, and goes on from now', async () => {
    const { clock, events, listen } = streaming();
    const listener = await listen('?after=999999999999999');
    events.emit(sample.bug());
    await clock.advance(second);
    assert.deepEqual(types(listener), ['gap', 'bug']);
    assert.equal(listener.heard[1]?.id, listener.heard[0]?.fields.next);
  });

  test('finds no more than 4 MiB kept of long events', async () => {
    const { clock, events, listen } = streaming();
    const path = `/${'a'.repeat(15_000)}`;
    for (let request = 1; request <= 1000; request += 1) events.emit(sample.requestDone({ request, path }));
    const back = await listen('?after=0');
    await clock.advance(second);
    const kept = requests(back).filter((request) => request !== undefined);
    assert.ok(kept.length >= 250 && kept.length <= 280, `${kept.length} kept`);
    assert.deepEqual([types(back)[0], kept.at(-1)], ['gap', 1000]);
  });
});

describe('traffic', () => {
  test('is told once a second for each origin while there is any', async () => {
    const { clock, events, listen } = streaming();
    const listener = await listen();
    for (let step = 0; step < 20; step += 1) {
      events.emit(sample.bytesLanded(10));
      events.emit(sample.bytesSent('memory', 7));
      events.emit(sample.bytesSent('store', 100, { origin: 'music' }));
      await clock.advance(100);
    }
    await clock.advance(10 * second);
    const told = listener.heard.map(({ type, fields }) => [
      type,
      fields.origin,
      fields.bytesIn,
      fields.bytesOut,
      fields.at,
    ]);
    assert.deepEqual(told, [
      ['traffic', 'films', 100, 70, '2026-01-01T00:00:01.000Z'],
      ['traffic', 'music', 0, 1000, '2026-01-01T00:00:01.000Z'],
      ['traffic', 'films', 100, 70, '2026-01-01T00:00:02.000Z'],
      ['traffic', 'music', 0, 1000, '2026-01-01T00:00:02.000Z'],
    ]);
  });

  test('of a film adds up to the film, in and out', async () => {
    const rig = await virtualRig({ films: film(3_000_000), relay: { rate: 500_000 } });
    const { clock } = rig;
    const events = rig.player({ film: film(0) }).get('/-/events?types=traffic', { film: null });
    await clock.settle();
    await clock.advanceUntil(rig.get('/films/film.mp4').done());
    await clock.advance(2 * second);
    const told = [...events.text.matchAll(/data: (.*)/g)].map(([, json = '']) => JSON.parse(json));
    const sum = (field: string) => told.reduce((total, fields) => total + fields[field], 0);
    assert.deepEqual([sum('bytesIn'), sum('bytesOut')], [3_000_000, 3_000_000]);
    assert.ok(told.length >= 6 && told.length <= 8, `${told.length} in 6 s`);
    await rig.close();
  });
});

describe('a client that stalls', () => {
  test('costs 64 KiB and an event at most, costs the others nothing, and is told of the gap when it reads on', async () => {
    const { clock, events, responses, listen } = streaming();
    const stalled = await listen();
    const other = await listen();
    stalled.pause();
    let most = 0;
    const count = 6000;
    for (let request = 1; request <= count; request += 1) {
      events.emit(sample.requestDone({ request }));
      if (request % 20 === 0) await clock.advance(60);
      most = Math.max(most, responses[0]?.writableLength ?? 0);
    }
    assert.ok(most > 32 * 1024 && most < 66 * 1024, `${most} characters wait for it`);
    assert.deepEqual([requests(other).length, types(other).includes('gap')], [count, false]);
    stalled.resume();
    await clock.advance(second);
    const heard = requests(stalled);
    const gap = types(stalled).indexOf('gap');
    assert.ok(gap > 0);
    assert.deepEqual(
      heard.slice(0, gap),
      Array.from({ length: gap }, (_, index) => index + 1),
    );
    const rest = heard.slice(gap + 1);
    assert.deepEqual([rest.length, rest[0], rest.at(-1)], [2048, count - 2047, count]);
  });

  test('is disconnected when it has taken nothing for a minute', async () => {
    const { clock, events, stream, responses, listen } = streaming();
    const stalled = await listen();
    stalled.pause();
    for (let request = 1; request <= 2000; request += 1) events.emit(sample.requestDone({ request }));
    await clock.advance(55 * second);
    assert.equal(stream.clients, 1);
    await clock.advance(21 * second);
    assert.deepEqual([stream.clients, responses[0]?.destroyed], [0, true]);
  });

  test('stays while it takes a little now and then', async () => {
    const { clock, events, stream, listen } = streaming();
    const slow = await listen();
    for (let request = 1; request <= 2000; request += 1) events.emit(sample.requestDone({ request }));
    for (let minute = 0; minute < 5; minute += 1) {
      slow.pause();
      await clock.advance(50 * second);
      slow.resume();
      await clock.advance(10 * second);
      for (let request = 1; request <= 1000; request += 1) events.emit(sample.requestDone({ request }));
    }
    assert.equal(stream.clients, 1);
  });
});

describe('many clients', () => {
  test('hear everything, each of them', async () => {
    const { clock, events, listen } = streaming();
    const listeners: Listener[] = [];
    for (let client = 0; client < 100; client += 1) listeners.push(await listen());
    for (let request = 1; request <= 30; request += 1) {
      events.emit(sample.requestDone({ request }));
      await clock.advance(20);
    }
    await clock.advance(second);
    const all = Array.from({ length: 30 }, (_, index) => index + 1);
    for (const listener of listeners) assert.deepEqual(requests(listener), all);
  });

  test('are 128 at most; one more is told so, and let in when another has left', async () => {
    const { clock, stream, listen } = streaming();
    const listeners: Listener[] = [];
    for (let client = 0; client < 128; client += 1) listeners.push(await listen());
    const late = await listen();
    assert.match(late.head, /^HTTP\/1\.1 503 /);
    assert.match(late.body, /128 clients/);
    listeners[0]?.leave();
    await clock.settle();
    const next = await listen();
    assert.match(next.head, /^HTTP\/1\.1 200 /);
    assert.equal(stream.clients, 128);
  });
});
