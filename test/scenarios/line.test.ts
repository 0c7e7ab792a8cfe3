/** Whether the line carries a film is said early, and truly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import { FillFailed } from '../../src/fill/failure.ts';
import { stage } from '../cache/stage.ts';
import { tailedFilm } from '../support/boxed-films.ts';
import { type Film, film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';

const mebibyte = 1024 * 1024;
const { film: boxed } = tailedFilm(200 * mebibyte, 140_000, 240_000);
const needs = boxed.size / 240;

interface Run {
  /** What the line gives, as a share of what the film needs. */
  readonly share: number;
  readonly shown?: Film;
  readonly seconds?: number;
}

/** A player that shows the film from its beginning, takes what it can get for some seconds ahead, and stalls without. */
async function play({ share, shown = boxed, seconds = 20 }: Run) {
  const there = stage({
    film: shown,
    origin: (clock) => ScriptedOrigin.serving(shown, { clock, rate: (share * shown.size) / 240, headAfter: 50 }),
  });
  const player = there.view();
  player.rate = shown.size / 240;
  await there.clock.advance(seconds * 1000);
  const { line } = there.fill();
  return { ...there, player, line };
}

it('a film that needs much has 20 s of it before the player, from the moment when it plays', async () => {
  const { film: shown } = tailedFilm(1600 * mebibyte, 140_000, 240_000);
  const rate = shown.size / 240;
  const { view, clock, origin } = stage({
    film: shown,
    origin: (clock) => ScriptedOrigin.serving(shown, { clock, rate: 100_000_000, headAfter: 20 }),
  });
  const player = view();
  player.rate = rate;
  await clock.advance(6000);
  const ahead = origin.bytesGiven - player.bytes;
  assert.ok(ahead >= 0.75 * 20 * rate && ahead <= 20 * rate + 2 * mebibyte, `${ahead / rate} s ahead`);
  player.leave();
});

describe('what is said of a line', () => {
  for (const share of [0.3, 0.5, 0.7, 0.84]) {
    it(`that gives ${100 * share} % of what the film needs is that it will stall`, async () => {
      const { line, eventsOf, player } = await play({ share });
      assert.equal(line?.outcome, 'will stall');
      assert.ok(Math.abs((line?.gives ?? 0) / (share * needs) - 1) < 0.1, `${line?.gives}`);
      assert.deepEqual(
        eventsOf('line').map(({ outcome }) => outcome),
        ['will stall'],
      );
      assert.ok((eventsOf('line')[0]?.at ?? Number.POSITIVE_INFINITY) <= 15_000);
      player.leave();
    });
  }

  for (const share of [1.16, 1.5, 3, 20]) {
    it(`that gives ${100 * share} % of what the film needs is that it is fast enough`, async () => {
      const { line, eventsOf, player } = await play({ share });
      assert.equal(line?.outcome, 'fast enough');
      assert.deepEqual(
        eventsOf('line').map(({ outcome }) => outcome),
        ['fast enough'],
      );
      player.leave();
    });
  }

  for (const rate of [12_000, 64_000]) {
    for (const share of [0.5, 0.84, 1.2, 3]) {
      it(`is right after 15 s of a film of ${rate} bytes a second, over a line of ${share} times that`, async () => {
        const { film: shown } = tailedFilm(240 * rate, 1000, 240_000);
        const { line, player } = await play({ share, shown, seconds: 15 });
        assert.equal(line?.outcome, share < 1 ? 'will stall' : 'fast enough');
        player.leave();
      });
    }
  }

  it('is that it is fast enough where all of the film is there after four seconds', async () => {
    const { line, player } = await play({ share: 60, seconds: 15 });
    assert.equal(line?.outcome, 'fast enough');
    player.leave();
  });

  it('is one sentence, with both rates', async () => {
    const { line, player, eventsOf } = await play({ share: 0.5 });
    assert.match(line?.words ?? '', /^this line gives 3\.\d Mbit\/s, the film needs 7\.0 Mbit\/s: it will stall$/);
    assert.equal(eventsOf('line')[0]?.message.endsWith('it will stall'), true);
    player.leave();
  });

  it('does not call a line fast enough that is slower than the film, where enough is there already', async () => {
    const there = stage({
      film: boxed,
      origin: (clock) => ScriptedOrigin.serving(boxed, { clock, rate: 0.5 * needs, headAfter: 50 }),
    });
    const ahead = there.view(0, 60 * mebibyte);
    await there.clock.advance((60 * mebibyte * 1000) / (0.5 * needs) + 1000);
    assert.equal(ahead.outcome, 'whole');
    const player = there.view();
    player.rate = needs;
    await there.clock.advance(30_000);
    assert.deepEqual(
      there.eventsOf('line').map(({ message }) => message.split(': ').at(-1)),
      ['it will stall', 'enough is downloaded ahead'],
    );
    player.leave();
  });

  it('is said once of a line that gives just what the film needs', async () => {
    const { eventsOf, player } = await play({ share: 1, seconds: 120 });
    assert.ok(eventsOf('line').length <= 1, `${eventsOf('line').length} times`);
    player.leave();
  });

  it('is nothing where the film does not tell what it needs', async () => {
    const { line, eventsOf, player } = await play({ share: 0.5, shown: film(200 * mebibyte) });
    assert.deepEqual([line, eventsOf('line')], [null, []]);
    player.leave();
  });

  it('is nothing yet after five seconds of a line that is no faster than the film', async () => {
    const { line, player } = await play({ share: 0.9, seconds: 5 });
    assert.ok(line === null || line.outcome === 'unknown', line?.outcome);
    player.leave();
  });

  for (const [what, downFor] of [
    ['for a while', 15_000],
    ['for good', Number.POSITIVE_INFINITY],
  ] as const) {
    it(`is still that it will stall when the origin breaks off ${what}`, async () => {
      const { eventsOf, player, origin, clock } = await play({ share: 0.5 });
      const { open } = origin;
      origin.open = () => Promise.reject(new ProxyError('connection_refused', 'Nobody listens.'));
      for (const request of origin.live) request.cut();
      await clock.advance(Math.min(downFor, 120_000));
      if (downFor < 120_000) origin.open = open;
      await clock.advance(20_000);
      assert.equal(player.outcome instanceof FillFailed, downFor > 120_000);
      const said = eventsOf('line').map(({ outcome }) => outcome);
      assert.deepEqual(said, ['will stall']);
      player.leave();
    });
  }

  it('is still that it will stall when the download is paused', async () => {
    const { eventsOf, player, cache, clock } = await play({ share: 0.5 });
    cache.entries()[0]?.current?.pause();
    await clock.advance(20_000);
    const said = eventsOf('line').map(({ outcome }) => outcome);
    assert.deepEqual(said, ['will stall']);
    player.leave();
  });
});
