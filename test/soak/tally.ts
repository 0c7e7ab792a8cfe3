/** What came of the requests of a soak, and which of them nobody answers. */
import assert from 'node:assert/strict';
import type { Witness } from '../faults/witness.ts';
import type { Exchange } from '../support/exchange.ts';

/** firstbyte's budgets as the soak sets them, in milliseconds: short, so that an hour holds many troubles. */
export const budgets = { firstByte: 8000, queue: 8000, heal: 15_000, stall: 3000 };

/** An entry begins anew at most this often for one request, each time with a budget of its own. */
const mostFills = 4;

/** On a machine that is busy with everything else, in milliseconds. */
const spare = 5000;

/** What a request may wait for its head, and for its next byte, in milliseconds. */
const headDeadline = mostFills * (budgets.firstByte + budgets.queue) + spare;
const byteDeadline = budgets.heal + headDeadline;

/** The first of what is wrong is told; a soak that goes wrong may go wrong very often. */
const mostTold = 20;

interface UnderWay {
  readonly what: string;
  readonly exchange: Exchange;
  /** When its player began to read on; `null` while it does not read. */
  reads: number | null;
  /** Ends it, where nobody else does. */
  readonly giveUp: () => void;
}

export class Tally {
  requests = 0;
  bytes = 0;
  /** Replies with a byte that is not right, or that ended cleanly and were not whole, or were no HTTP. */
  wrong = 0;
  /** Requests that got nothing for longer than the budgets allow. */
  hung = 0;
  readonly outcomes: Record<string, number> = {};
  /** What was wrong, in words; the first few. */
  readonly told: string[] = [];
  readonly #underWay = new Set<UnderWay>();
  #counted = new WeakMap<Exchange, number>();

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Follows one request to its end. */
  follow(what: string, exchange: Exchange, witness: Witness, giveUp: () => void): UnderWay {
    this.requests += 1;
    const one: UnderWay = { what, exchange, reads: performance.now(), giveUp };
    this.#underWay.add(one);
    exchange
      .done()
      .then((outcome) => {
        if (outcome === 'complete') witness.assertWhole();
        const { status } = exchange;
        this.note(outcome === 'complete' ? `${status}` : outcome);
      })
      .catch((error: Error) => {
        this.note('wrong');
        this.wrong += 1;
        this.tell(`${what}: ${error.message}`);
      })
      .finally(() => {
        this.#underWay.delete(one);
        this.#count(exchange);
      });
    return one;
  }

  note(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  tell(words: string): void {
    if (this.told.length < mostTold) this.told.push(words);
  }

  /** Counts what has come, and gives up what nobody answers. */
  look(): void {
    const now = performance.now();
    for (const one of [...this.#underWay]) {
      const { exchange, reads, what, giveUp } = one;
      this.#count(exchange);
      const { sentAt, headAt, lastByteAt } = exchange.times;
      if (reads === null) continue;
      const since = Math.max(reads, sentAt, headAt === null ? 0 : (lastByteAt ?? 0));
      if (now - since <= (headAt === null ? headDeadline : byteDeadline)) continue;
      this.hung += 1;
      const got = headAt === null ? 'no head' : `nothing after ${exchange.bodyBytes} bytes`;
      this.tell(`${what}: ${got} for ${Math.round((now - since) / 1000)} s`);
      this.#underWay.delete(one);
      giveUp();
    }
  }

  #count(exchange: Exchange): void {
    this.bytes += exchange.bodyBytes - (this.#counted.get(exchange) ?? 0);
    this.#counted.set(exchange, exchange.bodyBytes);
  }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  assert.ok(values.length > 0, 'There is nothing to take the median of.');
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
