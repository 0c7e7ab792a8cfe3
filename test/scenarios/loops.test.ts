/**
 * Requests that lead back to firstbyte itself, over real sockets: over one instance, two mounts, two or three instances,
 * redirects and hooks. Each is answered at once, and costs a handful of requests; a chain that is no loop plays.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { loadSettings } from '../../src/config.ts';
import { type Daemon, type DaemonParts, startDaemon } from '../../src/daemon.ts';
import { RawServer } from '../origin/raw-server.ts';

/** What forwards to a port (a container's network, socat) is not firstbyte itself to look at. */
class Forwarder {
  to = 0;
  /** Changes the head of each request that passes. */
  edit = (head: string): string => head;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.to, '127.0.0.1');
      for (const socket of [near, far]) this.#sockets.add(socket.on('error', () => {}));
      near.on('data', (bytes: Buffer) => far.write(this.edit(bytes.toString('latin1')), 'latin1'));
      near.on('end', () => far.end());
      far.pipe(near);
    });
  }

  static async listening(context: TestContext): Promise<Forwarder> {
    const forwarder = new Forwarder();
    forwarder.#server.listen(0, '127.0.0.1');
    await once(forwarder.#server, 'listening');
    context.after(() => {
      forwarder.#server.close();
      forwarder.cut();
    });
    return forwarder;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  }
}

interface Instance {
  readonly daemon: Daemon;
  readonly url: string;
  readonly port: number;
  /** Requests that it has answered. */
  readonly answered: () => number;
}

async function instance(
  context: TestContext,
  origins: Record<string, unknown>,
  settings: Record<string, unknown> = {},
  parts: DaemonParts = {},
): Promise<Instance> {
  const flags = { listen: '127.0.0.1:0', store: 'memory', logLevel: 'error', ...settings, origins };
  const daemon = await startDaemon(loadSettings({ flags, env: {} }).settings, { log: () => {}, ...parts });
  context.after(() => daemon.stop());
  let answered = 0;
  daemon.events.subscribe(({ type }) => {
    if (type === 'request-done') answered += 1;
  });
  const [url = ''] = daemon.addresses;
  const { port } = new URL(url);
  return { daemon, url: `http://127.0.0.1:${port}`, port: Number(port), answered: () => answered };
}

/** Two instances, each an origin of the other, by way of forwarders. */
async function pair(context: TestContext, paths: [string, string], mount = {}, settings = {}) {
  const [first, second] = [await Forwarder.listening(context), await Forwarder.listening(context)];
  const one = await instance(context, { films: { url: `${second.url}${paths[1]}`, ...mount } }, settings);
  const other = await instance(context, { films: { url: `${first.url}${paths[0]}`, ...mount } }, settings);
  first.to = one.port;
  second.to = other.port;
  return { one, other, first, second };
}

/**
 * Asks each, all at once; every one must learn of the loop, at the cost of `most` requests in all. Who waits for a budget
 * to end instead is told 504.
 */
async function assertLoop(urls: readonly string[], instances: readonly Instance[], most: number): Promise<void> {
  const replies = await Promise.all(urls.map((url) => fetch(url)));
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  for (const [index, { status, headers }] of replies.entries()) {
    assert.equal(status, 502, texts[index]);
    assert.match(headers.get('proxy-status') ?? '', /^firstbyte; ?error=proxy_loop_detected/);
  }
  const answered = instances.reduce((sum, each) => sum + each.answered(), 0);
  assert.ok(answered <= most, `${answered} requests for ${urls.length}`);
}

