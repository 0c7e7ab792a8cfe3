/**
 * Asks the origin whether what is stored is current: one conditional request (RFC 9111 §4.3).
 *
 * Where it is not, the answer has what is there now, and that is what whoever waits gets (§4.3.3): so it is asked for
 * the bytes that they want. An origin judges the condition before the range (RFC 9110 §13.2.2).
 */
import type { OpenRange } from '../bytes/byte-range.ts';
import { type Clock, sleep } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { readErrorBody } from '../fill/answer-judge.ts';
import type { ConnectionSlots, Slot } from '../fill/connection-slots.ts';
import type { ErrorAnswer } from '../fill/failure.ts';
import type { Opening } from '../fill/opening.ts';
import { requestEnd } from '../fill/read-unit.ts';
import { requestAll, requestRange } from '../fill/upstream-request.ts';
import type { Fields } from '../http/fields.ts';
import { type OriginContent, readAnswer } from '../http/origin-answer.ts';
import { type Representation, refreshed, sameRepresentation } from '../http/representation.ts';
import { formatValidator } from '../http/validator.ts';
import type { Held, Origin, OriginRequest } from '../origin/origin.ts';

export type Verdict =
  /** It is current; `representation` has the fresher fields. */
  | { readonly kind: 'current'; readonly representation: Representation }
  /** The origin holds another representation now; `opening` is what it gave of that. */
  | { readonly kind: 'changed'; readonly opening: Opening | null }
  /** The origin says that there is none any more. */
  | { readonly kind: 'gone'; readonly answer: ErrorAnswer }
  /** Nobody could tell: the origin can't be reached, or has trouble of its own. */
  | { readonly kind: 'unknown' };

export interface RevalidationParts {
  readonly origin: Origin;
  /** Path and query at the origin, and fields to send. */
  readonly upstream: Pick<OriginRequest, 'target' | 'fields'>;
  /** What there is of it. */
  readonly held?: Held | undefined;
  /** What is wanted of another version by those who wait; `null` where nobody does. */
  readonly wanted: OpenRange | null;
  readonly slots: ConnectionSlots;
  readonly clock: Clock;
  /** In milliseconds, for the whole of it. */
  readonly timeout: number;
}

export async function revalidate(stored: Representation, parts: RevalidationParts): Promise<Verdict> {
  const { slots, clock, timeout } = parts;
  const abort = new AbortController();
  const answered = new AbortController();
  const giveUp = () => abort.abort(new ProxyError('http_response_timeout', 'The origin did not answer in time.'));
  sleep(clock, timeout, answered.signal).then(giveUp, () => {});
  try {
    const slot = await slots.acquire({ urgency: () => 'waited for' }, abort.signal);
    let handedOn = false;
    try {
      const verdict = await ask(stored, parts, slot, abort.signal);
      handedOn = verdict.kind === 'changed' && verdict.opening !== null;
      return verdict;
    } finally {
      if (!handedOn) slot.release();
    }
  } catch (error) {
    if (error instanceof ProxyError) return { kind: 'unknown' };
    throw error;
  } finally {
    answered.abort();
  }
}

/** An answer to a range that contradicts it, or itself, is asked for once more without one. */
async function ask(
  stored: Representation,
  parts: RevalidationParts,
  slot: Slot,
  signal: AbortSignal,
): Promise<Verdict> {
  const { origin, upstream, held, wanted, clock } = parts;
  const about = {
    target: upstream.target,
    fields: [...upstream.fields, ...conditionsFor(stored)],
    ...(held && { held }),
  };
  let contradiction: Opening['contradiction'] = null;
  for (;;) {
    const { start, end } = wanted ?? { start: 0, end: null };
    const request =
      contradiction === null
        ? requestRange(about, start, end === null ? null : requestEnd(start, end))
        : requestAll(about);
    const startedAt = clock.now();
    const reply = await origin.open(request, signal);
    const opening: Opening = { request, reply, slot, startedAt, headAt: clock.now(), contradiction };
    const answer = readAnswer(request, reply.status, reply.fields, clock.wallTime());
    if (answer.kind === 'contradiction') {
      reply.body.cancel();
      contradiction = answer;
      if (!parts.slots.spend()) return { kind: 'unknown' };
      continue;
    }
    if (answer.kind === 'content' || answer.kind === 'empty') {
      const current = stillCurrent(stored, answer, reply.status, wanted !== null);
      if (current === null) return { kind: 'changed', opening };
      reply.body.cancel();
      return { kind: 'current', representation: current };
    }
    if (answer.kind === 'status' && (reply.status === 404 || reply.status === 410)) {
      return { kind: 'gone', answer: await readErrorBody(reply) };
    }
    reply.body.cancel();
    if (answer.kind === 'not-modified') {
      const representation = refreshed(stored, reply.fields, clock.wallTime());
      // A 304 that names another version vouches for nothing (RFC 9111 §4.3.4).
      return representation === stored ? { kind: 'changed', opening: null } : { kind: 'current', representation };
    }
    return answer.kind === 'unsatisfiable' ? { kind: 'changed', opening: null } : { kind: 'unknown' };
  }
}

function conditionsFor({ validator }: Representation): Fields {
  if (validator === null) return [];
  const name = validator.kind === 'etag' ? 'if-none-match' : 'if-modified-since';
  return [[name, formatValidator(validator)]];
}

/**
 * The stored representation with fresher fields, where content that came in place of a 304 is the very same; else `null`.
 * Some origins know no conditions. But a whole answer is what those get who wait for it, whatever it is called: only a
 * part stands for the rest, under a strong tag. A date is none within its own second (RFC 9110 §8.8.2.2), and no proof
 * where the bytes themselves are at hand.
 */
function stillCurrent(
  stored: Representation,
  { representation }: Pick<OriginContent, 'representation'>,
  status: number,
  isWaitedFor: boolean,
): Representation | null {
  const { validator } = representation;
  if (representation.status !== undefined || !sameRepresentation(stored, representation)) return null;
  const byTag = validator?.kind === 'etag';
  const proven = isWaitedFor ? status === 206 && byTag && validator.strong : byTag || validator?.strong;
  return proven ? { ...representation, length: stored.length, ranges: stored.ranges } : null;
}
