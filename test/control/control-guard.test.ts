import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlPolicy, type ControlRequest, judgeControlRequest } from '../../src/control/control-guard.ts';

const local: ControlRequest = {
  method: 'GET',
  localAddress: '127.0.0.1',
  host: '127.0.0.1:8787',
  authorization: undefined,
  origin: undefined,
  secFetchSite: undefined,
  contentType: undefined,
};
const token = 'a token of 24 characters';

const localToken = 'local-token-of-this-start';
const change: Partial<ControlRequest> = {
  method: 'POST',
  contentType: 'application/json',
  authorization: `Bearer ${localToken}`,
};

const sessionFor = (known: string) => ({ standsFor: (asked: string) => asked === known });

type Row = [what: string, changes: Partial<ControlRequest>, policy: ControlPolicy, status: number | null];

const rows: Row[] = [
  ['a request on loopback', {}, {}, null],
  ['HEAD', { method: 'HEAD' }, {}, null],
  ['OPTIONS', { method: 'OPTIONS' }, {}, 405],
  ['TRACE', { method: 'TRACE' }, {}, 405],

  ['IPv6 loopback', { localAddress: '::1', host: '[::1]:8787' }, {}, null],
  ['IPv4 loopback on an IPv6 socket', { localAddress: '::ffff:127.0.0.1' }, {}, null],
  ['another loopback address', { localAddress: '127.8.9.10', host: '127.8.9.10:8787' }, {}, null],
  ['a Unix socket', { localAddress: undefined, host: 'localhost' }, {}, null],
  ['a private network', { localAddress: '192.168.1.5', host: '192.168.1.5:8787' }, {}, 401],
  ['a public IPv6 address', { localAddress: '2001:db8::1', host: '[2001:db8::1]' }, {}, 401],
  ['a loopback Host beyond loopback', { localAddress: '192.168.1.5' }, {}, 401],

  ['the page of another site', { secFetchSite: 'cross-site' }, {}, 403],
  ['the page of another port', { secFetchSite: 'same-site' }, {}, 403],
  ['a page of our own', { secFetchSite: 'same-origin', origin: 'http://127.0.0.1:8787' }, {}, null],
  ['the address bar', { secFetchSite: 'none' }, {}, null],
  ['the Origin of another site', { origin: 'https://evil.example' }, {}, 403],
  ['the Origin of another port', { origin: 'http://127.0.0.1:3000' }, {}, 403],
  ['the Origin null', { origin: 'null' }, {}, 403],
  ['our own Origin under a Host in upper case', { host: 'LOCALHOST:8787', origin: 'http://localhost:8787' }, {}, null],
  ['our own Origin', { origin: 'http://127.0.0.1:8787' }, {}, null],

  ['the token', { authorization: `Bearer ${token}` }, { token }, null],
  ['the token with its scheme in lower case', { authorization: `bearer ${token}` }, { token }, null],
  ['no token though one is configured', {}, { token }, 401],
  ['another token', { authorization: `Bearer ${token}x` }, { token }, 401],
  ['a part of the token', { authorization: `Bearer ${token.slice(0, -1)}` }, { token }, 401],
  ['an empty token', { authorization: 'Bearer ' }, { token }, 401],
  ['the token under another scheme', { authorization: `Basic ${token}` }, { token }, 401],
  [
    'the token beyond loopback',
    { authorization: `Bearer ${token}`, localAddress: '192.0.2.1', host: 'media.example' },
    { token },
    null,
  ],
  [
    'the token from the page of another site',
    { authorization: `Bearer ${token}`, origin: 'https://evil.example' },
    { token },
    403,
  ],

  ['a change without a token', { ...change, authorization: undefined }, { localToken }, 401],
  ['a change where there is no token at all', change, {}, 401],
  ['a change with the local token', change, { localToken }, null],
  ['a change with the local token beside a configured one', change, { localToken, token }, null],
  ['a change with the configured token', { ...change, authorization: `Bearer ${token}` }, { localToken, token }, null],
  ['a change with a part of the local token', { ...change, authorization: 'Bearer loc' }, { localToken }, 401],
  ['PUT without a token', { ...change, method: 'PUT', authorization: undefined }, { localToken }, 401],
  ['PATCH without a token', { ...change, method: 'PATCH', authorization: undefined }, { localToken }, 401],
  ['DELETE without a token', { ...change, method: 'DELETE', authorization: undefined }, { localToken }, 401],
  [
    'a look with the local token where another is configured',
    { authorization: `Bearer ${localToken}` },
    { localToken, token },
    null,
  ],
  [
    'the local token beyond loopback',
    { ...change, localAddress: '192.0.2.1', host: 'nas.example' },
    { localToken, token },
    401,
  ],
  [
    'the local token from an address of this machine to itself',
    { ...change, localAddress: '192.168.1.5', remoteAddress: '192.168.1.5', host: '192.168.1.5:8787' },
    { localToken },
    null,
  ],
  [
    'the local token from another device',
    { ...change, localAddress: '192.168.1.5', remoteAddress: '192.168.1.6', host: '192.168.1.5:8787' },
    { localToken },
    401,
  ],
  [
    'no token from an address of this machine to itself',
    { localAddress: '192.168.1.5', remoteAddress: '192.168.1.5', host: '192.168.1.5:8787' },
    { localToken },
    401,
  ],
  ['the local token on a Unix socket', { ...change, localAddress: undefined, host: 'localhost' }, { localToken }, null],
  ['a change by the page of another site', { ...change, secFetchSite: 'cross-site' }, { localToken }, 403],
  ['a change by the page of another port', { ...change, secFetchSite: 'same-site' }, { localToken }, 403],
  ['a change with the Origin of another site', { ...change, origin: 'https://evil.example' }, { localToken }, 403],
  ['a change with the Origin null', { ...change, origin: 'null' }, { localToken }, 403],
  [
    'a change by a page of our own',
    { ...change, secFetchSite: 'same-origin', origin: 'http://127.0.0.1:8787' },
    { localToken },
    null,
  ],
  ['a change of no type', { ...change, contentType: undefined }, { localToken }, 415],
  ['a form', { ...change, contentType: 'application/x-www-form-urlencoded' }, { localToken }, 415],
  ['a form with files', { ...change, contentType: 'multipart/form-data; boundary=x' }, { localToken }, 415],
  ['plain text', { ...change, contentType: 'text/plain' }, { localToken }, 415],
  ['plain text that names JSON', { ...change, contentType: 'text/plain; application/json' }, { localToken }, 415],
  ['a type that only begins like JSON', { ...change, contentType: 'application/jsonp' }, { localToken }, 415],
  [
    'a change of the page',
    { ...change, authorization: undefined, session: sessionFor(localToken) },
    { localToken },
    null,
  ],
  ['a look of the page', { session: sessionFor(token) }, { token }, null],
  ['the page with a session for another token', { session: sessionFor(token) }, { token: `${token}x` }, 401],
  [
    'the page with a local session beyond loopback',
    { session: sessionFor(localToken), localAddress: '192.168.1.5' },
    { token, localToken },
    401,
  ],
  [
    'the page with its session beyond loopback',
    { session: sessionFor(token), localAddress: '192.168.1.5' },
    { token },
    null,
  ],
  ['a wrong token beside a session', { session: sessionFor(token), authorization: 'Bearer wrong' }, { token }, 401],
  [
    'a session beside the Origin null',
    { ...change, session: sessionFor(localToken), authorization: undefined, origin: 'null' },
    { localToken },
    403,
  ],
  [
    'a session beside another Origin',
    { ...change, session: sessionFor(localToken), authorization: undefined, origin: 'http://127.0.0.1:9' },
    { localToken },
    403,
  ],
  [
    'a form with a session',
    { ...change, session: sessionFor(localToken), authorization: undefined, contentType: 'text/plain' },
    { localToken },
    415,
  ],
  ['JSON with a charset', { ...change, contentType: 'Application/JSON; charset=utf-8' }, { localToken }, null],
];

for (const [what, changes, policy, status] of rows) {
  test(`${what} is ${status === null ? 'answered' : `refused with ${status}`}`, () => {
    const judged = judgeControlRequest({ ...local, ...changes }, policy);
    assert.equal('status' in judged ? judged.status : null, status);
  });
}

test('it is told whose token a request bears', () => {
  const policy = { token, localToken };
  const bearer = (authorization?: string) => {
    const judged = judgeControlRequest(
      { ...local, authorization },
      { ...policy, ...(authorization ? {} : { token: undefined }) },
    );
    return 'bearer' in judged ? judged.bearer : judged.status;
  };
  assert.deepEqual([bearer(`Bearer ${token}`), bearer(`Bearer ${localToken}`), bearer()], ['operator', 'local', null]);
});