describe('a loop', () => {
  it('over one instance is answered at once', async (context) => {
    const forwarder = await Forwarder.listening(context);
    const one = await instance(context, { films: `${forwarder.url}/films` });
    forwarder.to = one.port;
    await assertLoop([`${one.url}/films/a.mp4`], [one], 2);
  });

  it('over one instance under paths that grow is answered at once', async (context) => {
    const forwarder = await Forwarder.listening(context);
    const one = await instance(context, { films: `${forwarder.url}/films/more` });
    forwarder.to = one.port;
    await assertLoop(
      [1, 2, 3].map((name) => `${one.url}/films/${name}.mp4`),
      [one],
      6,
    );
  });

  it('over two mounts of one instance is answered at once', async (context) => {
    const forwarder = await Forwarder.listening(context);
    const origins = { films: `${forwarder.url}/series/x`, series: `${forwarder.url}/films/y` };
    const one = await instance(context, origins);
    forwarder.to = one.port;
    await assertLoop([`${one.url}/films/a.mp4`, `${one.url}/series/a.mp4`], [one], 4);
  });

  it('over two instances is answered at once', async (context) => {
    const { one, other } = await pair(context, ['/films', '/films']);
    await assertLoop([`${one.url}/films/a.mp4`], [one, other], 3);
  });

  it('over two instances under paths that grow is answered at once', async (context) => {
    const { one, other } = await pair(context, ['/films/x', '/films/y']);
    await assertLoop(
      [1, 2, 3].map((name) => `${one.url}/films/${name}.mp4`),
      [one, other],
      9,
    );
  });

  it('over two instances is answered at once, too, where both were asked before either heard of the other', async (context) => {
    const { one, other } = await pair(context, ['/films', '/films']);
    const urls = [one, one, one, other, other, other].map(({ url }) => `${url}/films/a.mp4`);
    await assertLoop(urls, [one, other], 12);
  });

  for (const size of [3, 4]) {
    it(`over ${size} instances is answered at once, wherever and however often it was entered`, async (context) => {
      const forwarders = await Promise.all(Array.from({ length: size }, () => Forwarder.listening(context)));
      const ring: Instance[] = [];
      for (const [index, forwarder] of forwarders.entries()) {
        const next = forwarders[(index + 1) % size] ?? assert.fail();
        const each = await instance(context, { films: `${next.url}/films` });
        forwarder.to = each.port;
        ring.push(each);
      }
      const urls = ring.flatMap(({ url }) => [1, 2, 3, 4].map((nth) => `${url}/films/${nth % 2}.mp4`));
      await assertLoop(urls, ring, urls.length + 4 * size * size);
    });
  }

  it('in the strict mode is answered at once', async (context) => {
    const { one, other } = await pair(context, ['/films', '/films'], { cache: 'rfc9111' });
    await assertLoop([`${one.url}/films/a.mp4`], [one, other], 3);
  });

  it('through a box that writes its own Via is answered at once', async (context) => {
    const { one, other, first, second } = await pair(context, ['/films', '/films']);
    for (const forwarder of [first, second]) forwarder.edit = (head) => head.replace(/^via:.*$/im, 'Via: 1.1 box');
    await assertLoop([`${one.url}/films/a.mp4`], [one, other], 3);
  });

  it('by a redirect is answered at once', async (context) => {
    const forwarder = await Forwarder.listening(context);
    await using redirecting = await RawServer.answering(
      (head) => `HTTP/1.1 302 Found\r\nLocation: ${forwarder.url}${head.split(' ')[1]}\r\nContent-Length: 0\r\n\r\n`,
    );
    const films = { url: `http://127.0.0.1:${redirecting.port}/films`, redirectTo: 'any-port' };
    const one = await instance(context, { films });
    forwarder.to = one.port;
    await assertLoop([`${one.url}/films/a.mp4`], [one], 2);
  });

  it('to the control API is answered at once, and shows nothing', async (context) => {
    const forwarder = await Forwarder.listening(context);
    const one = await instance(context, { films: `${forwarder.url}/-` });
    forwarder.to = one.port;
    await assertLoop([`${one.url}/films/api/v1/settings`], [one], 2);
  });

  it('opens no breaker, and is over when the settings are', async (context) => {
    const forwarder = await Forwarder.listening(context);
    const one = await instance(context, { films: `${forwarder.url}/films` });
    forwarder.to = one.port;
    for (let visit = 0; visit < 5; visit += 1) await assertLoop([`${one.url}/films/a.mp4`], [one], 2 * (visit + 1));
    await using server = await RawServer.answering(() => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm');
    forwarder.to = server.port;
    forwarder.cut();
    const reply = await fetch(`${one.url}/films/b.mp4`);
    assert.deepEqual([reply.status, await reply.text()], [200, 'film']);
  });
});

describe('a chain', () => {
  it('of caches that is no loop plays, and each tells the next through whom it came', async (context) => {
    const heads: string[] = [];
    await using server = await RawServer.answering((head) => {
      heads.push(head);
      return 'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: 4\r\n\r\nfilm';
    });
    const ship = await instance(context, { films: `http://127.0.0.1:${server.port}` });
    const house = await instance(context, { films: `${ship.url}/films` });
    const reply = await fetch(`${house.url}/films/a.mp4`, {
      headers: { via: '1.0 fred (a, (b)), HTTP/1.1 proxy.lan:80' },
    });
    assert.deepEqual([reply.status, await reply.text()], [200, 'film']);
    const [, via = '', first, second] =
      /^via: (1\.0 fred, HTTP\/1\.1 proxy\.lan:80, 1\.1 (firstbyte-\w{16}), 1\.1 (firstbyte-\w{16}))\r$/im.exec(
        heads[0] ?? '',
      ) ?? [];
    assert.notEqual(via, '', heads[0]);
    assert.notEqual(first, second);
    assert.match(heads[0] ?? '', new RegExp(`^cdn-loop: ${first}, ${second}\r$`, 'im'));
    const direct = await fetch(`${ship.url}/films/b.mp4`);
    assert.equal(await direct.text(), 'film');
    assert.match(heads[1] ?? '', new RegExp(`^via: 1\\.1 ${second}\r$`, 'im'));
    assert.equal(direct.headers.get('via'), '1.1 firstbyte');
  });
});

describe("firstbyte's own listener", () => {
  const redirect = (to: string) => `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;

  function spellings(port: number, everywhere: boolean): string[] {
    const loopback = [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      '0.0.0.0',
      '0',
    ];
    const mapped = ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:1]'];
    const others = Object.values(networkInterfaces()).flatMap((each = []) =>
      each.filter(({ family }) => family === 'IPv4'),
    );
    const wide = ['127.9.9.9', '[::1]', '[::]', hostname(), ...others.map(({ address }) => address)];
    return [...loopback, ...mapped, ...(everywhere ? wide : [])].map(
      (host) => `http://${host}:${port}/-/api/v1/settings`,
    );
  }

  for (const listen of ['127.0.0.1:0', '[::]:0']) {
    it(`at ${listen} is led to by no redirect, whatever is set and however it is written`, async (context) => {
      let to = '';
      await using server = await RawServer.answering(() => redirect(to));
      const films = {
        url: `http://127.0.0.1:${server.port}`,
        redirectTo: 'any',
        firstByteTimeout: '1s',
        retryMax: '1s',
      };
      const one = await instance(context, { films }, { listen, allowFrom: '127.0.0.0/8' });
      for (const place of spellings(one.port, listen.startsWith('[::]'))) {
        to = place;
        const reply = await fetch(`${one.url}/films/a.mp4`);
        const text = await reply.text();
        // A name that leads nowhere on this machine is not found; nothing else may be said.
        assert.ok(reply.status === 502 || (place.includes(hostname()) && reply.status === 504), `${place}: ${text}`);
        assert.doesNotMatch(text, /drainTimeout|"settings"/);
      }
    });
  }

  it('is no source, and no place that a hook may name', async (context) => {
    let place = '';
    const refresh = async () => ({ url: place });
    const films = { url: 'http://127.0.0.1:9', redirectTo: 'any' };
    const one = await instance(context, { films }, {}, { refresh });
    place = `http://localhost:${one.port}/-/api/v1/settings`;
    await assertLoop([`${one.url}/films/a.mp4`], [one], 1);
    const url = new URL(`http://127.0.0.1:${one.port}/-/api/v1/settings`);
    const added = one.daemon.sources.add({
      url,
      fields: [],
      name: 'a',
      ttl: 60_000,
      refresh: null,
      network: 'private',
    });
    assert.ok(typeof added === 'object');
    await assertLoop([`${one.url}${added.play}`], [one], 2);
  });

  it('may be the origin of another instance', async (context) => {
    await using server = await RawServer.answering(() => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm');
    const one = await instance(context, { films: `http://127.0.0.1:${server.port}` });
    const other = await instance(context, { films: `${one.url}/films` });
    assert.equal(await (await fetch(`${other.url}/films/a.mp4`)).text(), 'film');
  });
});
