/** What the control API replies with, as far as the commands read it (docs/reference/api.md). */

export interface ObjectReport {
  readonly id: string;
  readonly origin: string;
  /** As in a request: percent-encoded. */
  readonly path: string;
  readonly length: number | null;
  readonly bytes: number;
  readonly percent: number | null;
  readonly state: string;
  readonly reason: string;
  readonly pinned: boolean;
  /** ISO 8601. */
  readonly lastUsed: string;
}

export interface ObjectPage {
  readonly objects: readonly ObjectReport[];
  /** The cursor of the next page. */
  readonly next: string | null;
}

export interface CursorReport {
  readonly position: number;
  readonly state: string;
  readonly attempt: number;
  readonly speed: number | null;
  readonly lastFailure: string | null;
  readonly nextTryIn: number | null;
}

export interface ReaderReport {
  readonly position: number;
  readonly speed: number;
  /** How many bytes from its position on are present. */
  readonly ahead: number;
  readonly secondsAhead: number | null;
  readonly waiting: boolean;
}

export interface FillReport {
  readonly id: number;
  readonly origin: string;
  readonly path: string;
  readonly length: number | null;
  readonly presentBytes: number;
  readonly phase: string;
  /** Why it is in that phase, in words. */
  readonly reason: string;
  readonly cursors: readonly CursorReport[];
  readonly readers: readonly ReaderReport[];
  readonly waiters: number;
}

export interface JobReport {
  readonly id: string;
  readonly kind: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly done: number;
  readonly total: number | null;
  /** Of warm, or of verify. */
  readonly result: { readonly bytes: number } | null;
  /** Why it failed. */
  readonly problem: string | null;
}

export interface VerifyResult {
  readonly objects: number;
  readonly bytes: number;
  readonly bad: number;
  readonly repaired: number;
}

export interface OriginReport {
  readonly name: string;
  /** Without credentials. */
  readonly base: string;
  readonly breaker: { readonly state: string; readonly cause: string | null };
  readonly connections: { readonly used: number; readonly queued: number; readonly limit: number };
  readonly firstByteMs: { readonly last: number | null; readonly median: number | null };
  readonly bytesIn: number;
}

export interface StoreReport {
  readonly bytes: number;
  readonly objects: number;
  readonly limit: number | null;
  readonly free: number | null;
  readonly trouble: { readonly message: string } | null;
}
