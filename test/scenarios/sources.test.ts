/** A URL that somebody hands in at run time, on the whole way from player to origin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AddedSource, NewSource } from '../../src/admin/sources.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, withRig } from '../support/rig.ts';

const movie = film(1_000_000);

const written: NewSource = {
  url: new URL('http://10.0.0.9/hidden/7.mp4?sig=hidden'),
  fields: [['x-key', 'hidden']],
  name: 'my film.mp4',
  ttl: 60_000,
  refresh: null,
  network: 'private',
};

function add(rig: VirtualRig, changes: Partial<NewSource> = {}): AddedSource {
  const added = rig.daemon.sources.add({ ...written, ...changes });
  assert.ok(typeof added === 'object', `it was refused: ${added}`);
  return added;
}

describe('a source', () => {
  it('plays at a path that has 192 bits of chance, with its fields, its query and its ranges', () =>
    withRig({ films: movie }, async (rig) => {
      const { play } = add(rig);
      assert.match(play, /^\/~\/[\w-]{32}\/my%20film\.mp4$/);
      assert.notEqual(add(rig).play, play);
      const exchange = rig.get(play, { range: '500000-' });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [206, 500_000]);
      const [asked] = rig.origin.requests;
      assert.equal(asked?.target, '/hidden/7.mp4?sig=hidden');
      assert.equal(Object.fromEntries(asked?.fields ?? [])['x-key'], 'hidden');
    }));

  it('is called ~ and its name in events and in the log: neither its URL, its fields nor its path are told', () =>
    withRig({ films: movie, settings: { logLevel: 'debug' } }, async (rig) => {
      const { play } = add(rig);
      const token = play.split('/')[2] ?? '';
      rig.origin.next({ status: 503 });
      await rig.play(play);
      rig.origin.next({ status: 404 });
      const broken = add(rig, { name: 'other.mp4', url: new URL('http://10.0.0.9/hidden/8.mp4?sig=hidden') });
      assert.equal((await rig.play(broken.play)).status, 404);
      await rig.play(`/~/${token}/none.mp4`);
      const told = JSON.stringify(rig.events) + rig.log.join('');
      for (const secret of ['hidden', token]) assert.ok(!told.includes(secret), told);
      const done = rig.eventsOf('request-done');
      assert.deepEqual([done[0]?.origin, done[0]?.path], ['~', '/my%20film.mp4']);
      assert.ok(rig.eventsOf('retry').length > 0);
      const { objects } = await pageOf(rig);
      assert.deepEqual(
        objects.map(({ origin, path }) => [origin, path]),
        [['~', '/my%20film.mp4']],
      );
    }));

  it('is 404 under another token or another name, and is not asked for', () =>
    withRig({ films: movie }, async (rig) => {
      const { play } = add(rig);
      const token = play.split('/')[2] ?? '';
      for (const target of ['/~/', '/~', `/~/${token}`, `/~/${token}/`, `/~/${token}/my%20film.srt`]) {
        assert.equal((await rig.play(target)).status, 404, target);
      }
      const another = token.slice(0, -1) + (token.endsWith('x') ? 'y' : 'x');
      assert.equal((await rig.play(`/~/${another}/my%20film.mp4`)).status, 404);
      assert.equal(rig.origin.requests.length, 0);
      assert.equal((await rig.play(`/~/${token}/my%20%66ilm.mp4?x=1`)).status, 200);
    }));

  it('takes no new request once its time is over; who plays it plays on, then its connections end', () =>
    withRig({ films: movie, settings: { readAhead: '64KiB' } }, async (rig) => {
      const { play, expiresAt, addedAt } = add(rig);
      assert.equal(expiresAt - addedAt, 60_000);
      rig.origin.always({ rate: 10_000 });
      const watching = rig.get(play);
      await rig.clock.advance(59_000);
      assert.equal(rig.daemon.sources.list().length, 1);
      await rig.clock.advance(1000);
      assert.deepEqual(rig.daemon.sources.list(), []);
      assert.equal((await rig.play(play)).status, 404);
      assert.equal(await rig.clock.advanceUntil(watching.done()), 'complete');
      assert.equal(watching.bodyBytes, movie.size);
      await rig.clock.advance(31_000);
      assert.equal(rig.origin.open, 0);
    }));

  it('can be ended before its time, once', () =>
    withRig({ films: movie }, async (rig) => {
      const { id, play } = add(rig);
      assert.ok(rig.daemon.sources.remove(id));
      assert.equal((await rig.play(play)).status, 404);
      assert.ok(!rig.daemon.sources.remove(id));
    }));

  it('is one object, however often it is handed in, and another for other fields', () =>
    withRig({ films: movie }, async (rig) => {
      const first = add(rig);
      await rig.play(first.play);
      rig.daemon.sources.remove(first.id);
      await rig.play(add(rig).play);
      assert.equal(rig.origin.requests.length, 1);
      await rig.play(add(rig, { fields: [['x-key', 'other']] }).play);
      assert.equal(rig.origin.requests.length, 2);
    }));

  it('is found again after a restart by whoever hands it in again', () =>
    withRig({ films: movie }, async (rig) => {
      await rig.play(add(rig).play);
      await rig.restart();
      assert.deepEqual(rig.daemon.sources.list(), []);
      assert.equal((await rig.play(add(rig).play)).status, 200);
      assert.equal(rig.origin.requests.length, 1);
    }));

  it('is another one for nobody: what a client sends of its own tells nothing apart, and is not forwarded', () =>
    withRig({ films: movie }, async (rig) => {
      const { play } = add(rig);
      for (const authorization of ['Basic one', 'Basic two']) {
        await rig.clock.advanceUntil(rig.get(play, { fields: { authorization } }).done());
      }
      assert.deepEqual(
        rig.origin.requests.map(({ fields }) => Object.fromEntries(fields).authorization),
        [undefined],
      );
    }));

  it('in a private network is refused unless that was said, by its name and by the address that the name has', () =>
    withRig({ films: movie }, async (rig) => {
      for (const url of ['http://10.0.0.9/a.mp4', 'http://nas/a.mp4', 'http://nas.local/a.mp4', 'http://[::1]/a.mp4']) {
        assert.equal(rig.daemon.sources.add({ ...written, url: new URL(url), network: 'public' }), 'private', url);
      }
      const refresh = new URL('http://127.0.0.1/hook');
      const url = new URL('http://media.example/a.mp4');
      assert.equal(rig.daemon.sources.add({ ...written, url, refresh, network: 'public' }), 'private');
      // The virtual network resolves nothing: what a name leads to is the guard of every origin.
      assert.ok(typeof rig.daemon.sources.add({ ...written, url, network: 'public' }) === 'object');
    }));

  it('is refused where there are a thousand already', () =>
    withRig({ films: movie }, async (rig) => {
      for (let count = 0; count < 1000; count += 1) add(rig, { name: `${count}.mp4` });
      assert.equal(rig.daemon.sources.add(written), 'too many');
    }));
});

async function pageOf(rig: VirtualRig) {
  const page = await rig.daemon.holdings.page();
  assert.ok(page !== 'no such cursor');
  return page;
}
