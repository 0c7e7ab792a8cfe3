/** What a cursor needs of its fill: the port between them. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { RetryCause } from '../events.ts';
import type { Origin, OriginReply, ReachabilityView } from '../origin/origin.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import type { Course } from './course.ts';
import type { Cursor } from './cursor.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { Asked, BodyRange } from './identity-guard.ts';

/** One cursor's way to its first byte, in monotonic milliseconds. */
export interface FirstByteTimes {
  offset: number;
  queued: number;
  startedAt: number;
  connectedAt: number | null;
  headAt: number;
  landedAt: number;
}

export interface CursorHost {
  readonly origin: Origin;
  readonly reachability: ReachabilityView;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly course: Course;
  /** Until when anybody hopes for a byte of this cursor, in monotonic milliseconds. */
  hopeUntil(cursor: Cursor): number;
  /** Whether a cut or a rest can be followed by another request for the same representation. */
  readonly resumable: boolean;
  /** Present bytes ahead that are to be compared with what comes, `null` where there are none or nothing need be. */
  meetingOf(cursor: Cursor): ByteRange | null;
  /** Rejects with `FillFailed` where present bytes are not the same. */
  verify(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void>;
  /**
   * Judges a head; resolves with where its body begins and ends, or with `null` where the same is to be asked for
   * without a range. Rejects with `FillFailed`.
   */
  judge(asked: Asked, reply: OriginReply): Promise<BodyRange | null>;
  /** Takes bytes at the cursor's position; a promise means: wait before you read on. */
  land(cursor: Cursor, bytes: Buffer): Promise<void> | undefined;
  /** The head of an opening has been judged, with whatever result. */
  opened(): void;
  /** The body ended by its framing where no length had been announced. */
  bodyEnded(position: number, certain: boolean): void;
  /** `early`: it was asked for before it could be taken. */
  firstByte(cursor: Cursor, times: FirstByteTimes, early: boolean): void;
  asksAgain(cursor: Cursor, cause: RetryCause, delay: number): void;
  /** The phase has changed. */
  phaseChanged(cursor: Cursor): void;
}
