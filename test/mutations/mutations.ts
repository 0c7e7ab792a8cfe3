/**
 * Requests and answers in which a few bytes are wrong, by chance and replayable by their seed, and what may come of them: no
 * bug, no rejection that nobody handles, and no request to the origin that no client has made.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Chance } from '../faults/chance.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

type Choices = readonly [string, ...string[]];

const movie = film(20_000);

/** What is behind a request as its content; where it is taken for a request, the origin hears of it. */
const smuggled = 'GET /films/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

const host = 'Host: 127.0.0.1\r\n';

const requests: Choices = [
  `GET /films/a.mp4 HTTP/1.1\r\n${host}Range: bytes=0-99\r\n\r\n`,
  `GET /films/a.mp4?x=1&token=%20a HTTP/1.1\r\n${host}User-Agent: player\r\nAccept: */*\r\nCookie: a=b; c="d"\r\n\r\n`,
  `GET /films/b.mp4 HTTP/1.1\r\n${host}Range: bytes=0-9,100-109,-5\r\nIf-Range: "v1"\r\nIf-None-Match: W/"a", "b"\r\n\r\n`,
  `HEAD /films/a.mp4 HTTP/1.1\r\n${host}If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n`,
  `GET http://127.0.0.1/films/c%c3%bc/d.mp4 HTTP/1.1\r\n${host}Via: 1.1 proxy (a, b)\r\nForwarded: for="[::1]:1"\r\n\r\n`,
  `GET /films/a.mp4 HTTP/1.0\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `OPTIONS /films/a.mp4 HTTP/1.1\r\n${host}Origin: http://localhost:1\r\nAccess-Control-Request-Method: GET\r\n\r\n`,
  `PROPFIND /films/ HTTP/1.1\r\n${host}Depth: 1\r\nContent-Length: 0\r\n\r\n`,
  `PUT /films/a.mp4 HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  `PUT /films/a.mp4 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  `PUT /films/a.mp4 HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
  `GET /films/a.mp4 HTTP/1.1\r\n${host}Cache-Control: max-stale, only-if-cached\r\nPragma: no-cache\r\n\r\n`,
];

const tagged = 'ETag: "v1"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n';

const answers: Choices = [
  `HTTP/1.1 206 Partial Content\r\n${tagged}Content-Range: bytes 0-99/20000\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`,
  `HTTP/1.1 200 OK\r\n${tagged}Cache-Control: max-age=60, stale-while-revalidate=5\r\nContent-Length: 10\r\n\r\n0123456789`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVary: Accept, User-Agent\r\nTrailer: X\r\n\r\n5\r\nabcde\r\n3;a=b\r\nfgh\r\n0\r\nX: 1\r\n\r\n`,
  'HTTP/1.0 200 OK\r\nContent-Type: video/mp4\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nabc',
  'HTTP/1.1 302 Found\r\nLocation: /other.mp4?x=1\r\nContent-Length: 0\r\n\r\n',
  `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 304 Not Modified\r\n${tagged}\r\n`,
  'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */20000\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nlate',
  'HTTP/1.1 404 Not Found\r\nAge: 5, 6\r\nCDN-Cache-Control: max-age=5\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a", Digest realm=b, nonce="c"\r\nContent-Length: 0\r\n\r\n',
  '<d/>HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: 37\r\n\r\n<d:href xmlns:d="DAV:">/films</d:href>',
];

/** What is put in place of a byte, or before it. */
const oddities: Choices = [
  '\0',
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
    '\t',
    '\x0b',
    ':',
    ',',
    ';',
    '=',
    '"',
    '%',
    '%0d%0a',
    '#',
    '?',
    '/',
    '..',
    '\\',
  ],
  ...[
    '\x7f',
    '\x80',
    '\xff',
    '-',
    '+',
    '0',
    '9',
    '18446744073709551616',
    '*',
    '(',
    '{',
    'Content-Length: 5\r\n',
    '\r\n ',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding:\tgzip\r\n', 'Host: evil.example\r\n', 'a'.repeat(20_000)],
];

/** The text with one to four changes. */
function mutated(text: string, chance: Chance): string {
  let changed = text;
  for (let changes = chance.between(1, 4); changes > 0; changes -= 1) {
    const at = chance.between(0, changed.length);
    const until = Math.min(changed.length, at + chance.between(1, 12));
    const [before, taken, after] = [changed.slice(0, at), changed.slice(at, until), changed.slice(until)];
    const odd = chance.one(oddities);
    changed = chance.one([
      before + after,
      before + odd + taken + after,
      before + odd + after,
      before + taken + taken + after,
      before,
      before + taken.toUpperCase() + after,
      before + [...taken].reverse().join('') + after,
    ]);
  }
  return changed;
}

/** Whether what is behind a head may be a request of its own: nothing said otherwise of how long the content is. */
function mayFollow(sent: string): boolean {
  const head = sent.slice(0, sent.indexOf('GET /films/smuggled'));
  return !/^[ \t]*(content-length|transfer-encoding)[ \t]*:/im.test(head);
}

export interface Mutations {
  readonly cases: number;
  readonly bugs: readonly string[];
  /** What a client had sent when the origin heard of something else. */
  readonly unasked: readonly string[];
}

/** So many cases share one firstbyte. */
const together = 50;

export async function mutate(
  count: number,
  seed: number,
  onProgress: (cases: number) => void = () => {},
): Promise<Mutations> {
  const chance = new Chance(seed);
  const bugs: string[] = [];
  const unasked: string[] = [];
  const onRejection = (reason: unknown) => bugs.push(`a rejection that nobody handles: ${reason}`);
  process.on('unhandledRejection', onRejection);
  try {
    for (let cases = 0; cases < count; cases += together) {
      const cache = chance.one(['media', 'rfc9111', 'always']);
      const settings = { firstByteTimeout: '2s', healTimeout: '2s', stallTimeout: '1s', drainTimeout: '0s' };
      const rig = await virtualRig({ films: movie, mount: { cache, methods: ['PUT'] }, settings });
      for (let each = 0; each < Math.min(together, count - cases); each += 1) {
        const sent = await converse(rig, chance);
        if (sent !== null) unasked.push(sent);
      }
      bugs.push(...rig.eventsOf('bug').map(({ stack }) => stack));
      await rig.close();
      await turn();
      onProgress(cases);
    }
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return { cases: count, bugs, unasked };
}

/** One conversation; returns what was sent where the origin heard of what nobody had asked for. */
async function converse(rig: VirtualRig, chance: Chance): Promise<string | null> {
  const raw = mutated(chance.one(answers), chance);
  rig.origin.always(chance.between(0, 1) === 0 ? {} : { raw });
  const sent = chance.between(0, 3) === 0 ? chance.one(requests) : mutated(chance.one(requests), chance);
  const before = rig.origin.requests.length;
  const player = rig.player();
  player.send(sent, null);
  await rig.clock.advance(chance.one([0, 50, 3000]));
  player.leave('reset');
  await rig.clock.settle();
  const heard = rig.origin.requests.slice(before);
  // A redirect leads where the origin likes.
  const isAsked = ({ target }: { readonly target: string }) =>
    target === '/smuggled' ? mayFollow(sent) : sent.includes(target) || /location/i.test(raw);
  return heard.every(isAsked) ? null : sent;
}
