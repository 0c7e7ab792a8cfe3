import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Witness } from '../faults/witness.ts';
import { Exchange } from '../support/exchange.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Catalogue } from './catalogue.ts';
import { windowsOf } from './sight.ts';
import { median, Tally } from './tally.ts';

/** A request for a clip, whose reply has this head so far, under a tally's eyes. */
function asked(head: string) {
  const clock = new VirtualClock();
  const catalogue = new Catalogue();
  const witness = new Witness(catalogue.of('/clip.mp4'), clock);
  const exchange = new Exchange('GET', clock, witness);
  witness.watch(exchange);
  const tally = new Tally();
  let given = 0;
  const one = tally.follow('a clip', exchange, witness, () => {
    given += 1;
    exchange.finish('left');
  });
  if (head !== '') exchange.read(Buffer.from(`HTTP/1.1 ${head}\r\n\r\n`));
  return { catalogue, exchange, tally, one, gaveUp: () => given };
}

const whole = '200 OK\r\nETag: "film-700001-25"\r\nContent-Length: 700001';

/** Lets what has been settled be heard of. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

describe('a tally of a soak', () => {
  it('counts a request that gets no head within the budgets as hung, and gives it up', async (t) => {
    const { tally, gaveUp } = asked('');
    const later = performance.now() + 69_000;
    t.mock.method(performance, 'now', () => later - 1);
    tally.look();
    assert.equal(tally.hung, 0);
    t.mock.restoreAll();
    t.mock.method(performance, 'now', () => later + 10_000);
    tally.look();
    assert.deepEqual([tally.hung, gaveUp(), tally.underWay], [1, 1, 0]);
    assert.match(tally.told[0] ?? '', /a clip: no head for \d+ s/);
  });

  it('waits for nobody whose player does not read', (t) => {
    const { tally, one } = asked('');
    one.reads = null;
    const later = performance.now() + 1_000_000;
    t.mock.method(performance, 'now', () => later);
    tally.look();
    assert.equal(tally.hung, 0);
  });

  it('counts a wrong byte', async () => {
    const { exchange, tally } = asked(whole);
    let error: unknown = null;
    try {
      exchange.read(Buffer.alloc(100, 7));
    } catch (thrown) {
      error = thrown;
    }
    exchange.finish('cut', error);
    await heard();
    assert.equal(tally.wrong, 1);
    assert.match(tally.told[0] ?? '', /a clip: Wrong or mixed bytes/);
  });

  it('counts a reply that ends cleanly and is not whole', async () => {
    const { catalogue, exchange, tally } = asked('200 OK\r\nETag: "film-700001-25"\r\nTransfer-Encoding: chunked');
    const bytes = catalogue.of('/clip.mp4')[0]?.film.bytesAt(0, 16) ?? assert.fail();
    exchange.read(Buffer.concat([Buffer.from('10\r\n'), bytes, Buffer.from('\r\n0\r\n\r\n')]));
    await heard();
    assert.deepEqual([tally.wrong, tally.outcomes], [1, { wrong: 1 }]);
  });

  it('takes a version that was published after the asking', async () => {
    const { catalogue, exchange, tally } = asked('');
    catalogue.replace('/clip.mp4');
    const next = catalogue.of('/clip.mp4')[1]?.film ?? assert.fail();
    exchange.read(Buffer.from('HTTP/1.1 200 OK\r\nETag: "film-700002-26"\r\nContent-Length: 700002\r\n\r\n'));
    exchange.read(next.bytesAt(0, next.size));
    await heard();
    assert.deepEqual([tally.wrong, tally.outcomes], [0, { 200: 1 }]);
  });
});

describe('the memory of a soak', () => {
  it('is compared between minutes 10 to 20 and the last ten of an hour', () => {
    const minute = 60_000;
    const { early, late } = windowsOf(60 * minute);
    assert.deepEqual(
      [early.from, early.to, late.from, late.to],
      [10, 20, 50, 60].map((each) => each * minute),
    );
  });

  it('is the median of what was seen', () => {
    assert.equal(median([9, 1, 5]), 5);
  });
});
