/**
 * Several addresses of one host: connects to the first that answers, and remembers which that was (RFC 8305).
 *
 * The next address is tried beside the one before, a quarter of a second later or as soon as that has failed. No attempt
 * is given up before another one has come about: an address that is alive and far away must not lose to one that is dead.
 */
import { type Clock, sleep } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';

/** RFC 8305 §5. */
const nextAfterMs = 250;

/** More hosts than this are not remembered. */
const mostHosts = 256;

/** Opens a stream to one address; rejects with the signal's reason, and leaves nothing open, once it aborts. */
type ConnectOne<Stream> = (address: string, signal: AbortSignal) => Promise<Stream>;

export class AddressRace {
  /** By host, the address that answered last. */
  readonly #working = new Map<string, string>();

  /**
   * Resolves with the first stream that comes about; the others are aborted, and what they bring all the same is given to
   * `drop`. Rejects with the error of the first address where all have failed.
   */
  async run<Stream>(
    { hostname, addresses }: { readonly hostname: string; readonly addresses: readonly string[] },
    connect: ConnectOne<Stream>,
    {
      clock,
      signal,
      drop,
    }: { readonly clock: Clock; readonly signal: AbortSignal; readonly drop: (late: Stream) => void },
  ): Promise<Stream> {
    const over = new AbortController();
    const inTime = AbortSignal.any([signal, over.signal]);
    const won = Promise.withResolvers<Stream>();
    const errors = new Map<string, unknown>();
    let isWon = false;
    const attempt = async (address: string) => {
      try {
        const stream = await connect(address, inTime);
        if (isWon) return drop(stream);
        isWon = true;
        this.#remember(hostname, address);
        won.resolve(stream);
      } catch (error) {
        errors.set(address, error);
      }
    };
    const attempts: Promise<void>[] = [];
    const inOrder = this.#inOrder(hostname, addresses);
    try {
      for (const address of inOrder) {
        const current = attempt(address);
        attempts.push(current);
        const pause = sleep(clock, nextAfterMs, inTime).catch(() => {});
        await Promise.race([won.promise, current, pause]);
        if (isWon || signal.aborted) break;
      }
      const allFailed = Promise.all(attempts).then(() =>
        won.reject(signal.aborted ? signal.reason : errors.get(inOrder[0] ?? '')),
      );
      await Promise.race([won.promise, allFailed]);
      return await won.promise;
    } finally {
      over.abort(new Error('another address has answered'));
    }
  }

  /** What worked last first; then both families in turn, in the order that the resolver prefers (RFC 8305 §4). */
  #inOrder(hostname: string, addresses: readonly string[]): readonly string[] {
    const [first = ''] = addresses;
    const isLikeFirst = (address: string) => address.includes(':') === first.includes(':');
    const own = addresses.filter(isLikeFirst);
    const others = addresses.filter((address) => !isLikeFirst(address));
    const inTurn = own.flatMap((address, index) => [address, ...others.slice(index, index + 1)]);
    const all = [...inTurn, ...others.slice(own.length)];
    const working = this.#working.get(hostname);
    return all.toSorted((a, b) => Number(b === working) - Number(a === working));
  }

  #remember(hostname: string, address: string): void {
    this.#working.delete(hostname);
    this.#working.set(hostname, address);
    keepNewest(this.#working, mostHosts);
  }
}
