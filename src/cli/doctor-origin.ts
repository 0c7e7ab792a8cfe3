/**
 * The doctor's checks of one origin: whether and how each of its base URLs can be reached. With a path, also whether it
 * supports ranges, how it identifies versions, and its speed with one and with several connections.
 *
 * The checks use the same adapters as `serve`, so that credentials, proxies and the address guard apply here too.
 */
import { lookup } from 'node:dns/promises';
import { type Clock, type Limits, within } from '../clock.ts';
import type { OriginSettings, Settings } from '../config.ts';
import { EventBus } from '../events.ts';
import { parseContentRange } from '../http/content-range.ts';
import { type Fields, fieldValue } from '../http/fields.ts';
import { parseHttpDate } from '../http/http-date.ts';
import { formatValidator, validatorOf } from '../http/validator.ts';
import { durationWords, sizeWords, speedWords } from '../kit/amounts.ts';
import { errorWords } from '../kit/system-words.ts';
import { mount } from '../mount.ts';
import type { Origin, OriginReply } from '../origin/origin.ts';
import { measuredSpeed } from './doctor-speed.ts';
import { certificateFinding } from './doctor-tls.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** A clock that is off by more makes dates wrong. */
const muchSkewMs = 60_000;

export async function* originFindings(
  settings: OriginSettings,
  all: Settings,
  path: string | null,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const { url, fields, mirrors, ...shared } = settings;
  for (const base of [{ url, fields }, ...mirrors]) {
    const { origin } = mount({ ...shared, ...base, mirrors: [] }, all, {
      clock,
      upkeepClock: clock,
      events: new EventBus(),
    });
    try {
      yield* baseFindings(origin, { ...shared, ...base, mirrors: [] }, all, path, clock, signal);
    } finally {
      await origin.close();
    }
  }
}

async function* baseFindings(
  origin: Origin,
  settings: OriginSettings,
  all: Settings,
  path: string | null,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const { url, name, proxy, ca } = settings;
  const about = `/${name}/ ${url.host}`;
  if (proxy === undefined) {
    const named = await nameFinding(about, url.hostname, clock);
    yield named;
    if (named.level === 'fail') return;
  }
  const startedAt = clock.now();
  let reply: OriginReply;
  const limit = settings.budgets.firstByteTimeout ?? all.firstByteTimeout;
  const late = () => new Error(`no answer came within ${durationWords(limit)}`);
  const asked = { origin, limits: { clock, limit, late, signal } };
  try {
    reply = await answerTo(asked, path ?? '/', [['range', 'bytes=0-0']]);
  } catch (error) {
    if (!signal.aborted) yield fail(about, `cannot be reached: ${errorWords(error)}`, reachChange(error));
    return;
  }
  reply.body.cancel();
  const took = durationWords(clock.now() - startedAt);
  const { status } = reply;
  if (status >= 500) yield warn(about, `answers with ${status} after ${took}`, 'see its own log');
  else yield ok(about, `answers ${status} after ${took}`);
  if (url.protocol === 'https:' && proxy === undefined) yield await certificateFinding(about, url, ca, clock);
  yield clockFinding(about, reply, clock);
  if (path !== null) yield* fileFindings(about, asked, settings, reply, path);
}

async function nameFinding(about: string, hostname: string, clock: Clock): Promise<Finding> {
  const startedAt = clock.now();
  try {
    const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
    const addresses = found.map(({ address }) => address).join(', ');
    return ok(about, `resolves to ${addresses} (${durationWords(clock.now() - startedAt)})`);
  } catch (error) {
    return fail(about, `has no address: ${errorWords(error)}`, 'check the name in --origin, and the resolver');
  }
}

function reachChange(error: unknown): string {
  const setting = error instanceof Error && 'setting' in error && error.setting;
  return typeof setting === 'string' ? `see the setting ${setting}` : 'check its URL, and whether it is running';
}

