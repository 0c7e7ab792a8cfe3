/** What every reply of a mount tells a browser: nothing of an origin runs as a page of ours, whatever its answer is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Behaviour } from '../support/behaviour.ts';
import type { Exchange, RequestOptions } from '../support/client.ts';
import { Film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { answerTo, smallFilm, type Temperature, target, temperatures } from './answer.ts';

const sandbox = 'sandbox allow-scripts allow-forms allow-popups allow-downloads';

function isolationOf(exchange: Exchange) {
  return { policy: exchange.field('content-security-policy'), sniffing: exchange.field('x-content-type-options') };
}
const stranger = { policy: sandbox, sniffing: 'nosniff' };
const media = { policy: null, sniffing: 'nosniff' };
const anything = { policy: sandbox, sniffing: null };
const found = { policy: null, sniffing: null };

/** A film that begins with other bytes than those of chance. */
class BegunFilm extends Film {
  readonly #beginning: Buffer;

  constructor(size: number, beginning: string) {
    super(size, 3);
    this.#beginning = Buffer.from(beginning, 'latin1');
  }

  override bytesAt(start: number, end: number): Buffer {
    const bytes = super.bytesAt(start, end);
    if (start < this.#beginning.length) this.#beginning.subarray(start, start + bytes.length).copy(bytes);
    return bytes;
  }
}
const mp4 = new BegunFilm(600_000, '\0\0\0\x20ftypisom\0\0\x02\0');
const page = new BegunFilm(600_000, '<!doctype html><script>alert(1)</script>');

const shapes: Readonly<Record<string, RequestOptions>> = {
  'the whole': {},
  'its beginning': { range: '0-0' },
  'its middle': { range: '500-' },
  'its end': { range: '-10' },
  'several parts': { range: '0-9,20-29', film: null },
  'its head': { method: 'HEAD' },
  nothing: { fields: { 'if-none-match': '*' } },
};

describe('a reply', () => {
  for (const temperature of temperatures) {
    for (const [what, question] of Object.entries(shapes)) {
      for (const type of ['text/html', 'image/svg+xml', 'application/x-unheard-of', null]) {
        it(`that gives ${what} of ${type ?? 'no type'} is a stranger's (${temperature})`, async () => {
          const { exchange } = await answerTo(question, temperature, { origin: { fields: { 'content-type': type } } });
          assert.deepEqual(isolationOf(exchange), stranger);
        });
      }

      it(`that gives ${what} of a film plays in its tab (${temperature})`, async () => {
        const { exchange } = await answerTo(question, temperature, {
          origin: { fields: { 'content-type': 'video/mp4' } },
        });
        assert.deepEqual(isolationOf(exchange), what === 'several parts' ? stranger : media);
      });
    }
  }

  for (const status of [203, 300, 400, 401, 403, 404, 410, 418, 429, 451, 500, 502, 503, 504, 599]) {
    it(`of ${status} with a page of the origin's is a stranger's`, async () => {
      const origin = { status, fields: { 'content-type': 'text/html' } };
      const { exchange } = await answerTo({ film: null }, 'cold', { origin });
      assert.deepEqual(isolationOf(exchange), stranger);
    });
  }

  for (const origin of [{ hangUp: 'reset' }, { headAfter: Number.POSITIVE_INFINITY }] as const) {
    it(`of firstbyte's own is no page either, where the origin does ${Object.keys(origin)[0]}`, async () => {
      const { exchange } = await answerTo({}, 'cold', { origin });
      assert.ok(exchange.status === 502 || exchange.status === 504);
      assert.deepEqual(isolationOf(exchange), stranger);
    });
  }

  for (const text of [
    'GET /nowhere/a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /films HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST /films/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
    'GET /films/../a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /films/a HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    'GET /<script>alert(1)</script> HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'no request\r\n\r\n',
  ]) {
    it(`to ${JSON.stringify(text.slice(0, 40))} is no page either`, async () => {
      const { exchange } = await answerTo({ text }, 'cold');
      assert.deepEqual(isolationOf(exchange), stranger);
    });
  }
});

describe('what may be anything', () => {
  for (const type of ['text/plain', 'application/octet-stream']) {
    const answersTo = async (question: RequestOptions, temperature: Temperature) => {
      const origin: Behaviour = { fields: { 'content-type': type, 'cache-control': 'max-age=60' } };
      const isolations = [];
      for (const films of [mp4, page]) {
        const { exchange } = await answerTo({ ...question, film: null }, temperature, { films, origin });
        assert.ok([200, 206, 304].includes(exchange.status ?? 0), `${exchange.status}`);
        isolations.push(isolationOf(exchange));
      }
      return isolations;
    };

    for (const [what, question] of Object.entries(shapes)) {
      const told = what === 'several parts' ? [stranger, stranger] : [found, stranger];
      it(`${type}: ${what} is told by how it begins`, async () => {
        assert.deepEqual(await answersTo(question, 'cached'), told);
        if (what === 'the whole') assert.deepEqual(await answersTo(question, 'cold'), told);
      });

      it(`${type}: ${what} is in a sandbox and plays where its beginning is not there yet`, async () => {
        const isolations = await answersTo(question, 'cold');
        for (const [index, isolation] of isolations.entries()) {
          const right = [anything, told[index]].some((each) => isDeepStrictEqual(each, isolation));
          assert.ok(right, JSON.stringify(isolation));
        }
      });
    }

    it(`${type}: a head that comes before enough bytes to tell does not wait for them, and plays`, async () => {
      const origin: Behaviour = { stallAfter: 3, stallFor: 3000, fields: { 'content-type': type } };
      const rig = await virtualRig({ films: mp4, origin });
      const exchange = rig.get(target);
      await rig.clock.advance(1000);
      assert.deepEqual([exchange.status, isolationOf(exchange)], [200, anything]);
      await rig.clock.advanceUntil(exchange.done());
      await rig.close();
    });
  }
});

describe('a password that a browser was told for one origin', () => {
  const realms: Readonly<Record<string, string>> = {
    'Basic realm="NAS"': 'Basic realm="films: NAS"',
    'basic REALM = "NAS", charset="UTF-8"': 'basic realm="films: NAS", charset="UTF-8"',
    'Basic realm=NAS': 'Basic realm="films: NAS"',
    'Basic realm=""': 'Basic realm="films: "',
    'Basic realm="NAS': 'Basic realm="films: NAS',
    Basic: 'Basic realm="films: "',
    'Bearer realm="a", Basic realm="NAS"': 'Bearer realm="films: a", Basic realm="films: NAS"',
    'Basic realm="a", realm="NAS"': 'Basic realm="films: a", realm="films: NAS"',
    'Bearer realm="https://auth.example/token"': 'Bearer realm="https://auth.example/token"',
  };

  for (const [asked, told] of Object.entries(realms)) {
    it(`is sent to no other that asks with ${asked}`, async () => {
      const origin = { status: 401, fields: { 'www-authenticate': asked } };
      const { exchange } = await answerTo({ film: null }, 'cold', { origin });
      assert.deepEqual([exchange.status, exchange.field('www-authenticate')], [401, told]);
    });
  }

  it('is not asked for as a digest: that would be of another path than the origin has', async () => {
    const origin = { status: 401, fields: { 'www-authenticate': 'Digest realm="NAS", nonce="a"' } };
    const { exchange } = await answerTo({ film: null }, 'cold', { origin });
    assert.deepEqual([exchange.status, exchange.field('www-authenticate')], [401, null]);
  });
});

describe('a request for the script of a worker', () => {
  const script = { origin: { fields: { 'content-type': 'text/javascript', 'service-worker-allowed': '/' } } };
  const uses: Readonly<Record<string, readonly [fields: Record<string, string>, clears: string | null]>> = {
    'a service worker': [{ 'sec-fetch-dest': 'serviceworker', 'service-worker': 'script' }, '"storage"'],
    'a service worker of a browser that sends no Sec-Fetch-Dest': [{ 'service-worker': 'script' }, '"storage"'],
    'a shared worker': [{ 'sec-fetch-dest': 'sharedworker' }, null],
    'a worker': [{ 'sec-fetch-dest': 'worker' }, null],
  };

  for (const [what, [fields, clears]] of Object.entries(uses)) {
    it(`that is ${what} is refused, cold and cached, and whoever was one is told to let go`, async () => {
      for (const temperature of temperatures) {
        const { rig, exchange } = await answerTo({ fields }, temperature, script);
        assert.equal(exchange.status, 403);
        assert.equal(exchange.field('clear-site-data'), clears);
        assert.equal(exchange.field('service-worker-allowed'), null);
        assert.match(exchange.text, /^No script of an origin may become a worker/);
        assert.equal(rig.origin.requests.length, temperature === 'cold' ? 0 : 1);
      }
    });
  }

  for (const use of ['video', 'audio', 'image', 'track', 'document', 'iframe', 'script', 'style', 'empty']) {
    it(`is not one for ${use}, which is answered`, async () => {
      const { exchange } = await answerTo(
        { fields: { 'sec-fetch-dest': use, 'sec-fetch-site': 'cross-site' } },
        'cold',
      );
      assert.equal(exchange.status, 200);
    });
  }
});

describe("an origin's own fields", () => {
  it('make the isolation no weaker: policies add up, and the word on sniffing is ours', async () => {
    const own = "sandbox allow-same-origin allow-scripts; default-src 'unsafe-inline'";
    const origin = {
      fields: { 'content-type': 'text/html', 'content-security-policy': own, 'x-content-type-options': 'sniff' },
    };
    for (const question of [{}, { fields: { 'if-none-match': '*' } }]) {
      const { exchange } = await answerTo(question, 'cached', { origin });
      assert.deepEqual(isolationOf(exchange), { policy: `${own}, ${sandbox}`, sniffing: 'nosniff' });
    }
  });

  const dropped: Readonly<Record<string, string>> = {
    'service-worker-allowed': '/',
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': '*',
    'access-control-allow-private-network': 'true',
    'cross-origin-resource-policy': 'same-origin',
    'timing-allow-origin': '*',
    'clear-site-data': '"*"',
    'set-cookie': 'a=b',
    'strict-transport-security': 'max-age=9',
    'alt-svc': 'h3=":443"',
    nel: '{"report_to":"a","max_age":9}',
    'report-to': '{"group":"a","max_age":9,"endpoints":[{"url":"https://a.example/"}]}',
    'accept-ch': 'sec-ch-ua-model',
    'critical-ch': 'sec-ch-ua-model',
    'origin-agent-cluster': '?1',
    'speculation-rules': '"/rules.json"',
    'use-as-dictionary': 'match="/*"',
    'public-key-pins': 'max-age=9',
  };

  for (const behaviour of [{}, { status: 404 }]) {
    it(`that speak of its whole web origin are not said of ours (${behaviour.status ?? 200})`, async () => {
      const origin = { ...behaviour, fields: { ...dropped, 'x-own': 'kept' } };
      const { exchange } = await answerTo({ film: null }, 'cold', { films: smallFilm, origin });
      assert.equal(exchange.field('x-own'), 'kept');
      const passed = Object.keys(dropped).filter((name) => exchange.field(name) !== null);
      assert.deepEqual(passed, []);
    });
  }
});
