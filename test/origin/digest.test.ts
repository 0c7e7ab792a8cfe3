/** Digest authentication: the examples of the RFCs, and a server that counts nonces. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { credentialsIn, DigestLogin } from '../../src/origin/digest.ts';
import { open, originAt, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';

const user = { user: 'Mufasa', password: 'Circle of Life' };
const clientNonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const rest =
  'realm="http-auth@example.org", qop="auth, auth-int", ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';

function answerTo(challenge: string): string {
  const login = new DigestLogin(user, () => clientNonce);
  assert.ok(login.challenged([['www-authenticate', challenge]], null));
  return login.authorization('GET', '/dir/index.html') ?? '';
}

test('the examples of RFC 7616 §3.9.1', () => {
  assert.match(answerTo(`Digest ${rest}, algorithm=MD5`), /response="8ca523f5e9506fed4657c9700eebdbec"/);
  const sha = answerTo(`Digest ${rest}, algorithm=SHA-256`);
  assert.match(sha, /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/);
  for (const part of ['nc=00000001', 'qop=auth', 'algorithm=SHA-256', 'opaque="FQhe/', 'username="Mufasa"'])
    assert.ok(sha.includes(part), part);
});

test('the example of RFC 2069: no qop, no algorithm', () => {
  const login = new DigestLogin({ user: 'Mufasa', password: 'CircleOfLife' });
  const challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c"';
  login.challenged([['www-authenticate', challenge]], null);
  const answer = login.authorization('GET', '/dir/index.html') ?? '';
  assert.match(answer, /response="1949323746fe6a43ef61f9606e7febea"/);
  assert.ok(!/qop|nc=/.test(answer));
});

test('of several challenges the first that can be answered is', () => {
  const line = `Basic realm="a, b", Digest ${rest}, algorithm=FOO, Digest ${rest}, algorithm=SHA-256, Digest ${rest}`;
  assert.match(answerTo(line), /algorithm=SHA-256/);
  const login = new DigestLogin(user);
  for (const challenge of [
    'Basic realm="Digest nonce=x"',
    'Bearer',
    'Digest realm="no nonce"',
    'Digest nonce="x", qop="x"',
  ])
    assert.ok(!login.challenged([['www-authenticate', challenge]], null), challenge);
});

test('only credentials of Basic can be signed with', () => {
  const encoded = Buffer.from('anna:a:b ü').toString('base64');
  assert.deepEqual(credentialsIn(`Basic ${encoded}`), { user: 'anna', password: 'a:b ü' });
  for (const value of [null, 'Bearer x', 'Basic', `Basic ${Buffer.from('anna').toString('base64')}`])
    assert.equal(credentialsIn(value), null);
});

/** A server whose nonces last for so many requests, and which takes no count twice. */
async function guarded(lasting: number, password = 'open sesame') {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const seen = new Set<string>();
  const log: string[] = [];
  let number = 1;
  let used = 0;
  const server = await RawServer.answering((head) => {
    const [, path = ''] = /^GET (\S+)/.exec(head) ?? [];
    const given = (name: string) => new RegExp(`${name}="?([^",\\s]+)"?`).exec(head)?.[1] ?? '';
    const nonce = `nonce-${number}`;
    const key = `${given('nonce')} ${given('nc')}`;
    const middle = `${given('nonce')}:${given('nc')}:${given('cnonce')}:auth`;
    const wanted = md5(`${md5(`anna:films:${password}`)}:${middle}:${md5(`GET:${path}`)}`);
    const isRight = /authorization: Digest/i.test(head) && given('response') === wanted && given('uri') === path;
    if (isRight && given('nonce') === nonce && !seen.has(key) && used < lasting) {
      seen.add(key);
      used += 1;
      log.push('200');
      return 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm';
    }
    if (isRight) {
      number += 1;
      used = 0;
    }
    log.push(isRight ? 'stale' : '401');
    const stale = isRight ? ', stale=true' : '';
    return `HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="films", nonce="nonce-${number}", qop="auth"${stale}\r\nContent-Length: 0\r\n\r\n`;
  });
  return { server, log };
}

describe('an origin that asks for a digest of the operator’s credentials', () => {
  const fields = [['authorization', `Basic ${Buffer.from('anna:open sesame').toString('base64')}`]] as const;

  test('is asked twice the first time, and once after that, each time with another count', async () => {
    const { server, log } = await guarded(100);
    await using _ = server;
    await using origin = originAt(server.port, { fields });
    for (let time = 0; time < 4; time += 1) assert.equal(await readAll(await open(origin, `/film?${time}`)), 'film');
    assert.deepEqual(log, ['401', '200', '200', '200', '200']);
  });

  test('is asked again with its next nonce where that is over', async () => {
    const { server, log } = await guarded(2);
    await using _ = server;
    await using origin = originAt(server.port, { fields });
    for (let time = 0; time < 4; time += 1) assert.equal((await open(origin)).status, 200);
    assert.deepEqual(log, ['401', '200', '200', 'stale', '200', '200']);
  });

  test('is given each count once, however many ask at a time', async () => {
    const { server } = await guarded(1000);
    await using _ = server;
    await using origin = originAt(server.port, { fields });
    const replies = await Promise.all(Array.from({ length: 30 }, (_, index) => open(origin, `/${index}`)));
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  });

  test('and does not know them is not asked for ever, and its challenge reaches nobody', async () => {
    const { server, log } = await guarded(100, 'another');
    await using _ = server;
    await using origin = originAt(server.port, { fields });
    const reply = await open(origin);
    assert.deepEqual([reply.status, log], [401, ['401', '401']]);
    assert.ok(!reply.fields.some(([name]) => name === 'www-authenticate'));
  });
});
