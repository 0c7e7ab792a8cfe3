/** A redirect means something: how long it may be believed, what it asks to be sent back, and how far it leads. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { type Film, film } from '../support/film.ts';
import type { SeenRequest } from '../support/film-reply.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const clip = film(300_000, 3);
const movie = film(1_000_000);
const films = { '/clip.mp4': clip, '/movie.mp4': movie };
const hour = 3_600_000;

/** `/play` leads to one of the films. */
function leading(to: keyof typeof films, fields: Behaviour['fields'] = {}, status = 302) {
  return ({ target }: SeenRequest): Behaviour =>
    target === '/play' ? { status, fields: { location: to, ...fields } } : { fields: {} };
}

async function plays(rig: VirtualRig, what: Film, range?: string): Promise<void> {
  const view = rig.get('/films/play', { film: what, ...(range !== undefined && { range }) });
  assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
  assert.equal(view.status, range === undefined ? 200 : 206);
}

function asked(rig: VirtualRig): string[] {
  return rig.origin.requests.map(({ target, status }) => `${target} ${status}`);
}

/** What the origin is asked for when the film is played again after an hour, and sought in. */
async function costOfNextPlay(
  behaviour: ReturnType<typeof leading>,
  ranges: readonly (string | undefined)[] = [undefined],
) {
  const rig = await virtualRig({ films });
  rig.origin.always(behaviour);
  await plays(rig, movie);
  await rig.clock.advance(hour);
  const before = rig.origin.requests.length;
  for (const range of ranges) {
    await plays(rig, movie, range);
    await rig.clock.advance(2000);
  }
  const cost = asked(rig).slice(before);
  await rig.close();
  return cost;
}

describe('a temporary redirect', () => {
  for (const [what, fields] of [
    ['that may not be stored', { 'cache-control': 'no-store' }],
    ['that says nothing', {}],
    ['for a minute', { 'cache-control': 'max-age=60' }],
  ] as const) {
    it(`${what} is asked again at the next play, and may lead to another film`, async () => {
      const rig = await virtualRig({ films });
      rig.origin.always(leading('/clip.mp4', fields));
      await plays(rig, clip);
      await rig.clock.advance(hour);
      rig.origin.always(leading('/movie.mp4', fields));
      await plays(rig, movie);
      await rig.close();
    });
  }

  it('that leads to the same film again costs a condition, and no byte', async () => {
    assert.deepEqual(await costOfNextPlay(leading('/movie.mp4')), ['/play 302', '/movie.mp4 304']);
  });

  it('is asked once a play, not once a seek', async () => {
    const ranges = ['0-', '500000-', '100-', '900000-'];
    assert.deepEqual(await costOfNextPlay(leading('/movie.mp4'), ranges), ['/play 302', '/movie.mp4 304']);
  });

  it('is believed for as long as it says', async () => {
    assert.deepEqual(await costOfNextPlay(leading('/movie.mp4', { 'cache-control': 'max-age=7200' })), []);
  });

  it('is not asked for while the origin is away: what it led to last plays', async () => {
    const rig = await virtualRig({ films });
    rig.origin.always(leading('/movie.mp4'));
    await plays(rig, movie);
    await rig.clock.advance(hour);
    await rig.restart();
    rig.origin.always({ hangUp: 'reset' });
    await plays(rig, movie);
    await rig.close();
  });
});

describe('a permanent redirect', () => {
  it('is believed as long as the film', async () => {
    assert.deepEqual(await costOfNextPlay(leading('/movie.mp4', {}, 301)), []);
  });
});

describe('a chain of redirects', () => {
  it('sends back what its answers set, within itself alone, and no client sees it', async () => {
    const rig = await virtualRig({ films });
    const cookie = ({ fields }: SeenRequest) => fields.find(([name]) => name === 'cookie')?.[1] ?? null;
    rig.origin.always((seen) => {
      if (seen.target !== '/play') return {};
      if (cookie(seen) === 'seen=1') return { status: 302, fields: { location: '/movie.mp4' } };
      return { status: 302, fields: { location: '/play', 'set-cookie': 'seen=1; Path=/; HttpOnly' } };
    });
    const view = rig.get('/films/play', { film: movie });
    assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
    assert.deepEqual([view.status, view.field('set-cookie')], [200, null]);
    const sent = rig.origin.requests.map(cookie);
    assert.deepEqual(sent.slice(0, 3), [null, 'seen=1', 'seen=1']);
    await rig.clock.advance(hour);
    const before = rig.origin.requests.length;
    await plays(rig, movie);
    assert.equal(rig.origin.requests.slice(before).map(cookie)[0], null, 'the next chain begins without');
    await rig.close();
  });

  it('may be 20 long, as in browsers, and no longer', async () => {
    const rig = await virtualRig({ films });
    rig.origin.always(({ target }) => {
      const left = Number(/^\/hop\/(\d+)$/.exec(target)?.[1] ?? 0);
      if (left === 0) return {};
      return { status: 302, fields: { location: left === 1 ? '/movie.mp4' : `/hop/${left - 1}` } };
    });
    const long = rig.get('/films/hop/20', { film: movie });
    assert.equal(await rig.clock.advanceUntil(long.done()), 'complete');
    assert.equal(long.status, 200);
    const tooLong = await rig.play('/films/hop/21', { film: null });
    assert.equal(tooLong.status, 502);
    await rig.close();
  });
});
