import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadSettings } from '../../src/config.ts';
import { startDaemon } from '../../src/daemon.ts';
import { createHttpOrigin } from '../../src/origin/http-origin.ts';
import type { OriginRequest } from '../../src/origin/origin.ts';
import type { RefreshAnswer, RefreshQuestion } from '../../src/origin/refresh.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { Client } from '../support/client.ts';
import { duplexPair } from '../support/duplex-pair.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { VirtualNetwork } from '../support/virtual-network.ts';

const movie = film(1_000_000);
const signed = (version: number): Behaviour => ({
  status: 302,
  fields: { location: `http://10.0.0.2/signed/${version}?sig=secret` },
});

describe('a film behind a redirect to a signed URL', () => {
  for (const status of [401, 403, 404, 410]) {
    it(`that expires in mid-film (${status}) goes on from the same byte`, async () => {
      const rig = await virtualRig({ films: movie, mount: { redirectTo: 'any' } });
      rig.origin.next(
        signed(1),
        { cutAfter: 400_000 },
        // The time of that address is over.
        { status },
        signed(2),
      );
      const exchange = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
      const asked = rig.origin.requests.map(({ target, fields }) => [
        target.split('?')[0],
        fields.find(([name]) => name === 'range')?.[1],
      ]);
      assert.deepEqual(asked, [
        ['/film.mp4', 'bytes=0-'],
        ['/signed/1', 'bytes=0-'],
        ['/signed/1', 'bytes=400000-'],
        ['/film.mp4', 'bytes=400000-'],
        ['/signed/2', 'bytes=400000-'],
      ]);
      assert.ok(!rig.log.join('').includes('secret'));
      await rig.close();
    });
  }

  it('is asked for at the signed URL, and not by way of the redirect, for each further piece of a play', async () => {
    const rig = await virtualRig({ films: movie, mount: { redirectTo: 'any' } });
    rig.origin.next(signed(1), { cutAfter: 200_000 }, { cutAfter: 200_000 }, {});
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const paths = () => rig.origin.requests.map(({ target }) => target.split('?')[0]);
    assert.deepEqual(paths(), ['/film.mp4', '/signed/1', '/signed/1', '/signed/1']);
    await rig.close();
  });

  for (const [when, pauseMs, then] of [
    ['after a pause', 61_000, []],
    // Once over the connection that is open, and once over a new one.
    ['where the signed URL hangs up', 0, [{ hangUp: 'reset' }, { hangUp: 'reset' }]],
  ] as const) {
    it(`is asked for by way of the redirect again ${when}`, async () => {
      const rig = await virtualRig({ films: movie, mount: { redirectTo: 'any', fill: 'none' } });
      rig.origin.next(signed(1), {}, ...then, signed(2));
      await rig.clock.advanceUntil(rig.get('/films/film.mp4', { range: '0-1000' }).done());
      await rig.clock.advance(pauseMs);
      const second = rig.get('/films/film.mp4', { range: '900000-' });
      assert.equal(await rig.clock.advanceUntil(second.done()), 'complete');
      const paths = rig.origin.requests.map(({ target }) => target.split('?')[0]);
      const further = [...then.map(() => '/signed/1'), '/film.mp4', '/signed/2'];
      assert.deepEqual(paths.slice(0, 2 + further.length), ['/film.mp4', '/signed/1', ...further]);
      await rig.close();
    });
  }

  it('is one film in the cache, under its stable address', async () => {
    const rig = await virtualRig({ films: movie, mount: { redirectTo: 'any' } });
    rig.origin.next(signed(1));
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const before = rig.origin.requests.length;
    const again = await rig.play('/films/film.mp4', { range: '500000-' });
    assert.deepEqual([again.status, rig.origin.requests.length], [206, before]);
    await rig.close();
  });

  it('that is refused afresh, with a range and without, is told to the client', async () => {
    const rig = await virtualRig({ films: movie, mount: { redirectTo: 'any' } });
    for (let url = 1; url <= 4; url += 1) rig.origin.next(signed(url), { status: 403 });
    const exchange = await rig.play('/films/film.mp4');
    assert.deepEqual([exchange.status, rig.origin.requests.length], [403, 8]);
    await rig.close();
  });
});

