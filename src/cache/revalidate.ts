/**
 * Asks the origin whether a stored representation is current: one conditional request (RFC 9111 §4.3).
 *
 * Where it is not current, the answer has the new content, and waiting clients get that (§4.3.3). So the request is for
 * the range that they want. An origin judges the condition before the range (RFC 9110 §13.2.2).
 */

import { pauses } from '../budgets.ts';
import type { OpenRange } from '../bytes/byte-range.ts';
import { type Clock, sleep } from '../clock.ts';
import { isAboutTarget, mayPass, ProxyError } from '../errors.ts';
import { readErrorBody } from '../fill/answer-judge.ts';
import type { ConnectionSlots, Slot } from '../fill/connection-slots.ts';
import type { ErrorAnswer } from '../fill/failure.ts';
import type { Lessons } from '../fill/lessons.ts';
import type { Opening } from '../fill/opening.ts';
import { requestEnd } from '../fill/read-unit.ts';
import { requestAll, requestRange } from '../fill/upstream-request.ts';
import { mustRevalidate } from '../http/freshness.ts';
import { type OriginContent, type OriginContradiction, readAnswer } from '../http/origin-answer.ts';
import {
  type Representation,
  refreshed,
  sameRepresentation,
  underKnown,
  withoutRedirect,
} from '../http/representation.ts';
import { whetherCurrent } from '../http/validator.ts';
import { backOffMs } from '../kit/back-off.ts';
import { type Held, ledBy, type Origin, type OriginReply, type OriginRequest } from '../origin/origin.ts';

export type Verdict =
  /** It is current. `representation` has the newer fields. */
  | { readonly kind: 'current'; readonly representation: Representation }
  /** The origin has another representation now. `opening` is the part of it that came; `null` for none. */
  | { readonly kind: 'changed'; readonly opening: Opening | null }
  /** The origin says that the target is gone. */
  | { readonly kind: 'gone'; readonly answer: ErrorAnswer }
  /** Unknown: the origin can't be reached, or has trouble of its own. `why` is a sentence. */
  | { readonly kind: 'unknown'; readonly why: string };

export interface RevalidationParts {
  readonly origin: Origin;
  /** Target and fields of the request. */
  readonly upstream: Pick<OriginRequest, 'target' | 'fields'>;
  /** What the origin has taught. */
  readonly lessons: Lessons;
  /** The bytes that are stored. */
  readonly held?: Held | undefined;
  /** The range that waiting clients want of another version; `null` where none waits. */
  readonly wanted: OpenRange | null;
  readonly slots: ConnectionSlots;
  readonly clock: Clock;
  /** In milliseconds, for the whole revalidation. */
  readonly timeout: number;
}

export async function revalidate(stored: Representation, parts: RevalidationParts): Promise<Verdict> {
  const { clock, timeout } = parts;
  const abort = new AbortController();
  const answered = new AbortController();
  const giveUp = () => abort.abort(new ProxyError('http_response_timeout', 'The origin did not answer in time.'));
  sleep(clock, timeout, answered.signal).then(giveUp, () => {});
  try {
    for (let tries = 1; ; tries += 1) {
      const verdict = await askOnce(stored, parts, tries, abort.signal);
      if (verdict.kind !== 'passing') return verdict;
      // Who may not be given what is stored waits for an origin that has trouble for a moment, as for a film.
      if (!mustRevalidate(stored) || parts.wanted === null) return { ...verdict, kind: 'unknown' };
      await sleep(clock, backOffMs(pauses.condition, tries), abort.signal);
    }
  } catch (error) {
    if (error instanceof ProxyError) return { kind: 'unknown', why: error.message };
    throw error;
  } finally {
    answered.abort();
  }
}

/** The origin has trouble that may pass in a moment. */
interface Passing {
  readonly kind: 'passing';
  readonly why: string;
}

async function askOnce(
  stored: Representation,
  parts: RevalidationParts,
  tries: number,
  signal: AbortSignal,
): Promise<Verdict | Passing> {
  const slot = await parts.slots.acquire({ urgency: () => 'waited for' }, signal);
  let handedOn = false;
  try {
    const verdict = await ask(stored, parts, { tries, slot }, signal);
    handedOn = verdict.kind === 'changed' && verdict.opening !== null;
    return verdict;
  } catch (error) {
    const isCut = error instanceof ProxyError && error.retryAs === 'cut' && !signal.aborted;
    if (isCut) return { kind: 'passing', why: error.message };
    throw error;
  } finally {
    if (!handedOn) slot.release();
  }
}

/**
 * Where an answer contradicts the range or itself, asks once more without a range. Where an error may be meant for the
 * condition, asks once more without that, and compares what comes.
 */
