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
  readers: 'readers of downloads',
  fetches: 'downloads from an origin, each moving forward through a file',
  slots: 'permits for connections to an origin',
  connections: 'connections to origins in use',
  entries: 'titles in use',
  objects: 'cached files in use',
  buffers: 'buffers for reading from disk',
  starved: 'reads that wait for memory to read from disk',
  stalled: 'clients that read nothing, such as paused players',
  descriptors: 'files of the cache that are being read or written',
  timers: 'timers of replies, downloads and origins',
  listeners: "listeners for the end of a client's connection",
};
