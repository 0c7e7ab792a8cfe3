/**
 * Who may be given what an origin answers: everybody who waits for it, or one.
 *
 * One only, the first who asks, where the origin says so (RFC 9111 §4), or where the bytes are neither kept nor to be had
 * twice: the quickest of several would take the bytes of all who pause. The others ask for themselves.
 */
import { type ErrorAnswer, type Failure, ownFailure } from './failure.ts';
import type { Reader } from './reader.ts';
import { retryAfter } from './retry.ts';
import type { MayShare, VersionGuard } from './version-guard.ts';

type Answer = Extract<Failure, { kind: 'answer' }>;

export class Audience {
  readonly #guard: Pick<VersionGuard, 'exclusive' | 'shared' | 'live'>;
  readonly #mayShare: MayShare;
  #owner: Reader | null = null;
  /** Answers without content that were for one client, and were given to it. */
  readonly #told = new WeakSet<ErrorAnswer>();

  constructor(guard: Pick<VersionGuard, 'exclusive' | 'shared' | 'live'>, mayShare: MayShare) {
    this.#guard = guard;
    this.#mayShare = mayShare;
  }

  /** Why a reader can't be served to its end; `null` where it can. `resumable`: what it lacks can be asked for. */
  unfitFor(reader: Reader, resumable: boolean): Failure | null {
    const { exclusive, shared, live } = this.#guard;
    if (!exclusive && (shared || live || resumable)) return null;
    this.#owner ??= reader;
    if (reader === this.#owner) return null;
    return { kind: exclusive ? 'exclusive' : 'uncombinable' };
  }

  /** What a reader is told in place of a failure; `spent`: it has no time to ask for itself. */
  toldTo(failure: Failure, spent: boolean, wallTime: number): Failure {
    if (failure.kind !== 'answer') return failure;
    const { answer } = failure;
    if (this.#mayShare(answer.status, answer.fields, false)) return failure;
    if (this.#told.has(answer)) return spent ? forAnother(failure, wallTime) : { kind: 'exclusive' };
    this.#told.add(answer);
    return failure;
  }
}

function forAnother(failure: Answer, wallTime: number): Failure {
  const pause = Math.ceil(retryAfter(failure, wallTime) / 1000);
  const message = `The origin answered ${failure.answer.status}, which was for another client only.`;
  return ownFailure('destination_unavailable', message, pause > 0 ? { retryAfter: pause } : {});
}
