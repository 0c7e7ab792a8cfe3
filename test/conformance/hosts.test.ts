/** Under which host names anything is answered: media, the page and the control API alike (DNS rebinding). */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { type VirtualRig, withRig } from '../support/rig.ts';
import { smallFilm } from './answer.ts';

const targets = ['/films/film.mp4', '/-/', '/-/api/v1/stats', '/films', '/nobody/x'] as const;

async function statuses(rig: VirtualRig, host: string): Promise<(number | null)[]> {
  const exchanges = targets.map((target) => rig.player().send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, null));
  // The page is read from the disk, for which virtual time does not wait.
  await exchanges[targets.indexOf('/-/')]?.done();
  await rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
  return exchanges.map(({ status }) => status);
}

const refused = (lines: readonly string[]) => lines.filter((line) => line.includes('host name'));

describe('a host', () => {
  it('that no stranger can have is answered everywhere', () =>
    withRig({ films: smallFilm }, async (rig) => {
      const names = ['localhost', 'LOCALHOST:8787', 'nas', 'nas:1', 'NAS.local.', 'a.b.lan', 'tv.home', 'x.home.arpa'];
      const addresses = ['127.0.0.1:80', '127.1.2.3', '10.0.0.1', '8.8.8.8', '[::1]:8787', '[fe80::1%25eth0]'];
      for (const host of [...names, ...addresses, 'x.internal', hostname(), `${hostname().toUpperCase()}:8787`]) {
        const [media, page, api, folder, nobody] = await statuses(rig, host);
        assert.deepEqual([media, api, folder, nobody], [200, 200, 308, 404], host);
        // Where the page has not been built, there is none.
        assert.ok(page === 200 || page === 503 || page === 404, `${host}: ${page}`);
      }
      assert.deepEqual(refused(rig.log), []);
    }));

  it('that a stranger could have is answered nowhere by anything but 421', () =>
    withRig({ films: smallFilm }, async (rig) => {
      const hosts = ['evil.example', 'localhost.evil.example:8787', '127.0.0.1.nip.io', 'evil%2eexample', '0x7f.1'];
      for (const host of hosts) {
        assert.deepEqual(new Set(await statuses(rig, host)), new Set([421]), host);
      }
      assert.equal(rig.origin.requests.length, 0);
    }));

  it('that is none, or empty, is answered by 400', () =>
    withRig({ films: smallFilm }, async (rig) => {
      for (const host of [
        '',
        'a b',
        'a,b',
        'user@nas',
        'nas:x',
        'nas:65536',
        '[::1',
        '[nas]',
        'nas/a',
        '%zz',
        'n\xe4s',
      ]) {
        assert.deepEqual(new Set(await statuses(rig, host)), new Set([400]), host);
      }
    }));

  it('is answered where the operator calls it his own', () =>
    withRig(
      { films: smallFilm, settings: { allowHosts: ['Media.Example.', '*.films.example', 'bücher.example'] } },
      async (rig) => {
        for (const host of ['media.example', 'MEDIA.example.:443', 'a.films.example', 'xn--bcher-kva.example']) {
          assert.deepEqual((await statuses(rig, host))[0], 200, host);
        }
        for (const host of ['films.example', 'a.media.example'])
          assert.equal((await statuses(rig, host))[0], 421, host);
      },
    ));

  it('that is refused is told in one line of the log, and how to allow it', () =>
    withRig({ films: smallFilm }, async (rig) => {
      for (let visit = 0; visit < 3; visit += 1) await statuses(rig, 'Media.Example:443');
      const lines = refused(rig.log);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', /warn .*host=media\.example setting=allowHosts/);
      const exchange = await rig.play('/films/film.mp4', { fields: { host: 'media.example' } });
      assert.match(exchange.text, /media\.example.*allowHosts/);
    }));

  it('is told for at most 32 names', () =>
    withRig({ films: smallFilm }, async (rig) => {
      for (let index = 0; index < 40; index += 1) {
        await rig.clock.advanceUntil(rig.get('/films/film.mp4', { fields: { host: `${index}.example` } }).done());
      }
      assert.equal(refused(rig.log).length, 32);
    }));
});

describe('an absolute target', () => {
  const rows: [target: string, host: string, status: number][] = [
    ['http://127.0.0.1:8787/films/film.mp4', '127.0.0.1:8787', 200],
    ['HTTP://NAS/films/film.mp4?a', 'nas', 200],
    ['https://nas.local/films/film.mp4', 'nas.local', 200],
    ['http://nas/films/film.mp4', 'evil.example', 200],
    ['http://nas/films', 'nas', 308],
    ['http://nas/-/api/v1/stats', 'nas', 200],
    ['http://nas', 'nas', 302],
    ['http://nas?a', 'nas', 302],
    ['http://evil.example/films/film.mp4', 'nas', 421],
    ['http://evil.example/-/api/v1/stats', 'nas', 421],
    ['http://user@nas/films/film.mp4', 'nas', 400],
    ['http:///films/film.mp4', 'nas', 400],
    ['http://nas/films/../x', 'nas', 400],
    ['http://nas/films/film.mp4', 'a b', 400],
    ['ftp://nas/films/film.mp4', 'nas', 400],
  ];
  for (const [target, host, status] of rows) {
    it(`${target} with the Host ${host} is answered by ${status}`, () =>
      withRig({ films: smallFilm }, async (rig) => {
        const exchange = rig.player().send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, null);
        await rig.clock.advanceUntil(exchange.done());
        assert.equal(exchange.status, status);
        if (status === 308) assert.equal(exchange.field('location'), '/films/');
      }));
  }

  it('names its host in HTTP/1.0, too', () =>
    withRig({ films: smallFilm }, async (rig) => {
      const exchanges = ['http://nas/films/film.mp4', 'http://evil.example/films/film.mp4'].map((target) =>
        rig.player().send(`GET ${target} HTTP/1.0\r\n\r\n`),
      );
      await rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
      assert.deepEqual(
        exchanges.map(({ status }) => status),
        [200, 421],
      );
    }));
});
