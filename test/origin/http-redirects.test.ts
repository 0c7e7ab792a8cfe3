import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import { isProxyError, open, readAll } from './bench.ts';
import { film, redirect, World } from './world.ts';

async function opened(origin: Origin, target?: string, fields?: Fields): Promise<OriginReply> {
  try {
    return await open(origin, target, fields);
  } finally {
    await origin.close();
  }
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

  test('five are followed, a sixth is one too many', async () => {
    const chain = (length: number) =>
      new World({ 'a.example': (target) => (target.length > length ? film : redirect(`${target}x`)) });
    assert.equal((await opened(chain(5).origin('http://a.example'), '/')).status, 200);
    await assert.rejects(opened(chain(6).origin('http://a.example'), '/'), isProxyError('http_protocol_error'));
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

  test('to another port of the same host under every policy', async () => {
    const world = new World({ 'a.example:80': away('http://a.example:81/x?secret'), 'a.example:81': () => film });
    assert.equal((await opened(world.origin('http://a.example', { redirectTo: 'same-host' }))).status, 200);
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
