/** The bar of long work: it stays in its place, goes on only, and never shows more than is there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProgressBar } from '../../src/cli/progress.ts';
import type { Clock } from '../../src/clock.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A bar on a terminal of so many columns, and what it has drawn, the last one last. */
function barOn(columns: number, clock: Clock, what = 'downloading /films/a long name of a holiday.mkv') {
  const drawn: string[] = [];
  const around = {
    clock,
    complain: (text: string) => drawn.push(text.replace('\r', '').replace('\x1b[K', '')),
    terminal: { isTerminal: () => true, size: () => ({ columns, rows: 24 }) },
  };
  return { bar: new ProgressBar(what, around as never), drawn };
}

/** The cells of the bar that are full, an eighth at a time, and where it stands; `null` for an empty one. */
function cellsIn(line: string): { readonly at: number; readonly full: number } | null {
  const [cells = ''] = /[█▏▎▍▌▋▊▉]+/.exec(line) ?? [];
  const eighths = ' ▏▎▍▌▋▊▉█';
  const full = [...cells].reduce((sum, cell) => sum + eighths.indexOf(cell) / 8, 0);
  return cells === '' ? null : { at: line.indexOf(cells), full };
}

describe('the bar', () => {
  for (const columns of [60, 80, 100, 160]) {
    it(`stays in its place and on its line on ${columns} columns, whatever its figures are`, async () => {
      const clock = new VirtualClock();
      const { bar, drawn } = barOn(columns, clock);
      const total = 12_345_678_901;
      const steps = [0, 1, 999, 1000, 40_000, 9_994_999, 99_950_000, 3_000_000_000, total - 1, total];
      for (const [place, done] of steps.entries()) {
        await clock.advance(1000 + place);
        bar.update(done, place === 0 ? null : total);
      }
      assert.equal(drawn.length, steps.length);
      assert.ok(
        drawn.every((line) => line.length < columns),
        drawn.join('\n'),
      );
      assert.ok(
        drawn.every((line) => / [0-9.]+ k?[MG]?B/.test(line)),
        drawn.join('\n'),
      );
      assert.equal(new Set(drawn.flatMap((line) => cellsIn(line)?.at ?? [])).size, 1, drawn.join('\n'));
      assert.equal(new Set(drawn.map((line) => line.search(/ [0-9.]+ k?[MG]?B/))).size, 1, drawn.join('\n'));
    });
  }

  it('takes what was cached before for no speed', async () => {
    const clock = new VirtualClock();
    const { bar, drawn } = barOn(120, clock);
    bar.update(0, null);
    for (const done of [500_000_000, 500_050_000, 500_100_000]) {
      await clock.advance(500);
      bar.update(done, 1_000_000_000);
    }
    assert.match(drawn.at(-1) ?? '', /500 MB of 1 GB, 50 %, 100 kB\/s, /);
  });

  it('goes on only, and never ahead of what is stored, also where the origin cuts and begins again', async () => {
    const whole = film(8_000_000, 1);
    const rig = await virtualRig({ films: { '/a.mkv': whole } });
    rig.origin.next({ rate: 1_000_000, cutAfter: 3_000_000 });
    rig.origin.always({ rate: 2_000_000 });
    const work = rig.daemon.holdings.warm('films', '/a.mkv', [{ start: 0, end: null }]);
    assert.ok(typeof work === 'function');
    const { bar, drawn } = barOn(160, rig.clock);
    const job = { done: 0, total: null as number | null, over: false };
    const add = (bytes: number) => {
      job.done += bytes;
    };
    const expect = (total: number | null) => {
      job.total = total;
    };
    const { signal } = new AbortController();
    work({ add, expect }, signal).then(() => {
      job.over = true;
    });
    const seen: { readonly full: number; readonly present: number }[] = [];
    while (!job.over) {
      const before = drawn.length;
      bar.update(job.done, job.total);
      const { objects } = (await rig.daemon.holdings.page()) as { objects: readonly { bytes: number }[] };
      const full = drawn.length > before ? cellsIn(drawn.at(-1) ?? '')?.full : undefined;
      if (full !== undefined) seen.push({ full: full / 20, present: (objects[0]?.bytes ?? 0) / whole.size });
      await rig.clock.advance(200);
    }
    assert.ok(seen.length > 10);
    assert.deepEqual(
      seen.filter(({ full, present }) => full > present),
      [],
    );
    assert.deepEqual(
      seen.map(({ full }) => full),
      seen.map(({ full }) => full).sort((one, other) => one - other),
    );
    await rig.close();
  });
});
