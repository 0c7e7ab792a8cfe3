/**
 * Somebody who watches one reply as it comes, and knows every version that ever stood under the target.
 *
 * Each piece must be of a version that all pieces before it were of as well, and that the head allows: by its entity
 * tag, its length and its place. What is wrong is thrown at once, so that the reply ends with it.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/clock.ts';
import type { Exchange } from '../support/exchange.ts';
import { Film } from '../support/film.ts';

/** A version and the entity tag under which the origin gave it, or `null`. */
export interface KnownVersion {
  readonly film: Film;
  readonly tag: string | null;
}

export class Witness extends Film {
  readonly #clock: Clock;
  #possible: readonly KnownVersion[];
  #exchange: Exchange | null = null;
  readonly #saysLengths: boolean;
  /** When a byte came, or the viewer read again after a pause that nobody else is to blame for. */
  readonly moments: number[] = [];

  /**
   * `saysLengths: false` where the origin may give a body without a length. Nobody knows then, where there is no entity
   * tag either, that it is not of the length that was known before.
   */
  constructor(versions: readonly KnownVersion[], clock: Clock, { saysLengths = true } = {}) {
    super(0, 0);
    this.#saysLengths = saysLengths;
    this.#possible = versions;
    this.#clock = clock;
  }

  watch(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** The viewer reads again. */
  forgive(): void {
    this.moments.push(this.#clock.now());
  }

  override assertBytes(start: number, bytes: Buffer): void {
    const exchange = this.#exchange ?? assert.fail('Nobody told which reply it is.');
    this.moments.push(this.#clock.now());
    if (exchange.field('content-encoding') !== null) return;
    const before = this.#possible.filter((version) => this.#mayBe(exchange, version));
    assert.ok(before.length > 0, `The head is of no version: ${JSON.stringify(exchange.fields)}`);
    this.#possible = before.filter(({ film }) => film.firstDifference(start, bytes) === null);
    if (this.#possible.length > 0) return;
    const at = Math.max(...before.map(({ film }) => film.firstDifference(start, bytes) ?? 0));
    assert.fail(
      `Wrong or mixed bytes: those from ${start} on, until ${at} at most, are of no version that was before.`,
    );
  }

  /** For a reply that ended as its framing promised: that nothing of it is missing. */
  assertWhole(): void {
    const exchange = this.#exchange ?? assert.fail('Nobody told which reply it is.');
    const { status, method, bodyBytes } = exchange;
    if ((status !== 200 && status !== 206) || method === 'HEAD' || exchange.field('content-encoding') !== null) return;
    const right = this.#possible.filter((version) => bodyBytes === promised(exchange, version.film));
    assert.ok(right.length > 0, `A body of ${bodyBytes} bytes ended as if it were whole.`);
  }

  #mayBe(exchange: Exchange, { film, tag }: KnownVersion): boolean {
    if (exchange.field('etag') !== tag) return false;
    if (tag === null && !this.#saysLengths) return true;
    const [, total = '*'] = /\/(\d+|\*)$/.exec(exchange.field('content-range') ?? '') ?? [];
    if (exchange.status === 206) return total === '*' || Number(total) === film.size;
    const length = exchange.field('content-length');
    return length === null || Number(length) === film.size;
  }
}

/** How many bytes the body of a whole reply has. */
function promised(exchange: Exchange, film: Film): number {
  if (exchange.status === 200) return film.size;
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(exchange.field('content-range') ?? '') ?? [];
  return Number(last) - Number(first) + 1;
}
