/**
 * A client of the control API, over HTTP or a Unix socket.
 *
 * Every failure is a `CommandError`: no answer came, or the answer is a problem (RFC 9457) whose text the error has.
 */
import { type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http';
import { request as overTls } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { type Clock, sleep } from '../clock.ts';
import { errorWords } from '../kit/system-words.ts';
import { CommandError } from './exit-codes.ts';

export interface ControlAddress {
  /** The URL up to `/-/`; or `unix:` and the path of a socket. */
  readonly url: string;
  readonly token: string | null;
  /** Where the page is on other devices, and the password that it asks for there; absent where that is not known. */
  readonly page?: { readonly addresses: readonly string[]; readonly password: string };
  /** The certificate (PEM) that it shows, for whatever name; a public one of its host's name where absent. */
  readonly certificate?: string | undefined;
}

/** The head of an answer may take so long. */
const headTimeoutMs = 60_000;

export class ControlClient {
  readonly address: ControlAddress;
  readonly #clock: Clock;

  constructor(address: ControlAddress, clock: Clock) {
    this.address = address;
    this.#clock = clock;
  }

  /** `path` follows `/-/api/v1/`. */
  async get<Reply>(path: string, signal?: AbortSignal): Promise<Reply> {
    return (await this.#jsonOf(await this.open('GET', `api/v1/${path}`, {}, signal))) as Reply;
  }

  async send<Reply>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: object = {}): Promise<Reply> {
    return (await this.#jsonOf(await this.open(method, `api/v1/${path}`, { body }))) as Reply;
  }

  /** The answer, with its body unread. `path` follows `/-/`. Rejects where the status is not 2xx. */
  async open(
    method: string,
    path: string,
    { body, fields = {} }: { body?: object; fields?: Readonly<Record<string, string>> } = {},
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...fields,
      ...(this.address.token !== null && { authorization: `Bearer ${this.address.token}` }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const reply = await this.#ask(path, { method, headers }, text, signal);
    const { statusCode = 0 } = reply;
    if (statusCode >= 200 && statusCode < 300) return reply;
    const answer = await this.#textOf(reply);
    throw statusCode === 401 ? this.#unauthorized() : problemOf(statusCode, answer);
  }

  async #jsonOf(reply: IncomingMessage): Promise<unknown> {
    const text = await this.#textOf(reply);
    if (text === '') return null;
    try {
      return JSON.parse(text);
    } catch {
      throw new CommandError('unreachable', `Another program answers there, not firstbyte: ${text.slice(0, 60)}`);
    }
  }

  async #textOf(reply: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    try {
      for await (const part of reply) parts.push(part);
    } catch (error) {
      const { url } = this.address;
      throw new CommandError('unreachable', `The answer of firstbyte at ${url} breaks off: ${errorWords(error)}`);
    }
    return Buffer.concat(parts).toString();
  }

  #unauthorized(): ControlProblem {
    const { token, url } = this.address;
    const said =
      token === null ? 'This needs a token: set FIRSTBYTE_TOKEN' : 'This token is wrong: see FIRSTBYTE_TOKEN';
    return new ControlProblem(401, `${said} (${url})`);
  }

  #ask(
    path: string,
    options: RequestOptions,
    text: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const { url, certificate } = this.address;
    const trust = certificate === undefined ? {} : trustIn(certificate);
    const late = new AbortController();
    const done = new AbortController();
    sleep(this.#clock, headTimeoutMs, done.signal).then(
      () => late.abort(new Error(`no answer within ${headTimeoutMs / 1000} s`)),
      () => {},
    );
    return new Promise<IncomingMessage>((resolve, reject) => {
      const given = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
      const asked = url.startsWith('unix:')
        ? overHttp({ ...options, socketPath: url.slice('unix:'.length), path: `/-/${path}`, signal: given })
        : (url.startsWith('https:') ? overTls : overHttp)(new URL(path, url), { ...options, ...trust, signal: given });
      asked.once('response', resolve);
      asked.once('error', (error: NodeJS.ErrnoException) => {
        const reason = late.signal.aborted ? String(late.signal.reason.message) : errorWords(error);
        reject(
          signal?.aborted
            ? signal.reason
            : new CommandError('unreachable', `No answer from firstbyte at ${url}: ${reason}`),
        );
      });
      asked.end(text);
    }).finally(() => done.abort());
  }
}

/** It was told by the owner of the cache directory, so no authority and no name needs to vouch for it. */
function trustIn(certificate: string): ConnectionOptions {
  return { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

/** The error that the API answered, with its text where it has one. */
function problemOf(status: number, text: string): ControlProblem {
  let detail = `The control API answers with status ${status}.`;
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === 'string') ({ detail } = problem);
  } catch {
    // Something between the command and firstbyte has answered: only the status is known.
  }
  return new ControlProblem(status, detail);
}

/** Whether the API has answered that there is no such thing. */
export function isGone(error: unknown): boolean {
  return error instanceof ControlProblem && error.status === 404;
}

/** A problem that the API has answered. */
class ControlProblem extends CommandError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(status === 401 || status === 403 || status === 421 ? 'unreachable' : 'failed', message);
    this.status = status;
  }
}
