/** How much a fill brings in beyond what is read: a window ahead of each reader, the whole once it plays, or nothing. */
export type FillMode = 'window' | 'complete' | 'none';

/** The budgets of a fill, in milliseconds and bytes; every one is a setting of the same name (`config.ts`). */
export interface FillPolicy {
  /** Until a cursor's first byte, counted for each reader from its arrival. */
  readonly firstByteTimeout: number;
  /** Without one more byte in mid-body, after which another connection is tried. */
  readonly stallTimeout: number;
  /** Without any progress in mid-body, after which the reply ends. */
  readonly healTimeout: number;
  /** In the queue for one of the origin's connections. */
  readonly queueTimeout: number;
  /** The first pause before an origin is asked again; doubles up to `retryMax`, with full jitter. */
  readonly retryInitial: number;
  readonly retryMax: number;
  /** How far past a reader that plays a fill may run; `read-ahead-window.ts` says how far past any. */
  readonly readAhead: number;
  /** How long a cursor that may not go on keeps its connection. */
  readonly restTimeout: number;
  readonly fill: FillMode;
}
