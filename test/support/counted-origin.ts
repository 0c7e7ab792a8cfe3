/**
 * An origin adapter with a count of the bytes that were read from it, so that "each byte fetched once" is exact: what
 * an origin has sent and nobody took before the connection was closed does not count.
 */
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Origin, OriginReply, OriginRequest } from '../../src/origin/origin.ts';
import { Coverage } from './coverage.ts';

export class CountedOrigin implements Origin {
  readonly #origin: Origin;
  readonly #coverage = new Map<string, Coverage>();

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  get name(): string {
    return this.#origin.name;
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const reply = await this.#origin.open(request, signal);
    if (reply.status !== 200 && reply.status !== 206) return reply;
    const coverage = this.#covered(request.target);
    let at = reply.status === 206 ? startOf(reply) : 0;
    const { body } = reply;
    const read = async () => {
      const bytes = await body.read();
      coverage.add(at, at + (bytes?.length ?? 0));
      at += bytes?.length ?? 0;
      return bytes;
    };
    return { ...reply, body: { read, cancel: () => body.cancel() } };
  }

  close(): Promise<void> {
    return this.#origin.close();
  }

  /** Bytes of a target that were read at least once. */
  read(target: string): readonly ByteRange[] {
    return this.#covered(target).given;
  }

  /** Bytes of a target that were read more than once. */
  readTwice(target: string): readonly ByteRange[] {
    return this.#covered(target).twice;
  }

  /** How many bytes were read, of all targets, repeated ones counted each time. */
  get total(): number {
    return [...this.#coverage.values()].reduce((sum, { total }) => sum + total, 0);
  }

  #covered(target: string): Coverage {
    const coverage = this.#coverage.get(target) ?? new Coverage();
    this.#coverage.set(target, coverage);
    return coverage;
  }
}

function startOf({ fields }: OriginReply): number {
  const range = fields.find(([name]) => name === 'content-range')?.[1] ?? '';
  return Number(/^bytes (\d+)-/.exec(range)?.[1] ?? 0);
}
