import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import { sessionCookie, sessionOf } from '../../src/control/page-session.ts';

const token = 'a token of 24 characters';
const now = Date.UTC(2026, 0, 1);
const day = 86_400_000;
const host = '127.0.0.1:8787';

const given = sessionCookie(token, now, { host });
const [pair = ''] = given.split(';');
const ours: IncomingHttpHeaders = { host, cookie: pair, 'firstbyte-page': '1', 'sec-fetch-site': 'same-origin' };
const stands = (headers: IncomingHttpHeaders, at = now, known = token) =>
  sessionOf(headers, at)?.standsFor(known) ?? false;

describe('the cookie of the page', () => {
  it('is hidden from scripts, sent by no other site, and to no mount', () => {
    assert.match(given, /^firstbyte-8787=\d+\.[\w-]{43}; Path=\/-\/; HttpOnly; SameSite=Strict$/);
    assert.match(sessionCookie(token, now, { host: 'media.example', origin: 'https://media.example' }), /; Secure$/);
    assert.ok(!given.includes(token));
  });

  it('has a name of its own for each port, since ports share a jar', () => {
    const others = ['firstbyte-8788=1.x', 'other=1', 'xfirstbyte-8787=2', 'firstbyte-8787x=2', pair];
    assert.ok(stands({ ...ours, cookie: others.join('; ') }));
    assert.ok(!stands({ ...ours, host: '127.0.0.1:8788' }));
    assert.match(sessionCookie(token, now, { host: 'media.lan' }), /^firstbyte-page=/);
  });

  it('stands for the token with which it was made, for seven days', () => {
    assert.ok(stands(ours));
    assert.ok(stands(ours, now + 7 * day - 1));
    assert.ok(!stands(ours, now + 7 * day));
    assert.ok(!stands(ours, now, `${token}x`));
  });

  it('can be made no longer, and no other', () => {
    const [, value = ''] = pair.split('=');
    const [expiry = '', proof = ''] = value.split('.');
    const forged = [
      `${Number(expiry) + day}.${proof}`,
      `0${expiry}.${proof}x`,
      `${expiry}.${proof.slice(1)}`,
      `${expiry}.${proof.slice(0, -3)}abc`,
      `${expiry}.`,
      `.${proof}`,
      `9e15.${proof}`,
      `Infinity.${proof}`,
      token,
      '',
    ];
    for (const each of forged) assert.ok(!stands({ ...ours, cookie: `firstbyte-8787=${each}` }), each);
  });

  for (const [what, changes] of Object.entries<IncomingHttpHeaders>({
    'another site': { 'sec-fetch-site': 'cross-site' },
    'another port of the host': { 'sec-fetch-site': 'same-site' },
    'a link or a bookmark': { 'sec-fetch-site': 'none' },
    'a page that may not send fields of its own': { 'firstbyte-page': undefined },
  })) {
    it(`counts for nothing where ${what} asks`, () => assert.equal(sessionOf({ ...ours, ...changes }, now), null));
  }

  it('counts in a browser that does not say whose page asks, as over plain HTTP in a home', () => {
    assert.ok(stands({ ...ours, 'sec-fetch-site': undefined }));
  });
});
