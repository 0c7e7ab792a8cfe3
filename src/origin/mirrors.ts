/**
 * Several bases with the same files as one origin: a request goes to the first that is well, and to the next within
 * the same `open` where that one can't be reached, breaks off, or answers 202 or a passing error above 500. A base that is merely late
 * is not given up: the next is asked beside it, and the first good head counts.
 *
 * Bases may hold different versions. A request for more of one version gets another version only when every base has
 * answered and none has the first: a base out of reach may have it, and is waited for as long as a first byte is. A file
 * counts as gone when all bases say so.
 */
import { type Clock, sleep } from '../clock.ts';
import { failsOver, ProxyError } from '../errors.ts';
import type { EventBus, FailoverCause } from '../events.ts';
import { type Fields, fieldValue } from '../http/fields.ts';
import { formatValidator, validatorOf } from '../http/validator.ts';
import { upTo } from '../kit/up-to.ts';
import { Mirror } from './mirror.ts';
import type { Origin, OriginReply, OriginRequest } from './origin.ts';

export interface MirrorsOptions {
  /** The name it is mounted under. */
  readonly name: string;
  /** At least one, in the order of preference. */
  readonly bases: ReadonlyArray<{ readonly host: string; readonly origin: Origin }>;
  readonly clock: Clock;
  readonly events: EventBus;
  /** How long somebody waits for a first byte, in milliseconds: the bases share it. */
  readonly firstByteTimeout: number;
}

export function mirroredOrigin(options: MirrorsOptions): Origin {
  return new MirroredOrigin(options);
}

/** The version that a conditional request names. */
interface Version {
  readonly validator: string;
  /** Whether more of it is wanted, rather than word that it is current. */
  readonly more: boolean;
  /** The same for all requests about this version of this target. */
  readonly key: string;
}

/** What to do with a reply: to be taken at once; of another version; the file is gone; the server is broken. */
type Verdict = 'good' | 'version' | 'gone' | 'status';

type Answer = { readonly mirror: Mirror; readonly reply: OriginReply; readonly verdict: Verdict };
type Outcome = Answer | { readonly mirror: Mirror; readonly error: ProxyError };

class MirroredOrigin implements Origin {
  readonly name: string;
  readonly #options: MirrorsOptions;
  readonly #mirrors: readonly Mirror[];

