/** To whom a fetch reports, and what: all that it knows of its fill. */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { RetryCause } from '../events.ts';
import type { OriginReply } from '../origin/origin.ts';
import type { FirstByteTimes } from './body-request.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** Each call may set a new goal, or stop the fetch, before it returns. */
export interface FetchSink<F> {
  /** Whether a reply is under way for which it fetches: then an error may contradict what was just given. */
  readonly midReply: boolean;
  /**
   * Judges a head, and moves the fetch to where its body begins; resolves with that and its end (`null` where only its
   * framing tells), or with `null` where the same is to be asked for in another form. Rejects with `FillFailed`.
   */
  judge(fetch: F, request: UpstreamRequest, reply: OriginReply, signal: AbortSignal): Promise<OpenRange | null>;
  /**
   * Takes bytes at the fetch's position, and moves it past them; bytes elsewhere are present already, and are compared.
   * A promise means: wait before you read on; it rejects with `FillFailed` where they differ.
   */
  accept(fetch: F, offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined;
  changed(fetch: F, change: FetchChange): void;
}

export type FetchChange =
  | { readonly type: 'phase' }
  /** The origin did not deliver: the goal's deadline says whether it is asked again. */
  | { readonly type: 'trouble' }
  | { readonly type: 'retry'; readonly cause: RetryCause; readonly delay: number }
  /** `early`: it was asked for before it could be taken. */
  | { readonly type: 'first byte'; readonly times: FirstByteTimes; readonly early: boolean }
  /** The body ended by its framing where no length had been announced; `certain` where that proves it. */
  | { readonly type: 'body ended'; readonly certain: boolean };
