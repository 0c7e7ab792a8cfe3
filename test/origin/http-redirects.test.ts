import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { suite, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { ProxyError } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import { OwnListeners } from '../../src/http/own-listeners.ts';
import { createHttpOrigin, type HttpOriginOptions } from '../../src/origin/http-origin.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import { isProxyError, open, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';
import { film, redirect, World } from './world.ts';

async function opened(origin: Origin, target?: string, fields?: Fields): Promise<OriginReply> {
  try {
    return await open(origin, target, fields);
  } finally {
    await origin.close();
  }
}

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');

function isProhibited(setting: string): (error: unknown) => boolean {
  return (error) => isProxyError('destination_ip_prohibited')(error) && (error as ProxyError).setting === setting;
}

suite('redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`a ${status} to the same host is followed on the same connection`, async () => {
      const world = new World({
        'a.example': (target) => (target === '/new' ? film : redirect('new', status, 'moved')),
      });
      const origin = world.origin('http://a.example', { redirectTo: 'same-host' });
      assert.equal(await readAll(await open(origin)), 'film');
      assert.deepEqual(world.targets, ['/film', '/new']);
      assert.equal(world.connected.length, 1);
      await origin.close();
    });
  }

  for (const answer of [redirect('/x', 300), redirect('/x', 304), 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n']) {
    test(`${answer.slice(9, 12)}${answer.includes('/x') ? '' : ' without a location'} is an answer like any other`, async () => {
      const world = new World({ 'a.example': () => answer });
      assert.equal((await opened(world.origin('http://a.example'))).status, Number(answer.slice(9, 12)));
    });
  }

  test('a location is resolved against the target that redirects, and its raw UTF-8 is escaped', async () => {
    const raw = Buffer.from('../b/ü.mp4?c=d#e').toString('latin1');
    const world = new World({ 'a.example': (target) => (target.startsWith('/media/x') ? redirect(raw) : film) });
    await opened(world.origin('http://a.example/media'), '/x/y');
    assert.deepEqual(world.targets, ['/media/x/y', '/media/b/%C3%BC.mp4?c=d']);
  });

  test('twenty are followed, one more is too many', async () => {
    const chain = (length: number) =>
      new World({ 'a.example': (target) => (target.length > length ? film : redirect(`${target}x`)) });
    assert.equal((await opened(chain(20).origin('http://a.example'), '/')).status, 200);
    await assert.rejects(opened(chain(21).origin('http://a.example'), '/'), isProxyError('http_protocol_error'));
  });

  for (const location of ['file:///etc/passwd?secret', 'ftp://a.example/x', 'data:,x', 'http://', 'javascript:0']) {
    test(`${location.split(':')[0]}: is not followed (${location.length} bytes)`, async () => {
      const world = new World({ 'a.example': () => redirect(location) });
      await assert.rejects(opened(world.origin('http://a.example')), isProxyError('http_protocol_error'));
    });
  }

  test("range and condition follow to another host, credentials and the operator's fields do not", async () => {
    const world = new World({ 'a.example': () => redirect('http://b.example/x'), 'b.example': () => film });
    const origin = world.origin('http://a.example', { fields: [['x-api-key', 'secret']] });
    await opened(origin, '/film', [
      ['range', 'bytes=5-'],
      ['if-range', '"v1"'],
      ['authorization', 'secret'],
      ['cookie', 'secret'],
    ]);
    const [first = '', second = ''] = world.heads;
    assert.equal(first.match(/secret/g)?.length, 3);
    assert.match(second, /^GET \/x HTTP\/1\.1\r\nhost: b\.example\r\n/);
    assert.match(second, /range: bytes=5-\r\nif-range: "v1"\r\n/);
    assert.doesNotMatch(second, /secret/);
  });

  test('credentials and the fields of a resolved URL follow to https at the same host, and never back', async () => {
    const identity = { key: fixture('origin.key.pem'), cert: fixture('origin.pem') };
    const heads: string[] = [];
    await using secure = await RawServer.answering((head) => {
      heads.push(head);
      return head.startsWith('GET /back') ? redirect('http://origin.test/again') : film;
    }, identity);
    await using plain = await RawServer.answering((head) => {
      heads.push(head);
      return head.startsWith('GET /again') ? film : redirect(`https://origin.test${head.split(' ')[1]}`);
    });
    const origin = createHttpOrigin({
      name: 'films',
      base: new URL('http://origin.test'),
      network: 'private',
      clock: systemClock,
      connectTimeout: 10_000,
      ca: fixture('authority.pem'),
      fields: [['x-api-key', 'secret']],
      resolve: async () => ['127.0.0.1'],
      connect: async ({ port }) => connect(port === 443 ? secure.port : plain.port, '127.0.0.1'),
    });
    const fields: Fields = [['authorization', 'secret']];
    const resolved = { url: new URL('http://origin.test/resolved'), fields: [['cookie', 'secret']] as const };
    for (const request of [
      { target: '/film', fields },
      { target: '/back', fields },
      { target: '/x', fields, resolved },
    ]) {
      const reply = await origin.open(request, new AbortController().signal);
      assert.equal(await readAll(reply), 'film');
    }
    await origin.close();
    const secrets = heads.map((head) => [head.split(' ')[1], head.match(/secret/g)?.length ?? 0]);
    assert.deepEqual(secrets, [
      ['/film', 2],
      ['/film', 2],
      ['/back', 2],
      ['/back', 2],
      ['/again', 0],
      ['/resolved', 3],
      ['/resolved', 3],
    ]);
  });

  for (const elsewhere of ['http://a.example:81/x', 'http://b.a.example/x']) {
    test(`credentials stay at home when ${elsewhere} is asked, even after the way back`, async () => {
      const world = new World({
        'a.example:80': (target) => (target === '/back' ? film : redirect(elsewhere)),
        'a.example:81': () => redirect('http://a.example/back'),
        'b.a.example': () => redirect('http://a.example/back'),
      });
      const origin = world.origin('http://a.example', { fields: [['authorization', 'secret']] });
      await opened(origin);
      assert.deepEqual(
        world.heads.map((head) => head.includes('secret')),
        [true, false, false],
      );
    });
  }
});

