import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Exchange } from '../support/exchange.ts';
import { film } from '../support/film.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Witness } from './witness.ts';

const versions = [film(20_000), film(20_000, 2), film(25_000, 3)].map((version) => ({
  film: version,
  tag: `"${version.seed}"`,
}));

/** A reply with this head, watched. */
function reply(head: string) {
  const clock = new VirtualClock();
  const witness = new Witness(versions, clock);
  const exchange = new Exchange('GET', clock, witness);
  witness.watch(exchange);
  exchange.read(Buffer.from(`HTTP/1.1 ${head}\r\n\r\n`));
  const give = (version: number, start: number, end: number) =>
    exchange.read((versions[version]?.film ?? assert.fail()).bytesAt(start, end));
  return { exchange, witness, give };
}

describe('a witness', () => {
  it('has nothing against a whole film of one version', () => {
    const { witness, give } = reply('200 OK\r\nETag: "2"\r\nContent-Length: 20000');
    give(1, 0, 9000);
    give(1, 9000, 20_000);
    witness.assertWhole();
  });

  it('has nothing against a part of it', () => {
    const { witness, give } = reply('206 OK\r\nETag: "1"\r\nContent-Range: bytes 5-9/20000\r\nContent-Length: 5');
    give(0, 5, 10);
    witness.assertWhole();
  });

  it('sees a version that the head does not name', () => {
    const { give } = reply('200 OK\r\nETag: "1"\r\nContent-Length: 20000');
    assert.throws(() => give(1, 0, 9000), /Wrong or mixed/);
  });

  it('sees bytes of two versions in one reply', () => {
    const { give } = reply('200 OK\r\nETag: "1"\r\nContent-Length: 20000');
    give(0, 0, 9000);
    assert.throws(() => give(1, 9000, 20_000), /Wrong or mixed/);
  });

  it('sees a length that is not that of the version', () => {
    const { give } = reply('206 OK\r\nETag: "1"\r\nContent-Range: bytes 0-9/25000\r\nContent-Length: 10');
    assert.throws(() => give(0, 0, 10), /no version/);
  });

  it('sees bytes of another place', () => {
    const { give } = reply('206 OK\r\nETag: "1"\r\nContent-Range: bytes 5-9/20000\r\nContent-Length: 5');
    assert.throws(() => give(0, 4, 9), /Wrong or mixed/);
  });

  it('sees a body that ends cleanly and is not whole', () => {
    const { exchange, witness } = reply('200 OK\r\nETag: "1"\r\nTransfer-Encoding: chunked');
    const bytes = versions[0]?.film.bytesAt(0, 16) ?? assert.fail();
    exchange.read(Buffer.concat([Buffer.from('10\r\n'), bytes, Buffer.from('\r\n0\r\n\r\n')]));
    assert.equal(exchange.outcome, 'complete');
    assert.throws(() => witness.assertWhole(), /16 bytes ended as if it were whole/);
  });
});
