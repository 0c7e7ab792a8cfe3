/** docs/reference/waiting.md: the budgets of waiting from their table, and every loop that asks again. */
import { fixedBudgets, pauses, settingBudgets } from '../src/budgets.ts';
import { settingRow } from '../src/config.ts';
import { failsOver, mayPass, proxyErrorTypes } from '../src/errors.ts';

interface Loop {
  readonly file: string;
  readonly asksAgain: string;
  readonly endsWith: string;
  readonly atMost: string;
}

/** From the outside in: each turn of one may be as many turns of those that follow. */
const loops: readonly Loop[] = [
  {
    file: 'proxy/openings.ts',
    asksAgain: 'for the head alone, where a conditional request names a range past the end',
    endsWith: 'the second answer',
    atMost: '2',
  },
  {
    file: 'proxy/reads-ahead.ts',
    asksAgain: 'for bytes that the store could not give',
    endsWith: 'the end of the reply; `StoreError` after the last',
    atMost: '100 failures in one reply',
  },
  {
    file: 'cache/entry.ts',
    asksAgain: 'by another fill, where the version has changed or can not be shared',
    endsWith: 'bytes, any other failure',
    atMost: '4 fills for one request',
  },
  {
    file: 'cache/revalidate.ts',
    asksAgain:
      'without a range, a condition or `Accept-Encoding`, where the answer may be meant for that; where what is stored may not be served unasked, an origin in trouble that may pass',
    endsWith: '`firstByteTimeout`',
    atMost: '4 requests; in trouble as many as there is time for, with growing pauses',
  },
  {
    file: 'cache/strict/strict-cache.ts',
    asksAgain: 'without a condition, where a 304 confirms another version than the one that is stored',
    endsWith: '`firstByteTimeout`',
    atMost: '2 requests',
  },
  {
    file: 'fill/fetch.ts',
    asksAgain: 'after a failure that may pass, and without a range after a contradiction',
    endsWith: 'bytes, a final answer, the last deadline of those who wait (`firstByteTimeout`, then `healTimeout`)',
    atMost: 'as often as there is time: `retryInitial` doubles up to `retryMax`',
  },
  {
    file: 'fill/background-jobs.ts',
    asksAgain: 'for a background download that failed',
    endsWith: 'its bytes, a final answer, the end of the fill',
    atMost: '8 failures in a row without a byte, a minute apart in the end',
  },
  {
    file: 'cache/entrances.ts',
    asksAgain: 'what redirected to a playlist, where that is refused under the URL to which it led',
    endsWith: 'the second answer',
    atMost: '2 requests',
  },
  {
    file: 'cache/upstream-target.ts',
    asksAgain: 'under the URL of another viewer, where the origin refuses one that holds a token (401, 403)',
    endsWith: 'an answer that is none of these',
    atMost: '65 URLs',
  },
  {
    file: 'origin/refresh.ts',
    asksAgain: 'the hook, and then the origin, where the origin refuses the URL that the hook gave',
    endsWith: 'the second answer',
    atMost: '2 requests',
  },
  {
    file: 'origin/mirrors.ts',
    asksAgain: 'the next base, where one fails, is late or has another version',
    endsWith: 'the first good answer; the best of all',
    atMost: 'each base once',
  },
  {
    file: 'origin/content-verified-mirror.ts',
    asksAgain: 'for samples of what a base has, before it is asked for more',
    endsWith: 'the first sample that differs',
    atMost: '5 requests',
  },
  {
    file: 'origin/http-origin.ts',
    asksAgain: 'at each redirect; from the start, where a redirect led to a URL whose time is over',
    endsWith: 'the first answer that is no redirect',
    atMost: '2 chains of 21 requests',
  },
  {
    file: 'origin/transport.ts',
    asksAgain: 'on a new connection, where a kept one was dead',
    endsWith: 'the first head of an answer',
    atMost: 'once',
  },
  {
    file: 'origin/address-race.ts',
    asksAgain: 'for a connection to the next address of a host (RFC 8305)',
    endsWith: 'the first address that answers',
    atMost: 'once for each address, 0.25 s apart or as soon as one has failed',
  },
  {
    file: 'origin/connect-attempts.ts',
    asksAgain: 'for a connection that could not be had',
    endsWith: 'the first that comes about',
    atMost: '2 at once for all who ask, 0.25 s apart; without end where nobody asks, 30 s apart',
  },
  {
    file: 'store/disk/health.ts',
    asksAgain: 'whether a disk that failed takes bytes again',
    endsWith: 'the first time it does',
    atMost: 'without end while bytes wait for it, 4 s apart',
  },
];

