/**
 * Lent things: everything that is taken for a while and given back, counted by its owner when somebody looks.
 *
 * Each count is zero when every reply has ended and what is kept for the next request (half a minute at most) is gone.
 * A count that stays above zero then is a leak.
 */
export const lentThings = [
  'requests',
  'readers',
  'fetches',
  'slots',
  'connections',
  'entries',
  'objects',
  'buffers',
  'starved',
  'stalled',
  'descriptors',
  'timers',
  'listeners',
] as const;

export type LentThing = (typeof lentThings)[number];

/** How many of each. */
export type Lent = Readonly<Record<LentThing, number>>;

export const nothingLent = Object.fromEntries(lentThings.map((thing) => [thing, 0])) as Lent;

/** What each of them is, for people. */
export const lentMeaning: Readonly<Record<LentThing, string>> = {
  requests: 'requests of clients that are being answered',
  readers: 'readers of fills',
  fetches: 'chains of requests to an origin, each moving forward through a file',
  slots: "rights to use one of an origin's connections",
  connections: 'connections to origins that are at work',
  entries: 'targets that are open',
  objects: 'stored objects that somebody has open',
  buffers: 'buffers for reading from disk',
  starved: 'reads that wait for memory to read from disk',
  stalled: 'clients that take nothing, such as paused players',
  descriptors: 'files of the store that are being read or written',
  timers: 'timers of replies, fills and origins',
  listeners: "listeners for the end of a client's connection",
};