  constructor(options: MirrorsOptions) {
    this.name = options.name;
    this.#options = options;
    this.#mirrors = options.bases.map(({ host, origin }) => new Mirror(host, origin, options.clock));
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    signal.throwIfAborted();
    const asked = { ...request, onConnected: once(request.onConnected) };
    const version = versionOf(request);
    const path = pathOf(request);
    // A resolved URL is at no mirror, and content can be sent only once.
    const waiting = request.resolved?.url || request.content ? this.#mirrors.slice(0, 1) : this.#inOrder(path, version);
    const running = new Map<Mirror, { readonly abort: AbortController; readonly outcome: Promise<Outcome> }>();
    const outcomes: Outcome[] = [];
    let chosen: OriginReply | null = null;
    try {
      for (;;) {
        const mirror = waiting.shift();
        if (mirror !== undefined) {
          const abort = new AbortController();
          running.set(mirror, { abort, outcome: this.#ask(mirror, asked, version, [signal, abort.signal]) });
        }
        if (running.size === 0) break;
        const outcome = await this.#first([...running.values()], waiting.length > 0);
        const from = outcome?.mirror ?? mirror;
        if (outcome !== null) {
          outcomes.push(outcome);
          if ('reply' in outcome && outcome.verdict === 'good') {
            this.#overtake(running.keys(), outcome.mirror, path);
            chosen = outcome.reply;
            return chosen;
          }
          running.delete(outcome.mirror);
        }
        if (from !== undefined && waiting[0] !== undefined) this.#tell(from, waiting[0], causeOf(outcome));
      }
      chosen = this.#best(outcomes, path, version);
      return chosen;
    } finally {
      for (const [mirror, { abort }] of running) {
        if (!outcomes.some((outcome) => outcome.mirror === mirror)) abort.abort(new Error('not needed any more'));
      }
      for (const outcome of outcomes) {
        if ('reply' in outcome && outcome.reply !== chosen) outcome.reply.body.cancel();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#mirrors.map(({ origin }) => origin.close()));
  }

  #inOrder(path: string, version: Version | null): Mirror[] {
    const rank = (mirror: Mirror) => mirror.rank(path, version?.key ?? null);
    return [...this.#mirrors].sort((a, b) => rank(a) - rank(b));
  }

  /** The first outcome; with `impatient`, `null` when none has come within a base's share of the wait. */
  async #first(running: ReadonlyArray<{ readonly outcome: Promise<Outcome> }>, impatient: boolean) {
    const { clock, firstByteTimeout } = this.#options;
    const settled = new AbortController();
    const share = firstByteTimeout / this.#mirrors.length;
    const late = impatient ? [sleep(clock, share, settled.signal).then(() => null)] : [];
    try {
      return await Promise.race([...running.map(({ outcome }) => outcome), ...late]);
    } finally {
      for (const timer of late) timer.catch(() => {});
      settled.abort();
    }
  }

  /** The outcome of one base. Rejects only with the reason of a signal, or for a bug. */
  async #ask(
    mirror: Mirror,
    request: OriginRequest,
    version: Version | null,
    signals: readonly AbortSignal[],
  ): Promise<Outcome> {
    const signal = AbortSignal.any([...signals]);
    const path = pathOf(request);
    try {
      const reply = await mirror.origin.open(request, signal);
      const verdict = verdictOn(reply, version, mirror === this.#mirrors[0]);
      if (verdict === 'status') mirror.failed(path, true);
      else mirror.succeeded(path);
      if (verdict === 'version' && version !== null) mirror.lacks(version.key);
      return { mirror, reply: this.#watched(reply, mirror, path, version), verdict };
    } catch (error) {
      if (error instanceof ProxyError) mirror.failed(path, error.row.isUnconnected !== true);
      if (signal.aborted || !(error instanceof ProxyError)) throw error;
      return { mirror, error };
    }
  }

  /** Every base that was asked before the winner was too late: that counts as a failure. */
  #overtake(running: Iterable<Mirror>, winner: Mirror, path: string): void {
    for (const mirror of running) {
      if (mirror === winner) return;
      mirror.failed(path, true);
    }
  }

  /** The reply, whose body tells when the base breaks off: then another base is asked first for the rest. */
  #watched(reply: OriginReply, mirror: Mirror, path: string, version: Version | null): OriginReply {
    const { body } = reply;
    let failed = false;
    const read = async () => {
      try {
        return await body.read();
      } catch (error) {
        if (error instanceof ProxyError && !failed) {
          failed = true;
          mirror.failed(path, true);
          const to = this.#inOrder(path, version).find((other) => other !== mirror);
          if (to !== undefined) this.#tell(mirror, to, causeOf({ mirror, error }));
        }
        throw error;
      }
    };
    return { ...reply, body: { read, cancel: () => body.cancel() } };
  }

  #tell(from: Mirror, to: Mirror, cause: FailoverCause): void {
    const { clock, events } = this.#options;
    events.emit({ type: 'failover', at: clock.now(), origin: this.name, from: from.host, to: to.host, cause });
  }

  /** The best reply when no base gave what was wanted; throws the first error where there is none. */
  #best(outcomes: readonly Outcome[], path: string, version: Version | null): OriginReply {
    const { clock, firstByteTimeout } = this.#options;
    const answers = outcomes.filter((outcome) => 'reply' in outcome);
    const failed = outcomes.filter(
      (outcome) => !answers.some((answer) => answer === outcome && answer.verdict !== 'status'),
    );
    const lately = failed.some(({ mirror }) => {
      const since = mirror.failingSince(path);
      return since === null || clock.now() - since < firstByteTimeout;
    });
    const other = answers.find(({ verdict }) => verdict === 'version');
    if (other !== undefined && !lately) return other.reply;
    const gone = answers.find(({ verdict }) => verdict === 'gone');
    // A stored version is not given up because some bases say that it is gone.
    if (gone !== undefined && (failed.length === 0 || (version === null && !lately))) return gone.reply;
    const heard = answers.find(({ verdict }) => verdict === 'status');
    if (heard !== undefined) return heard.reply;
    for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
    throw new Error('no base has answered, and none has failed');
  }
}

/** The version that the request is about, by its condition or by what is held; `null` where it is about none. */
function versionOf({ target, fields, held }: OriginRequest): Version | null {
  const current = fieldValue(fields, 'if-none-match') ?? fieldValue(fields, 'if-modified-since');
  const isNamed = current === null && held?.validator.strong === true;
  const more = fieldValue(fields, 'if-range') ?? (isNamed ? formatValidator(held.validator) : null);
  const validator = more ?? (held && current !== null ? formatValidator(held.validator) : current);
  if (validator === null) return null;
  return { validator, more: more !== null, key: `${validator}\n${pathOf({ target })}` };
}

function pathOf({ target }: Pick<OriginRequest, 'target'>): string {
  const path = upTo(target, '?');
  return path;
}

/** `first`: of the base that is preferred to all others. */
function verdictOn({ status, fields }: OriginReply, version: Version | null, first: boolean): Verdict {
  if (failsOver(status)) return 'status';
  if (status === 404 || status === 410) return 'gone';
  if (version === null) return 'good';
  const isContent = status === 200 || status === 206;
  // Whether a version is current is for the first base to say.
  if (isContent && !version.more && first) return 'good';
  if (isContent && validatorIn(fields) !== version.validator) return 'version';
  return status === 416 && version.more ? 'version' : 'good';
}

function validatorIn(fields: Fields): string | null {
  const validator = validatorOf(fields);
  return validator === null ? null : formatValidator(validator);
}

/** `null`: nothing has been heard so far. */
function causeOf(outcome: Outcome | null): FailoverCause {
  if (outcome === null) return 'timeout';
  if ('error' in outcome) return outcome.error.row.failoverAs ?? 'unreachable';
  return outcome.verdict === 'good' ? 'unreachable' : outcome.verdict;
}

function once<Given extends unknown[]>(call: ((...given: Given) => void) | undefined): (...given: Given) => void {
  let called = false;
  return (...given) => {
    if (!called) call?.(...given);
    called = true;
  };
}