function clockFinding(about: string, { fields }: OriginReply, clock: Clock): Finding {
  const date = parseHttpDate(fieldValue(fields, 'date') ?? '');
  if (date === null) return warn(about, 'sends no date', 'nothing to do: freshness is computed by our own clock');
  const skew = Math.abs(clock.wallTime() - date);
  // Its date has no fractions of a second.
  if (skew <= muchSkewMs) return ok(about, skew < 2000 ? 'clock OK' : `clock OK (${durationWords(skew)} off)`);
  return warn(about, `clock differs from ours by ${durationWords(skew)}`, 'set both by NTP');
}

async function* fileFindings(
  about: string,
  asked: Asked,
  settings: OriginSettings,
  { status, fields }: OriginReply,
  path: string,
): AsyncGenerator<Finding> {
  const { origin } = asked;
  const { clock, signal } = asked.limits;
  if (status >= 400) {
    const plain = await statusOf(asked, path, []);
    if (plain === null || plain >= 400)
      yield fail(
        about,
        `answers with ${status} to ${path}`,
        path.includes('?')
          ? `check --path (a ? in a name is %3F), and the credentials of the origin`
          : 'check --path, and the credentials of the origin',
      );
    else yield warn(about, `refuses ranges (${status}), sends whole files only`, wholeChange);
    return;
  }
  const range = parseContentRange(fieldValue(fields, 'content-range'));
  const total = range !== null && 'total' in range ? range.total : null;
  if (status === 206) yield ok(about, `supports ranges${total === null ? '' : ` (file of ${sizeWords(total)})`}`);
  else yield warn(about, 'ignores ranges, sends whole files only', wholeChange);
  yield validatorFinding(about, fields);
  if (status === 206) yield* ifRangeFindings(about, asked, fields, path);

  const one = await measuredSpeed({ origin, path, total, connections: 1, clock }, signal);
  if (one === null) {
    if (!signal.aborted) yield fail(about, `${path} breaks off while it is read`, 'see its own log');
    return;
  }
  yield ok(about, `${speedWords(one)} over one connection`);
  const connections = Math.min(4, settings.maxConnections);
  if (status !== 206 || total === null || connections === 1) return;
  const several = await measuredSpeed({ origin, path, total, connections, clock }, signal);
  if (several === null) {
    if (!signal.aborted) yield warn(about, `fails with ${connections} connections`, 'set its maxConnections to 1');
    return;
  }
  yield ok(about, `${speedWords(several)} over ${connections} connections`);
}

const wholeChange = 'seeks wait for everything before them; only its server can change that';

/** Whether it takes `If-Range`, which guards what follows a seek or a cut; where not, versions are compared instead. */
async function* ifRangeFindings(
  about: string,
  asked: Asked,
  fields: OriginReply['fields'],
  path: string,
): AsyncGenerator<Finding> {
  const validator = validatorOf(fields);
  if (validator === null || !validator.strong) return;
  const ranged: Fields = [
    ['range', 'bytes=0-0'],
    ['if-range', formatValidator(validator)],
  ];
  const status = await statusOf(asked, path, ranged);
  if (status === 206) yield ok(about, 'supports If-Range');
  else if (status !== null)
    yield warn(about, `ignores If-Range (answers ${status})`, 'nothing to do: requests go without it');
}

/** An origin, and what bounds the wait for each of its answers. */
interface Asked {
  readonly origin: Origin;
  readonly limits: Limits;
}

function answerTo({ origin, limits }: Asked, target: string, fields: Fields): Promise<OriginReply> {
  return within(limits, (signal) => origin.open({ target, fields }, signal));
}

/** `null` where no answer came. */
async function statusOf(asked: Asked, target: string, fields: Fields): Promise<number | null> {
  try {
    const { status, body } = await answerTo(asked, target, fields);
    body.cancel();
    return status;
  } catch {
    return null;
  }
}

function validatorFinding(about: string, fields: OriginReply['fields']): Finding {
  const validator = validatorOf(fields);
  if (validator === null) {
    const change = 'versions cannot be told apart: let its server send an ETag';
    return warn(about, 'sends neither ETag nor Last-Modified', change);
  }
  const name = validator.kind === 'etag' ? 'ETag' : 'Last-Modified';
  if (validator.strong) return ok(about, `has a strong ${name}`);
  return warn(
    about,
    `has a weak ${name} only`,
    'parts of a file are not joined after a change; with a strong ETag they would be',
  );
}
