import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trails } from '../../src/cache/trails.ts';
import { ProxyError } from '../../src/errors.ts';
import { ConnectionSlots } from '../../src/fill/connection-slots.ts';
import type { Trail } from '../../src/http/via.ts';
import { Film } from '../support/film.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';

const film = new Film(1000, 1);
const free = new AbortController().signal;
const by = (...names: string[]): Trail => names.map((name) => ['via', `1.1 ${name}`]);
const loop = new ProxyError('proxy_loop_detected', 'A loop.');

function stage(connections = 2) {
  const scripted = new ScriptedOrigin(film);
  const slots = new ConnectionSlots(connections, 10);
  const trails = new Trails();
  const origin = trails.through(scripted, slots);
  const open = () => {
    const slot = slots.acquireNow({ urgency: () => 'waited for' });
    const reply = origin.open(
      {
        target: '/a?b',
        fields: [
          ['range', 'bytes=5-'],
          ['if-range', '"v"'],
          ['x', 'y'],
        ],
      },
      free,
    );
    void reply.catch(() => {}).finally(() => slot?.release());
    return reply;
  };
  return { scripted, slots, trails, open };
}

const viaOf = ({ fields }: ScriptedRequest) => fields.filter(([name]) => name === 'via').map(([, value]) => value);

/** Lets everything that is ready happen. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a request bears the trails of all who are there when it is made, each member once', async () => {
  const { scripted, trails, open } = stage();
  trails.accompany(by('a', 'b'));
  const leave = trails.accompany(by('b', 'c'));
  trails.accompany([]);
  void open();
  leave();
  void open();
  assert.deepEqual(scripted.requests.map(viaOf), [
    ['1.1 a', '1.1 b', '1.1 c'],
    ['1.1 a', '1.1 b'],
  ]);
});

test('who comes by a trail that a request under way has not named is told of by one byte beside it', async () => {
  const { scripted, slots, trails, open } = stage();
  trails.accompany(by('a'));
  const reply = open();
  trails.accompany(by('a'));
  assert.equal(scripted.requests.length, 1);
  trails.accompany(by('b'));
  const [first, beside] = scripted.requests;
  assert.ok(first !== undefined && beside !== undefined);
  assert.deepEqual(viaOf(beside), ['1.1 a', '1.1 b']);
  assert.deepEqual(beside.fields.slice(0, 2), [
    ['x', 'y'],
    ['range', 'bytes=0-0'],
  ]);
  assert.equal(beside.target, '/a?b');
  first.head();
  await reply;
  await settled();
  assert.deepEqual([beside.live, slots.used], [false, 0]);
});

test('a loop that is found beside a request ends it', async () => {
  const { scripted, slots, trails, open } = stage();
  const reply = open();
  trails.accompany(by('b'));
  scripted.requests[1]?.refuse(loop);
  await assert.rejects(reply, loop);
  await settled();
  assert.deepEqual([scripted.live.length, slots.used], [0, 0]);
});

test('whatever else is found beside a request is nothing to it', async () => {
  const { scripted, trails, open } = stage();
  const reply = open();
  trails.accompany(by('b'));
  scripted.requests[1]?.refuse(new ProxyError('connection_refused', 'Refused.'));
  await settled();
  trails.accompany(by('c'));
  scripted.requests[2]?.head(404);
  await settled();
  scripted.requests[0]?.head();
  assert.equal((await reply).status, 206);
  assert.equal(scripted.requests.length, 3);
});

test('it is asked for once for each who is new, and given up where somebody else needs the connection', async () => {
  const { scripted, slots, trails, open } = stage(4);
  void open();
  for (const name of ['a', 'b', 'a']) trails.accompany(by(name));
  assert.deepEqual(scripted.requests.map(viaOf), [[], ['1.1 a'], ['1.1 a', '1.1 b']]);
  void open();
  const waited = slots.acquire({ urgency: () => 'waited for' }, free);
  await waited;
  assert.deepEqual(
    scripted.requests.map(({ live }) => live),
    [true, false, false, true],
  );
});

test('where no connection is free, none is asked for', () => {
  const { scripted, trails, open } = stage(1);
  void open();
  trails.accompany(by('a'));
  assert.equal(scripted.requests.length, 1);
});

test('who comes while nothing is under way costs nothing', () => {
  const { scripted, trails } = stage();
  trails.accompany(by('a'));
  assert.equal(scripted.requests.length, 0);
});

test('the byte that is asked for beside a request is not read, and its connection is given back', async () => {
  const { scripted, slots, trails, open } = stage();
  trails.accompany(by('a'));
  void open();
  trails.accompany(by('b'));
  const [first, beside] = scripted.requests;
  beside?.head();
  await settled();
  assert.deepEqual([first?.live, beside?.cancelled, slots.used], [true, true, 1]);
});
