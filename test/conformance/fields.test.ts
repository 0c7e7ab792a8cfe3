/** The fields of replies, and of what the origin is asked: RFC 9110 §7.6, RFC 9111 §5.1, RFC 9211 and RFC 9209. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import { lastModified } from '../support/film-fields.ts';
import { virtualRig } from '../support/rig.ts';
import { answerTo, target } from './answer.ts';

const movie = film(600_000);
/** As it stands on the wire: bytes outside of ASCII are nobody's to change (RFC 9110 §5.5). */
const ownField = Buffer.from('é').toString('latin1');
const start = new Date(Date.UTC(2026, 0, 1)).toUTCString();

async function statusOfCache(origin: Behaviour = {}) {
  const rig = await virtualRig({ films: movie, origin });
  const ask = async (range?: string) => {
    const exchange = await rig.play(target, range === undefined ? {} : { range });
    return exchange.field('cache-status');
  };
  return { rig, ask };
}

describe('Cache-Status', () => {
  it('says that the origin was asked and the answer stored, and then that it was not', async () => {
    const { rig, ask } = await statusOfCache();
    assert.deepEqual(
      [await ask(), await ask(), await ask('5-9')],
      ['firstbyte;fwd=uri-miss;stored', 'firstbyte;hit;ttl=86400', 'firstbyte;hit;ttl=86400'],
    );
    await rig.close();
  });

  it('says that another request was under way', async () => {
    const { rig } = await statusOfCache({ headAfter: 1000 });
    const exchanges = [rig.get(target), rig.get(target)];
    await rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
    assert.deepEqual(
      exchanges.map((exchange) => exchange.field('cache-status')),
      ['firstbyte;fwd=uri-miss;stored', 'firstbyte;fwd=uri-miss;stored;collapsed'],
    );
    await rig.close();
  });

  it('says that a part was there', async () => {
    const { rig, ask } = await statusOfCache();
    await ask('0-9');
    assert.match((await ask()) ?? '', /^firstbyte;fwd=partial;stored/);
    await rig.close();
  });

  it('says that the origin confirmed what was stored, also where that is never fresh, and that it could not', async () => {
    for (const control of ['no-cache', 'max-age=0', 'max-age=1']) {
      const origin = { fields: { 'cache-control': control } };
      const { rig, ask } = await statusOfCache(origin);
      await ask();
      await rig.clock.advance(2000);
      assert.equal(await ask(), 'firstbyte;fwd=stale;fwd-status=304', control);
      await rig.close();
    }
    const { rig, ask } = await statusOfCache({ fields: { 'cache-control': 'max-age=0' } });
    await ask();
    rig.origin.always({ hangUp: 'end' });
    await rig.clock.advance(2000);
    assert.match((await ask()) ?? '', /^firstbyte;hit;ttl=-/);
    await rig.close();
  });

  it('says that nothing was stored', async () => {
    const { rig, ask } = await statusOfCache({ fields: { 'cache-control': 'no-store' } });
    assert.equal(await ask(), 'firstbyte;fwd=bypass');
    await rig.close();
  });

  it('says neither where nobody looked', async () => {
    for (const question of [{ method: 'POST' }, { fields: { host: 'evil.example' } }]) {
      assert.equal((await answerTo(question, 'cached')).exchange.field('cache-status'), 'firstbyte');
    }
  });

  it("says that the origin was asked where its error is passed on, and comes behind the origin's own", async () => {
    const origin: Behaviour = { status: 404, fields: { 'cache-status': 'cdn; hit' } };
    const { exchange } = await answerTo({}, 'cold', { origin });
    assert.equal(exchange.field('cache-status'), 'cdn; hit, firstbyte;fwd=miss;detail="starting"');
  });
});

describe('a reply', () => {
  const origin: Behaviour = {
    fields: {
      connection: 'keep-alive, x-hop',
      'x-hop': '1',
      'keep-alive': 'timeout=99',
      'proxy-authenticate': 'Basic',
      'set-cookie': 'secret=1',
      'alt-svc': 'h3=":443"',
      'x-own': 'é',
      via: '1.1 cdn',
    },
  };

  for (const temperature of ['cold', 'cached'] as const) {
    it(`that is ${temperature} has the end-to-end fields of the origin, and none of a hop or of one client`, async () => {
      const { exchange } = await answerTo({}, temperature, { origin });
      const passed = Object.fromEntries(exchange.fields);
      assert.deepEqual(
        [passed['content-type'], passed['last-modified'], passed['x-own'], exchange.field('via')],
        ['video/mp4', lastModified, ownField, '1.1 cdn, 1.1 firstbyte'],
      );
      for (const name of ['x-hop', 'proxy-authenticate', 'set-cookie', 'alt-svc'])
        assert.equal(passed[name], undefined, name);
      assert.deepEqual([exchange.field('connection'), exchange.field('keep-alive')], ['keep-alive', 'timeout=65']);
    });
  }

  it("has the origin's Date, and an Age that grows", async () => {
    const rig = await virtualRig({ films: movie, origin: { fields: { age: '100' } } });
    for (const [wait, age] of [
      [0, '100'],
      [90_000, '190'],
      [3_600_000, '3790'],
    ] as const) {
      await rig.clock.advance(wait);
      const exchange = await rig.play(target);
      assert.deepEqual([exchange.field('age'), exchange.field('date')], [age, start]);
    }
    assert.equal(rig.origin.requests.length, 1);
    await rig.close();
  });

  it('has a Date of our own where the origin gives none', async () => {
    const { exchange } = await answerTo({}, 'cold', { origin: { fields: { date: null } } });
    assert.equal(exchange.field('date'), start);
  });

  it("of an error that is not ours has the origin's status, fields and body, and says where it came from", async () => {
    const { exchange } = await answerTo({}, 'cold', { origin: { status: 403, fields: { 'x-own': 'a' } } });
    assert.deepEqual(
      [exchange.status, exchange.text, exchange.field('x-own')],
      [403, "This is the origin's 403.\n", 'a'],
    );
    assert.equal(exchange.field('proxy-status'), 'firstbyte;received-status=403');
  });

  it('of 204 has neither a body nor a length', async () => {
    const { exchange } = await answerTo({}, 'cold', { origin: { status: 204, fields: { 'content-length': null } } });
    assert.deepEqual([exchange.outcome, exchange.status, exchange.field('content-length')], ['complete', 204, null]);
  });
});

describe('the origin', () => {
  it('is told what a client says of itself, and neither whence it comes nor what is for another request', async () => {
    const fields = {
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
      'icy-metadata': '1',
      'accept-encoding': 'gzip',
      'if-none-match': '"other"',
      referer: 'http://127.0.0.1/~/token/a.mp4',
    };
    const said = { 'user-agent': 'VLC', accept: 'video/*', 'accept-language': 'de', 'x-own': '1', cookie: 'mine' };
    const { rig } = await answerTo({ fields: { ...fields, ...said }, range: '5-9' }, 'cold');
    const asked = Object.fromEntries(rig.origin.requests[0]?.fields ?? []);
    assert.deepEqual([asked['accept-encoding'], asked.range, asked.host], ['identity', 'bytes=5-262143', '10.0.0.1']);
    for (const name of Object.keys(fields)) if (name !== 'accept-encoding') assert.equal(asked[name], undefined, name);
    for (const [name, value] of Object.entries(said)) assert.equal(asked[name], value, name);
  });
});
