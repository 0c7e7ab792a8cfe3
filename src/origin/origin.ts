/**
 * PORT: ask one target of an origin for its bytes from one offset.
 *
 * A request lives like this: `open` connects (or takes a warm connection), sends one request and resolves with the
 * head; the caller then pulls the body, one network read at a time, until `null` (the end by the message's own
 * framing, RFC 9112 §6) or an error (it was cut). What is not pulled stays in the network: that is the
 * backpressure. Nothing here retries, stores or judges the answer.
 */
import type { Readable } from 'node:stream';
import type { ByteRange } from '../bytes/byte-range.ts';
import type { ProxyError } from '../errors.ts';
import type { Fields } from '../http/fields.ts';
import type { Validator } from '../http/validator.ts';

export interface Origin {
  /** The name it is mounted under. */
  readonly name: string;
  /**
   * Sends one request and resolves with the head of the answer, whatever its status (redirects are followed as
   * the origin's policy allows). Rejects with a `ProxyError` where no head came, or with the signal's reason.
   */
  open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply>;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** What a request that waits can know of an origin that may be out of reach, which means: that can't be connected to. */
export interface ReachabilityView {
  /**
   * When a request that came to missing bytes at `since` gives up: as soon as an attempt to connect has failed that began
   * after `since`, and within 2 s in any case. `null` where it goes on waiting, because the origin is not known to be out
   * of reach, or was not when the wait began. Both are monotonic milliseconds.
   */
  toldBy(since: number): number | null;
  /** The error that such a request gets; `null` where the last attempt to connect succeeded. */
  readonly outOfReach: ProxyError | null;
  /** Resolves after `delay` milliseconds, or when a connection comes about again. Rejects with the signal's reason. */
  sleep(delay: number, signal: AbortSignal): Promise<void>;
}

/** Whether an origin serves one connection at a time, until that is closed, and lets all others wait. */
export interface ConcurrencyView {
  readonly isSerial: boolean;
  /** Whether it may, as far as is known. */
  readonly mayBeSerial: boolean;
}

export interface OriginRequest {
  /** Path and query at the origin, beginning with `/`, as the client sent them. */
  readonly target: string;
  /** Fields to send beside those that the origin adds itself: `range`, `if-range`, `if-none-match`, … */
  readonly fields: Fields;
  /** `GET` where absent. */
  readonly method?: string;
  /** What is sent as the request's content, while it comes; such a request can be sent only once. */
  readonly content?: Readable | null;
  /** Whether `fields` go as they are, those about codings too, and a redirect is an answer like any other. */
  readonly verbatim?: boolean;
  /** Where the target is for now, if not at its path below the base. */
  readonly resolved?: ResolvedUrl;
  /** @deprecated `resolved` under its former name, for origins that embedding programs make. */
  readonly place?: ResolvedUrl;
  /** Whether a content coding is welcome: `Accept-Encoding` is left out, which asks for none otherwise. */
  readonly anyCoding?: boolean;
  /** The bytes that are held of the version that the conditions in `fields` name. */
  readonly held?: Held;
  /**
   * Called once when a connection is there and the request is about to be written; before `open` returns where the
   * connection was warm. `connectMs` is what TCP took to connect a new one, in milliseconds.
   */
  readonly onConnected?: (connectMs?: number) => void;
  /** How many connections may be idle at this moment, opened in advance: a reader that seeks finds them warm. */
  readonly maySpare?: () => number;
  /** Called when such a connection has come about, with what TCP took for that, in milliseconds. */
  readonly onSpare?: (connectMs: number) => void;
  /** Asked when the last idle connection has ended: whether another is to be there, because somebody reads and may seek. */
  readonly keepsWarm?: () => boolean;
  /**
   * Called with `true` when the head is so late that the server may be waiting for the end of another connection, and
   * with `false` when it is not awaited any more.
   */
  readonly onLate?: (isLate: boolean) => void;
}

/** The held bytes of one version, by which an origin of several bases can tell whether each has the same. */
export interface Held {
  readonly validator: Validator;
  /** In bytes; `null` where it is not known. */
  readonly length: number | null;
  /** The runs of bytes that are present, in ascending order. */
  readonly present: Iterable<ByteRange>;
  /** Compares `bytes` with those held at `offset`; `unknown` where these can't be read. */
  compare(offset: number, bytes: Buffer, signal: AbortSignal): Promise<'same' | 'other' | 'unknown'>;
}

/** Where a target is for a while: a source's URL, or what a refresh hook answered. */
export interface ResolvedUrl {
  /** `null` for the target's own. */
  readonly url: URL | null;
  /** Sent to the scheme, host and port of that URL alone, in place of others of the same name. */
  readonly fields: Fields;
}

/** @deprecated The former name of `ResolvedUrl`. */
export type Place = ResolvedUrl;

export interface OriginReply {
  readonly status: number;
  readonly fields: Fields;
  readonly body: OriginBody;
  /** Whether only the end of the connection ends the body, so that its end proves nothing (RFC 9112 §8). */
  readonly closeDelimited: boolean;
  /** Whether another URL than the one asked gave it, to which a redirect led that may lead elsewhere next time. */
  readonly redirected?: boolean;
  /** For how many milliseconds the redirects that led to it may be believed; absent where they are for good. */
  readonly ledHereForMs?: number;
}

/** What the redirects on the way to an answer say of its representation. */
export function ledBy({ ledHereForMs }: OriginReply): { readonly ledHereForMs?: number } {
  return ledHereForMs === undefined ? {} : { ledHereForMs };
}

export interface OriginBody {
  /**
   * The next bytes as the network gave them (at least one), or `null` at the end of a message that ended as its
   * framing promised. Rejects with a `ProxyError` where the message was cut. One call at a time. The bytes are the
   * caller's until it calls `read` again: then their memory may be given other bytes. Whoever keeps them copies them.
   */
  read(): Promise<Buffer | null>;
  /** Gives up the rest of the body and its connection; a pending `read` rejects. Harmless after the end. */
  cancel(): void;
}
