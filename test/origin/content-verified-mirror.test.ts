/** Whatever a base was asked to find out whether it has the same bytes, one body at most is left: the answer's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentVerifiedMirror } from '../../src/origin/content-verified-mirror.ts';
import { film } from '../support/film.ts';
import { never } from '../support/never.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const movie = film(600_000);
const validator = { kind: 'etag', value: '"another"', strong: true } as const;

for (const [compared, bodies] of [
  ['same', 1],
  ['other', 0],
  ['unknown', 0],
] as const) {
  for (const [condition, range] of [
    ['if-range', 'bytes=400000-'],
    ['if-none-match', 'bytes=0-'],
  ] as const) {
    test(`asked by ${condition}, a base whose samples are ${compared} has one answer open at most`, async () => {
      const clock = new VirtualClock();
      const base = ScriptedOrigin.serving(movie, { clock, rate: 1e6 });
      const origin = contentVerifiedMirror(base);
      const held = {
        validator,
        length: movie.size,
        present: [{ start: 0, end: 400_000 }],
        compare: async () => compared,
      };
      const fields = [
        ['range', range],
        [condition, validator.value],
      ] as const;
      const reply = await clock.advanceUntil(origin.open({ target: '/film', fields, held }, never));
      assert.ok(base.requests.length > 1);
      const open = base.requests.filter(({ live }) => live);
      // Where it is another version, more of it is not wanted; whether it is current is answered by what it has.
      assert.equal(open.length, condition === 'if-range' ? bodies : 1 - bodies);
      reply.body.cancel();
      await clock.settle();
      assert.equal(base.requests.filter(({ live }) => live).length, 0);
    });
  }
}
