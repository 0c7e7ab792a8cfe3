/** How much a fill fetches beyond what is read: a window ahead of each reader, the whole once it plays, or nothing. */
type FillMode = 'window' | 'complete' | 'none';

/** The budgets of a fill, in milliseconds and bytes; every one is a setting of the same name (`config.ts`). */
export interface FillPolicy {
  /** Until a fetch's first byte, counted for each reader from its arrival. */
  readonly firstByteTimeout: number;
  /** Without one more byte in the midst of a body, after which another connection is tried. */
  readonly stallTimeout: number;
  /** Without any progress in the midst of a reply, after which the reply ends. */
  readonly healTimeout: number;
  /** In the queue for one of the origin's connections. */
  readonly queueTimeout: number;
  /** The first pause before an origin is asked again; doubles up to `retryMax`, with full jitter. */
  readonly retryInitial: number;
  readonly retryMax: number;
  /** How far past a reader that plays a fill may run; `read-ahead-window.ts` says how far past any. */
  readonly readAhead: number;
  /** How long a fetch that may not go on keeps its connection. */
  readonly restTimeout: number;
  readonly fill: FillMode;
  /** Whether what a player is going to ask for is fetched before it does (`foresight.ts`). */
  readonly prefetch: boolean;
}