/** Whoever asks an origin, or pauses, and asks once. */
const once: Readonly<Record<string, string>> = {
  'admin/folders.ts': 'asks for one list after the other, once each',
  'cache/trails.ts': 'passes a request on, and looks once beside it whether it is a loop',
  'core.ts': 'waits for replies to end',
  'embed/watch.ts': 'waits between two values',
  'fill/body-request.ts': 'sends one request',
  'mount.ts': 'passes a request on',
  'origin/dial.ts': 'connects once',
  'origin/fixed-url-origin.ts': 'passes a request on',
  'origin/mirror.ts': 'says how long a base that has failed comes after all others',
  'origin/rate-limited-origin.ts': 'passes a request on',
  'origin/reachability.ts': 'sleeps for those who ask again, until a connection comes about',
  'origin/refresh-endpoint.ts': 'sends one question',
};

/** Every file that the page names as one that asks or pauses. */
export const namedFiles: readonly string[] = [...loops.map(({ file }) => file), ...Object.keys(once)];

export function waitingReference(): string {
  const settings = Object.entries(settingBudgets).map(([key, { bounds, within }]) => {
    const preset = settingRow(key as keyof typeof settingBudgets).default;
    return `| [\`${key}\`](configuration.md#${key.toLowerCase()}) | ${preset} | ${bounds} | ${within} |`;
  });
  const fixed = Object.values(fixedBudgets).map(({ ms, bounds, within }) => `| ${words(ms)} | ${bounds} | ${within} |`);
  const between = Object.values(pauses).map(({ firstMs, longestMs, bounds, within }) => {
    const range = firstMs === longestMs ? words(firstMs) : `${words(firstMs)} to ${words(longestMs)}`;
    return `| ${range} | ${bounds} | ${within} |`;
  });
  const rows = loops.map(({ file, asksAgain, endsWith, atMost }) => {
    return `| ${link(file)} | ${asksAgain} | ${endsWith} | ${atMost} |`;
  });
  const types = Object.entries(proxyErrorTypes).flatMap(([type, { retryAs }]) =>
    retryAs === null ? [] : [`| \`${type}\` | \`${retryAs}\` |`],
  );
  return `# Waiting, and asking again

Made by \`tools/reference.ts\` from \`src/budgets.ts\`, \`src/errors.ts\` and \`tools/waiting.ts\`; do not edit.
[The first byte](../guide/first-byte.md) draws the same on a time line.

## Budgets

Settings:

| setting | default | bounds | part of |
|---|---|---|---|
${settings.join('\n')}

Fixed:

| time | bounds | part of |
|---|---|---|
${fixed.join('\n')}

Pauses between attempts, which double with each failure:

| time | bounds | part of |
|---|---|---|
${between.join('\n')}

What they add up to. A reader has its first byte, or an answer that says why not, after \`queueTimeout\` and
\`firstByteTimeout\` together at the most: 60 s, or 90 s where the request waited for others of its client before. A
reply that is under way ends \`healTimeout\` after its last byte at the latest, and its time in the queue is added. No
retry lengthens any of these: a budget belongs to whoever waits, and everything that is tried for him shares it.

## Who asks again

A request to an origin is made again only inside the budget of somebody who waits. These loops lie inside one another:
each turn of one may be as many turns of those below it.

| file | asks again | ends with | at most |
|---|---|---|---|
${rows.join('\n')}

What they multiply to. One turn of the fill's loop is at most 65 URLs × 2 requests of a hook × each base of the origin ×
5 requests of a comparison × 2 chains × 21 requests × 2 connections. Each of these factors but the bases needs an origin
that behaves in a way of its own (a token that is refused, a hook, \`mirrorProof: overlap\`, a redirect that has expired,
a dead connection), and each counts only where the one before it was answered in that very way. An origin that simply
fails gets one request a turn: within \`firstByteTimeout\` that is about 35 where it fails at once, since the pauses grow
to \`retryMax\`, which is one second on average. How many requests there are at one time is bounded by \`maxConnections\`, and how many a second by
\`maxRequestRate\`, whatever multiplies.

These ask once, or pause for others:

| file | what it does |
|---|---|
${Object.entries(once)
  .map(([file, what]) => `| ${link(file)} | ${what} |`)
  .join('\n')}

## What is asked again

An answer of ${statuses(mayPass)}, every error with \`Retry-After\`, in mid-film every error of an origin that has just given of it, and these errors of firstbyte's own ([their statuses](http.md)):

| error | counted as |
|---|---|
${types.join('\n')}

With mirrors the next base is asked at once after any error, and after ${statuses(failsOver)}.
`;
}

function link(file: string): string {
  return `[\`${file}\`](../../src/${file})`;
}

function words(ms: number): string {
  return `${ms / 1000} s`;
}

/** The errors of a class in words: those below 500 one by one, and of the others those that are not in it. */
function statuses(isInClass: (status: number) => boolean): string {
  const all = Array.from({ length: 400 }, (_, index) => 200 + index);
  const below = all.filter((status) => status < 500 && isInClass(status));
  const others = all.filter((status) => status >= 500 && !isInClass(status));
  return `${below.join(', ')} or any from 500 up other than ${others.join(', ')}`;
}