async function ask(
  stored: Representation,
  parts: RevalidationParts,
  { tries, slot }: { readonly tries: number; readonly slot: Slot },
  signal: AbortSignal,
): Promise<Verdict | Passing> {
  const { origin, upstream, lessons, held, wanted, clock } = parts;
  const { target } = upstream;
  // The trouble of an origin may be with the condition, or with the range.
  const isPlain = lessons.has('ranges', target) || tries % 3 === 0;
  let contradiction: OriginContradiction | null = isPlain ? refusesRanges : null;
  let isConditional = !lessons.has('conditions', target) && tries % 3 === 1;
  let refusal: number | null = null;
  let anyCoding = lessons.has('identity', target);
  for (;;) {
    const about = {
      target,
      fields: [...upstream.fields, ...(isConditional && stored.validator ? whetherCurrent(stored.validator) : [])],
      ...(held && { held }),
      ...(anyCoding && { anyCoding }),
    };
    const { start, end } = wanted ?? { start: 0, end: null };
    const request =
      contradiction === null
        ? requestRange(about, start, end === null ? null : requestEnd(start, end))
        : requestAll(about);
    const startedAt = clock.now();
    const reply = await origin.open({ ...request, onLate: slot.late }, signal);
    const opening: Opening = { request, reply, slot, startedAt, headAt: clock.now(), contradiction };
    const answer = readAnswer(request, reply.status, reply.fields, clock.wallTime());
    const refused = answer.kind === 'unsatisfiable' && answer.length === null ? refusesRanges : answer;
    if (refused.kind === 'contradiction' && contradiction === null) {
      reply.body.cancel();
      contradiction = refused;
      if (!parts.slots.spend()) return tooManyRequests;
      continue;
    }
    if (!anyCoding && answer.kind === 'status' && reply.status === 406) {
      await readErrorBody(reply, clock);
      anyCoding = true;
      if (!parts.slots.spend()) return tooManyRequests;
      continue;
    }
    if (isConditional && answer.kind === 'status' && mayMeanCondition(reply)) {
      await readErrorBody(reply, clock);
      isConditional = false;
      refusal = reply.status;
      if (!parts.slots.spend()) return tooManyRequests;
      continue;
    }
    if (contradiction === null && answer.kind === 'status' && isFinalRefusal(reply)) {
      await readErrorBody(reply, clock);
      contradiction = refusesRanges;
      if (!parts.slots.spend()) return tooManyRequests;
      continue;
    }
    if (answer.kind === 'content' || answer.kind === 'empty') {
      if (refusal !== null) lessons.learn('conditions', target);
      const current = stillCurrent(stored, answer, reply.status, wanted !== null);
      if (current === null) return { kind: 'changed', opening };
      reply.body.cancel();
      return { kind: 'current', representation: { ...current, ...ledBy(reply) } };
    }
    if (answer.kind === 'status' && (reply.status === 404 || reply.status === 410)) {
      return { kind: 'gone', answer: await readErrorBody(reply, clock) };
    }
    reply.body.cancel();
    if (answer.kind === 'not-modified') {
      const representation = refreshed(stored, reply.fields, clock.wallTime());
      // A 304 that names another version confirms nothing (RFC 9111 §4.3.4).
      return representation === stored
        ? { kind: 'changed', opening: null }
        : { kind: 'current', representation: { ...withoutRedirect(representation), ...ledBy(reply) } };
    }
    const why = 'message' in answer ? `It ${answer.message}.` : `It answered ${reply.status}.`;
    if (answer.kind === 'status' && mayPass(reply.status)) return { kind: 'passing', why };
    return answer.kind === 'unsatisfiable' ? { kind: 'changed', opening: null } : { kind: 'unknown', why };
  }
}

const tooManyRequests: Verdict = { kind: 'unknown', why: 'It may not be sent more requests at this moment.' };

const refusesRanges: OriginContradiction = { kind: 'contradiction', message: 'refused a range', total: null };

/** Whether an error may be the answer to a range. */
function isFinalRefusal({ status }: OriginReply): boolean {
  return status >= 400 && !mayPass(status) && !isAboutTarget(status);
}

/** Whether an error may be the answer to a condition; one of the moment would be the same for everything. */
function mayMeanCondition({ status }: OriginReply): boolean {
  return status >= 400 && status !== 429 && status !== 503 && !isAboutTarget(status);
}

/**
 * The stored representation with newer fields, where the origin sent the same content instead of a 304; else `null`.
 *
 * Some origins ignore conditions. Where a client waits, it gets a whole answer as it came: only a part with a strong
 * tag confirms the stored rest. A date confirms nothing within its own second (RFC 9110 §8.8.2.2), nor where the
 * content itself is at hand.
 */
function stillCurrent(
  stored: Representation,
  { representation }: Pick<OriginContent, 'representation'>,
  status: number,
  isWaitedFor: boolean,
): Representation | null {
  const { validator } = stored;
  if (representation.status !== undefined || !sameRepresentation(stored, representation)) return null;
  const byTag = validator?.kind === 'etag';
  const proven = isWaitedFor ? status === 206 && byTag && validator.strong : byTag || validator?.strong;
  if (!proven) return null;
  const { length, ranges, changeable = false } = stored;
  return { ...underKnown(stored, representation), length, ranges, ...(changeable && { changeable }) };
}
