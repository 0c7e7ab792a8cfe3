/** The charts of the page in the first seconds of a firstbyte, as a real Chromium draws them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { noChromium, playableFilm, Stage } from './stage.ts';

/**
 * Notes every text and every point that is drawn, by the canvas on which it is drawn; the document bears `data-drawn` once
 * there is one of each. The page's own policy lets a test evaluate no expression again and again.
 */
const notes = `
  globalThis.drawn = new Map();
  globalThis.points = [];
  const note = () => {
    if (points.length > 0 && drawn.size > 0) document.documentElement.dataset.drawn = '';
  };
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const texts = drawn.get(this.canvas) ?? [];
    drawn.set(this.canvas, [...texts, { text, x, y }]);
    note();
    return draw.call(this, text, x, y);
  };
  const arc = Path2D.prototype.arc;
  Path2D.prototype.arc = function (...given) {
    points.push(given[0]);
    note();
    return arc.apply(this, given);
  };
`;

interface Mark {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

describe('a chart with one sample', { skip: noChromium }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { '/film.mp4': playableFilm() } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('has no mark twice on an axis, and draws the sample', async () => {
    await stage.read('/film.mp4').ended;
    const { page, context, faults } = await stage.look('#first-byte');
    await context.addInitScript(notes);
    await page.reload();
    await page.locator('html[data-drawn]').waitFor();
    const places = await page.evaluate<number[]>('points');
    const width = await page.evaluate<number>('document.querySelector(".chart canvas").width');
    assert.ok(
      places.every((x) => x > 0 && x < width),
      `points at ${places} of ${width}`,
    );
    const charts = await page.evaluate<Mark[][]>('[...drawn.values()]');
    for (const marks of charts) {
      // The marks of the axis of time stand on one line, those of the values below each other.
      const lowest = Math.max(...marks.map(({ y }) => y));
      const [times, values] = [marks.filter(({ y }) => y === lowest), marks.filter(({ y }) => y < lowest)];
      for (const axis of [times, values]) {
        const places = new Map(axis.map(({ text, x, y }) => [`${x} ${y}`, text]));
        assert.ok(places.size > 0);
        assert.deepEqual([...places.values()], [...new Set(places.values())]);
      }
    }
    assert.deepEqual(faults, []);
    await context.close();
  });

  test('lists the requests that got no first byte, each with its reason', async () => {
    await stage.read('/none.mp4').ended;
    const { page, context } = await stage.look('#first-byte');
    const list = page.getByRole('region', { name: 'Requests without a first byte' }).getByRole('listitem');
    await list.filter({ hasText: '/films/none.mp4' }).getByText('The origin answered 404.').waitFor();
    await context.close();
  });
});