suite('where a redirect may lead', () => {
  const away = (location: string) => () => redirect(location);

  test('to another port of the same host under every policy, where its addresses are public', async () => {
    for (const redirectTo of ['same-host', 'public', 'any-port', 'any'] as const) {
      const world = new World({ 'a.example:80': away('http://a.example:81/x?secret'), 'a.example:81': () => film });
      assert.equal((await opened(world.origin('http://a.example', { redirectTo }))).status, 200, redirectTo);
    }
  });

  test('to another port of a private host by setting alone', async () => {
    const bases = ['http://nas', 'http://192.168.1.1', 'http://[fd00::1]', 'http://127.0.0.1'];
    for (const [redirectTo, followed] of [
      [undefined, false],
      ['same-host', false],
      ['public', false],
      ['any-port', true],
      ['any', true],
    ] as const) {
      for (const base of bases) {
        const host = base.replace(/^http:..(\[)?|\]$/g, '');
        const world = new World(
          { [`${host}:80`]: away(`${base}:81/x?secret`), [host]: () => film },
          { nas: ['10.0.0.1'] },
        );
        const reply = opened(world.origin(base, redirectTo && { redirectTo }));
        if (followed) assert.equal((await reply).status, 200, `${base} ${redirectTo}`);
        else await assert.rejects(reply, isProhibited('redirectTo'), `${base} ${redirectTo}`);
        assert.equal(world.connected.length, followed ? 2 : 1);
      }
    }
  });

  test('to another port only where every address is public when it is connected to, at each hop', async () => {
    const world = new World({
      'a.example:80': away('http://a.example:81/x'),
      'a.example:81': away('http://a.example:82/x'),
      'a.example:82': () => film,
    });
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return asked < 3 ? ['93.184.216.34'] : ['93.184.216.34', '10.0.0.1'];
    };
    await assert.rejects(opened(world.origin('http://a.example', { resolve })), isProhibited('redirectTo'));
    assert.deepEqual([asked, world.connected.length], [3, 2]);
  });

  test("to firstbyte's own listeners under no policy, by no spelling, whatever connects", async () => {
    const own = new OwnListeners(() => ['192.168.1.5', '2001:db8::5']);
    own.add({ address: '0.0.0.0', port: 8787 });
    own.add({ address: '::', port: 8788 });
    const addresses = { 'b.example': ['93.184.216.34', '192.168.1.5'], nas: ['127.0.0.1'], localhost: ['127.0.0.1'] };
    const four = [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '0177.1',
      '127.9.9.9',
      '0.0.0.0',
      '0',
      '192.168.1.5',
    ];
    const six = ['[::1]', '[::]', '[2001:db8::5]', '[::ffff:192.168.1.5]'];
    const places = [
      ...[...four, 'b.example', 'nas', '[::ffff:127.0.0.1]'].map(
        (host) => `http://${host}:8787/-/api/v1/config?secret`,
      ),
      ...[...four, ...six].map((host) => `http://${host}:8788/films/x?secret`),
      'https://127.0.0.1:8787/',
    ];
    for (const place of places) {
      const world = new World({ 'nas.lan': away(place) }, { ...addresses, 'nas.lan': ['10.0.0.1'] });
      await assert.rejects(
        opened(world.origin('http://nas.lan', { redirectTo: 'any', own })),
        isProxyError('proxy_loop_detected'),
        place,
      );
      assert.equal(world.connected.length, 1, place);
    }
  });

  test('to no other host under same-host', async () => {
    const world = new World({ 'a.example': away('http://b.example/x?secret') });
    const origin = world.origin('http://a.example', { redirectTo: 'same-host' });
    await assert.rejects(opened(origin), isProxyError('destination_ip_prohibited'));
    assert.equal(world.connected.length, 1);
  });

  test('to public hosts alone under public, also from a private origin', async () => {
    const addresses = { 'b.example': ['10.0.0.1'], 'c.example': ['93.184.216.34', '127.0.0.1'] };
    const hosts = [
      'b.example',
      'c.example',
      'localhost',
      'nas',
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '169.254.169.254',
    ];
    const literals = ['[::1]', '[::ffff:169.254.169.254]', '[64:ff9b::7f00:1]', '[fd00::1]'];
    for (const host of [...hosts, ...literals]) {
      const world = new World(
        { '192.168.1.1': away(`http://${host}/x?secret`) },
        { ...addresses, localhost: ['127.0.0.1'], nas: ['192.168.1.2'] },
      );
      await assert.rejects(opened(world.origin('http://192.168.1.1')), isProxyError('destination_ip_prohibited'), host);
      assert.equal(world.connected.length, 1, host);
    }
  });

  test('anywhere under any', async () => {
    const world = new World({ 'a.example': away('http://127.0.0.1/x'), '127.0.0.1': () => film });
    assert.equal((await opened(world.origin('http://a.example', { redirectTo: 'any' }))).status, 200);
  });
});

