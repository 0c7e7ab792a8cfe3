/**
 * What is lent: whatever somebody holds for a while and gives back, counted where it is held, at the moment of asking.
 *
 * Each is zero where nobody has asked for anything, every reply has ended, and what is kept for the next request
 * (half a minute at most) has been let go of. What stays above zero then was never given back.
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
  fetches: 'cursors, each of them one request to an origin after another',
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
