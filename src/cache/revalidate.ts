/**
 * Asks the origin whether what is stored is current: one conditional request (RFC 9111 §4.3).
 */
import { type Clock, sleep } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import type { Fields } from '../http/fields.ts';
import { readAnswer } from '../http/origin-answer.ts';
import { type Representation, refreshed, sameRepresentation } from '../http/representation.ts';
import { formatValidator } from '../http/validator.ts';
import type { Held, Origin, OriginRequest } from '../origin/origin.ts';

export type Verdict =
  /** It is current; `representation` has the fresher fields. */
  | { readonly kind: 'current'; readonly representation: Representation }
  /** The origin holds another representation now. */
  | { readonly kind: 'changed' }
  /** The origin says that there is none any more. */
  | { readonly kind: 'gone' }
  /** Nobody could tell: the origin can't be reached, or has trouble of its own. */
  | { readonly kind: 'unknown' };

export interface RevalidationParts {
  readonly origin: Origin;
  /** Path and query at the origin, and fields to send. */
  readonly asking: Pick<OriginRequest, 'target' | 'fields'>;
  /** What there is of it. */
  readonly held?: Held | undefined;
  readonly slots: ConnectionSlots;
  readonly clock: Clock;
  /** In milliseconds, for the whole of it. */
  readonly timeout: number;
}

export async function revalidate(stored: Representation, parts: RevalidationParts): Promise<Verdict> {
  const { origin, asking, held, slots, clock, timeout } = parts;
  const abort = new AbortController();
  const answered = new AbortController();
  const giveUp = () => abort.abort(new ProxyError('http_response_timeout', 'The origin did not answer in time.'));
  sleep(clock, timeout, answered.signal).then(giveUp, () => {});
  try {
    const slot = await slots.acquire({ urgency: () => 'waited for' }, abort.signal);
    try {
      const fields = [...asking.fields, ...conditionsFor(stored)];
      const reply = await origin.open({ target: asking.target, fields, ...(held && { held }) }, abort.signal);
      reply.body.cancel();
      return judge(stored, reply.status, reply.fields, clock.wallTime());
    } finally {
      slot.release();
    }
  } catch (error) {
    if (error instanceof ProxyError) return { kind: 'unknown' };
    throw error;
  } finally {
    answered.abort();
  }
}

function conditionsFor({ validator }: Representation): Fields {
  if (validator === null) return [];
  const name = validator.kind === 'etag' ? 'if-none-match' : 'if-modified-since';
  return [[name, formatValidator(validator)]];
}

function judge(stored: Representation, status: number, fields: Fields, validatedAt: number): Verdict {
  const answer = readAnswer({ start: 0, end: null }, status, fields, validatedAt);
  if (answer.kind === 'not-modified') {
    const representation = refreshed(stored, fields, validatedAt);
    // A 304 that names another version vouches for nothing (RFC 9111 §4.3.4).
    return representation === stored ? { kind: 'changed' } : { kind: 'current', representation };
  }
  if (answer.kind === 'content' || answer.kind === 'empty') {
    // Some origins know no conditions: the same validator and length say the same as a 304.
    const { representation } = answer;
    if (!sameRepresentation(stored, representation)) return { kind: 'changed' };
    return { kind: 'current', representation: { ...representation, length: stored.length, ranges: stored.ranges } };
  }
  return { kind: status === 404 || status === 410 ? 'gone' : 'unknown' };
}