suite('the address of the base', () => {
  test("is not firstbyte's own, whatever it is called, through a proxy neither", async () => {
    const own = new OwnListeners(() => ['192.168.1.5']);
    own.add({ address: '0.0.0.0', port: 8787 });
    const proxy = { url: new URL('http://10.0.0.9:3128'), authorization: null };
    const self = { url: new URL('http://127.0.0.1:8787'), authorization: null };
    const cases: [base: string, options: Partial<HttpOriginOptions>][] = [
      ['http://127.0.0.1:8787/films', {}],
      ['http://a.example:8787', { network: 'private' }],
      ['http://localhost:8787', { proxy }],
      ['http://192.168.1.5:8787', { proxy }],
      ['http://0x7f.1:8787', { proxy }],
      ['http://b.example', { proxy: self }],
    ];
    for (const [base, options] of cases) {
      const at = new World({}, { 'a.example': ['192.168.1.5'], localhost: ['127.0.0.1'] });
      await assert.rejects(opened(at.origin(base, { ...options, own })), isProxyError('proxy_loop_detected'), base);
      assert.equal(at.connected.length, 0);
    }
  });

  const world = (...addresses: string[]) =>
    new World({ 'a.example': () => film, nas: () => film }, { 'a.example': addresses, nas: addresses });

  test('a public name with a private address is refused at each connect', async () => {
    for (const addresses of [['127.0.0.1'], ['93.184.216.34', '10.0.0.1'], ['::1'], ['64:ff9b::10.0.0.1']]) {
      const at = world(...addresses);
      await assert.rejects(opened(at.origin('http://a.example')), isProxyError('destination_ip_prohibited'));
      assert.equal(at.connected.length, 0);
    }
  });

  test('a name without an address is an error of the name service', async () => {
    await assert.rejects(opened(world().origin('http://a.example')), isProxyError('dns_error'));
  });

  test('a public name may have a private address where the operator says so', async () => {
    const origin = world('10.0.0.1').origin('http://a.example', { network: 'private' });
    assert.equal((await opened(origin)).status, 200);
  });

  test('a private name may have any address, unless the operator says otherwise', async () => {
    assert.equal((await opened(world('192.168.1.2').origin('http://nas'))).status, 200);
    const origin = world('192.168.1.2').origin('http://nas', { network: 'public' });
    await assert.rejects(opened(origin), isProxyError('destination_ip_prohibited'));
  });

  test('a literal is judged without being resolved', async () => {
    const origin = world().origin('http://127.0.0.1', { network: 'public' });
    await assert.rejects(opened(origin), isProxyError('destination_ip_prohibited'));
  });

  test('the address that was judged is the one connected to', async () => {
    const addresses = ['93.184.216.34', '2606:4700::1111'];
    const at = world(...addresses);
    await opened(at.origin('http://a.example:8080'));
    assert.deepEqual(at.connected, [{ hostname: 'a.example', addresses, port: 8080 }]);
  });
});
