/**
 * Every budget of waiting, in one table: what it bounds, how long it is, and what it is a part of. Pure data; the page
 * docs/reference/waiting.md is made from it.
 */
import type { BackOff } from './kit/back-off.ts';

interface Budget {
  /** What ends when it is spent; completes "bounds …". */
  readonly bounds: string;
  /** What it is a part of, or how often it is granted. */
  readonly within: string;
}

/** Those that are settings, each with its default as a person would write it. */
export const settingBudgets = {
  headTimeout: {
    default: '15s',
    bounds: 'the head of one request of a client',
    within: 'granted once a request',
  },
  queueTimeout: {
    default: '30s',
    bounds:
      "the wait for one of the origin's connections; before it, the same time again for a request that exceeds `requestsPerClient`",
    within: 'granted once a reader; time in the queue counts towards nothing else',
  },
  firstByteTimeout: {
    default: '30s',
    bounds: 'the wait of one reader for its first byte, with all retries, mirrors, redirects and refresh hooks',
    within:
      'granted once a reader, from its arrival; one request may so be waited for twice as long, by a reader that joins it at its end',
  },
  connectTimeout: {
    default: '10s',
    bounds: 'one attempt to connect: name, TCP, tunnel and TLS together',
    within: '`firstByteTimeout` or `healTimeout`, as often as there is time',
  },
  stallTimeout: {
    default: '10s',
    bounds: 'the silence of one connection in mid-body; then another is tried',
    within: '`healTimeout`, as often as there is time',
  },
  healTimeout: {
    default: '90s',
    bounds: 'the time without any new byte in mid-body; then the reply is cut',
    within: 'granted anew with each byte',
  },
  retryInitial: {
    default: '100ms',
    bounds: 'the first pause before an origin is asked again; it doubles, and is anything from nothing up to that',
    within: '`firstByteTimeout` and `healTimeout`; never more than half of what is left of them',
  },
  retryMax: {
    default: '2s',
    bounds: 'the longest such pause, where the origin asked for none by `Retry-After`',
    within: '`firstByteTimeout` and `healTimeout`; never more than half of what is left of them',
  },
  restTimeout: {
    default: '5s',
    bounds: 'the time for which a fetch that is far enough ahead keeps its connection',
    within: 'no wait of a reader',
  },
  patience: {
    default: '5s',
    bounds: 'the silence of a reply before the first byte of its status line goes out',
    within: '`queueTimeout` and `firstByteTimeout`, which it does not lengthen',
  },
  patienceInterval: {
    default: '10s',
    bounds: 'the silence between two bytes of the status line',
    within: '`queueTimeout` and `firstByteTimeout`, which it does not lengthen',
  },
  drainTimeout: {
    default: '10s',
    bounds: 'the replies that are under way when firstbyte is told to end',
    within: 'granted once a process',
  },
} as const satisfies Record<string, Budget & { readonly default: string }>;

/** Those that are fixed. */
export const fixedBudgets = {
  outOfReach: {
    ms: 2000,
    bounds:
      'the wait of a reader in a gap of a title while its origin is out of reach, and of a stale title for its origin',
    within: '`firstByteTimeout` and `healTimeout`, which it shortens',
  },
  errorContent: {
    ms: 2000,
    bounds: "the content of an origin's error whose head has come; then the error counts without it",
    within: '`firstByteTimeout` and `healTimeout`, for each error',
  },
  hookAnswer: {
    ms: 10_000,
    bounds: 'one answer of a refresh hook without a `timeout` of its own',
    within: '`firstByteTimeout`, twice for one request',
  },
  backgroundPause: {
    ms: 60_000,
    bounds:
      'the pause before a background download that has failed is tried again; it begins with `retryMax` and doubles',
    within: 'no wait of a reader',
  },
  storedContent: {
    ms: 30_000,
    bounds: 'one read of the store for `firstbyte export` and `GET …/content`',
    within: 'granted once a read',
  },
  readiness: {
    ms: 1000,
    bounds: 'the read of the store that `/-/ready` tries',
    within: 'granted once a try',
  },
  eventClient: {
    ms: 60_000,
    bounds: 'the time for which a client of the event stream may take nothing',
    within: 'granted anew with each byte that it takes',
  },
  stalledClient: {
    ms: 10_000,
    bounds: 'the time for which a client may take nothing while others need its connection, its request or its memory',
    within: 'granted anew with each byte that it takes',
  },
  badRequest: {
    ms: 1000,
    bounds: 'the time for which a client that is turned away may read the reply',
    within: 'granted once a connection',
  },
  controlContent: {
    ms: 10_000,
    bounds: 'the content of one request to the control API',
    within: 'granted once a request',
  },
  folderList: {
    ms: 50_000,
    bounds: 'the list of a folder at an origin, with all folders below it',
    within: 'granted once a playlist, a folder or pattern of `firstbyte warm`, and a next episode',
  },
  sendfileTrial: {
    ms: 1000,
    bounds: 'the trial of `sendfile` at the start, over a connection of its own',
    within: 'no wait of a reader',
  },
  rehearsal: {
    ms: 1000,
    bounds: 'the film that is played at the start of `serve` before anybody asks for one',
    within: 'no wait of a reader',
  },
} satisfies Record<string, Budget & { readonly ms: number }>;

/** Pauses between attempts. */
export const pauses = {
  condition: {
    firstMs: 100,
    longestMs: 2000,
    bounds:
      'the pause before an origin that had trouble is asked again whether a title is current that may not be served unasked',
    within: '`firstByteTimeout`',
  },
  connectProbe: {
    firstMs: 1000,
    longestMs: 30_000,
    bounds: 'the pause before an origin that can not be connected to is tried although nobody asks',
    within: 'no wait of a reader: whoever asks tries at once',
  },
  mirrorCoolDown: {
    firstMs: 10_000,
    longestMs: 300_000,
    bounds: 'the time for which a mirror that has failed is asked after all others',
    within: 'no wait of a reader',
  },
  refreshHook: {
    firstMs: 2000,
    longestMs: 2000,
    bounds: 'the time for which a hook that has failed is not asked again',
    within: '`firstByteTimeout`: requests are told of the same failure meanwhile',
  },
  disk: {
    firstMs: 1000,
    longestMs: 4000,
    bounds: 'the pause before a disk that has failed is tried again',
    within: 'no wait of a reader: bytes go past the disk meanwhile',
  },
} satisfies Record<string, Budget & BackOff>;
