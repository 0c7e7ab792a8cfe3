/**
 * The first answer of a fill where a revalidation brought it: asked whether the stored representation is current, the origin
 * gave the one that it holds now (RFC 9111 §4.3.3). Its body is the new fill's first, on the same connection.
 */
import type { OriginContradiction } from '../http/origin-answer.ts';
import type { OriginReply } from '../origin/origin.ts';
import type { Slot } from './connection-slots.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** Whoever has it gives its body and its slot up, or hands it on. */
export interface Opening {
  readonly request: UpstreamRequest;
  readonly reply: OriginReply;
  readonly slot: Slot;
  /** In monotonic milliseconds. */
  readonly startedAt: number;
  readonly headAt: number;
  /** What the same request with a range was answered before; `null` where this is the first answer. */
  readonly contradiction: OriginContradiction | null;
}

export function giveUp({ reply, slot }: Opening): void {
  reply.body.cancel();
  slot.release();
}
