/** What is live is no film: a playlist, a manifest or radio is given as it is now, whatever type it is sent with. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { Film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { beginning } from '../support/written-film.ts';

const beginnings = {
  'a playlist of HLS': '#EXTM3U\n#EXT-X-VERSION:3\n',
  'a playlist behind a byte order mark': '\ufeff#EXTM3U\n',
  'a manifest of DASH':
    '<?xml version="1.0"?>\n<!-- made by a packager -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
  'a manifest of Smooth Streaming': '<SmoothStreamingMedia MajorVersion="2">',
  'a playlist of SHOUTcast': '[playlist]\nNumberOfEntries=1\n',
};

const types = ['application/octet-stream', null, 'video/mp2t', 'video/mp4', 'audio/mpeg', 'video/vnd.mpeg.dash.mpd'];

describe('what changes as it plays', () => {
  for (const [what, text] of Object.entries(beginnings)) {
    it(`${what} is given as it is now, whatever its type and size`, async () => {
      for (const size of [700, 60_000, 400_000]) {
        for (const type of types) {
          const rig = await virtualRig({ films: beginning(text, size, 1) });
          const fields: Behaviour['fields'] = { 'content-type': type, etag: null, 'last-modified': null };
          const gets = async (version: number) => {
            const now = beginning(text, size, version);
            rig.origin.always({ film: now, fields });
            const view = rig.get('/films/live', { film: now });
            assert.equal(await rig.clock.advanceUntil(view.done()), 'complete', `${type}, ${size} bytes`);
            assert.equal(view.status, 200);
          };
          await gets(1);
          await rig.clock.advance(6000);
          await gets(2);
          await rig.clock.advance(6000);
          await gets(3);
          await rig.close();
        }
      }
    });
  }

  it('a few KiB without a type are no film', async () => {
    const rig = await virtualRig({ films: new Film(3000, 1) });
    for (const version of [1, 2]) {
      const now = new Film(3000, version);
      rig.origin.always({ film: now, fields: { 'content-type': null, etag: null, 'last-modified': null } });
      const view = rig.get('/films/live', { film: now });
      assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
      await rig.clock.advance(6000);
    }
    await rig.close();
  });

  it('a film without freshness is asked for no more than once a day', async () => {
    const rig = await virtualRig({ films: new Film(400_000, 1) });
    for (let hours = 0; hours < 20; hours += 1) {
      const view = rig.get('/films/film.mp4', { film: new Film(400_000, 1) });
      assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
      await rig.clock.advance(3_600_000);
    }
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });
});

describe('small reads of what its origin gives no freshness', () => {
  it('cost one condition a second at most', async () => {
    const database = new Film(2_000_000, 1);
    const rig = await virtualRig({ films: database });
    rig.origin.always({ fields: { 'content-type': 'application/vnd.sqlite3', 'last-modified': null } });
    const startedAt = rig.clock.now();
    const player = rig.player();
    for (let read = 0; read < 400; read += 1) {
      const start = (read * 4096) % 1_900_000;
      const part = player.get('/films/data.sqlite', { range: `${start}-${start + 4095}` });
      assert.equal(await rig.clock.advanceUntil(part.done()), 'complete');
      await rig.clock.advance(10);
    }
    const conditions = rig.origin.requests.filter(({ fields }) => fields.some(([name]) => name === 'if-none-match'));
    const seconds = (rig.clock.now() - startedAt) / 1000;
    assert.ok(conditions.length <= seconds + 1, `${conditions.length} in ${seconds} s`);
    await rig.close();
  });
});

describe('a film that its server sends as text', () => {
  for (const [mount, type] of [
    [{}, 'video/x-matroska'],
    [{ mendTypes: false }, 'text/plain'],
    [{ cache: 'rfc9111' }, 'text/plain'],
  ] as const) {
    it(`is sent as ${type} where the origin has ${JSON.stringify(mount)}`, async () => {
      const movie = new Film(400_000, 1);
      const rig = await virtualRig({ films: movie, mount, origin: { fields: { 'content-type': 'text/plain' } } });
      const view = rig.get('/films/film.mkv?x=1', { film: movie });
      assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
      assert.equal(view.field('content-type'), type);
      await rig.close();
    });
  }
});