describe('a film whose address a hook gives', () => {
  async function stage(answer: (question: RefreshQuestion, asked: number) => Promise<RefreshAnswer>) {
    const network = new VirtualNetwork({ films: movie });
    const { clock, connect } = network;
    const questions: RefreshQuestion[] = [];
    const asked: OriginRequest[] = [];
    const log: string[] = [];
    const origins = { films: { url: 'http://10.0.0.1/', redirectTo: 'any' } };
    const { settings } = loadSettings({ flags: { origins, parallelFetches: '1' }, env: { HOME: '/' } });
    const daemon = await startDaemon(
      { ...settings, listen: [] },
      {
        clock,
        random: () => 0.5,
        store: createMemoryStore(),
        makeOrigin: (_, options) => {
          const origin = createHttpOrigin({ ...options, connect });
          const open = (request: OriginRequest, signal: AbortSignal) => {
            asked.push(request);
            return origin.open(request, signal);
          };
          return { name: origin.name, open, close: () => origin.close() };
        },
        refresh: (question) => {
          questions.push(question);
          return answer(question, questions.length);
        },
        log: (line) => log.push(line),
      },
    );
    const get = () => {
      const [near, far] = duplexPair();
      daemon.serve(far);
      return new Client(near, { clock, film: movie }).get('/films/film.mp4');
    };
    const close = async () => {
      network.close();
      await clock.settle();
      await clock.advanceUntil(daemon.stop());
    };
    return { clock, network, questions, asked, log, get, close };
  }

  const fresh = async (_: RefreshQuestion, asked: number): Promise<RefreshAnswer> => ({
    url: `http://10.0.0.2/signed/${asked}?sig=secret`,
    fields: { 'x-key': `key-${asked}` },
    expiresIn: 60,
  });

  it('plays on when the address is refused in mid-film, and the hook is asked once for all', async () => {
    const { clock, network, questions, log, get, close } = await stage(fresh);
    network.origin.next({ cutAfter: 400_000 }, { status: 403 });
    const viewers = Array.from({ length: 20 }, get);
    for (const viewer of viewers) {
      assert.equal(await clock.advanceUntil(viewer.done()), 'complete');
      assert.equal(viewer.bodyBytes, movie.size);
    }
    assert.deepEqual(
      questions.map(({ reason, target }) => [reason, target]),
      [
        ['start', '/film.mp4'],
        ['denied', '/film.mp4'],
      ],
    );
    assert.deepEqual(
      network.origin.requests.map(({ target, fields }) => [target, fields.find(([name]) => name === 'x-key')?.[1]]),
      [
        ['/signed/1?sig=secret', 'key-1'],
        ['/signed/1?sig=secret', 'key-1'],
        ['/signed/2?sig=secret', 'key-2'],
      ],
    );
    assert.ok(!log.join('').includes('secret'));
    await close();
  });

  it('is asked for at an origin of an embedding program by the former name of the address, too', async () => {
    const { clock, asked, get, close } = await stage(fresh);
    await clock.advanceUntil(get().done());
    const [request] = asked;
    assert.equal(request?.resolved?.url?.href, 'http://10.0.0.2/signed/1?sig=secret');
    assert.equal(request?.place, request?.resolved);
    await close();
  });

  it('plays on when the time of the address is over', async () => {
    const { clock, network, questions, get, close } = await stage(fresh);
    network.origin.always({ rate: 10_000, cutAfter: 700_000 });
    const viewer = get();
    assert.equal(await clock.advanceUntil(viewer.done()), 'complete');
    assert.equal(viewer.bodyBytes, movie.size);
    assert.deepEqual(
      questions.map(({ reason }) => reason),
      ['start', 'expired'],
    );
    await close();
  });

  it('waits within its budget for a hook that is still waking up', async () => {
    const { clock, questions, get, close } = await stage(async (question, asked) => {
      if (asked < 5) throw new Error('not yet');
      return fresh(question, asked);
    });
    const viewer = get();
    assert.equal(await clock.advanceUntil(viewer.done()), 'complete');
    assert.deepEqual([viewer.status, questions.length], [200, 5]);
    await close();
  });

  it('is asked about again when what the own address redirects to is gone', async () => {
    const { clock, network, questions, get, close } = await stage(async () => ({ fields: { 'x-key': 'key' } }));
    network.origin.next(signed(1), { status: 404 }, signed(2), { status: 404 });
    const viewer = get();
    assert.equal(await clock.advanceUntil(viewer.done()), 'complete');
    assert.deepEqual([viewer.status, questions.map(({ reason }) => reason)], [200, ['start', 'denied']]);
    await close();
  });

  it('is a plain error where the hook never answers', async () => {
    const { clock, get, close } = await stage(async () => {
      throw new Error('token=secret');
    });
    const viewer = get();
    await clock.advanceUntil(viewer.done());
    assert.equal(viewer.status, 503);
    assert.match(viewer.text, /^The refresh hook of the origin films gave no address: it failed\. .*\(refresh\)/);
    assert.ok(!viewer.text.includes('secret'));
    await close();
  });
});
