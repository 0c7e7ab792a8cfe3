/**
 * The players' side: takes connections of a `node:http` server and gives each request its exchange.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProxyError } from '../errors.ts';
import type { EventBus } from '../events.ts';
import { type AllowedNetwork, createClientGuard } from './client-guard.ts';
import { type ExchangeParts, exchange } from './exchange.ts';
import { RequestRecord } from './request-record.ts';
import { route } from './route.ts';

export interface ProxyParts extends ExchangeParts {
  readonly events: EventBus;
  readonly allowFrom: readonly AllowedNetwork[];
  /** Milliseconds that a client may take for the head of a request. */
  readonly headTimeout: number;
  /** Answers what lies under `/-/`. */
  readonly control: (request: IncomingMessage, response: ServerResponse) => void;
}

const largestHead = 16 * 1024;

/** How long an idle connection of a client is kept, in milliseconds. */
const keepAlive = 65_000;

export class MediaProxy {
  readonly #parts: ProxyParts;
  readonly #guard: ReturnType<typeof createClientGuard>;
  #nextRequest = 1;
  #underway = 0;
  #onIdle: (() => void) | null = null;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#guard = createClientGuard(parts.allowFrom);
  }

  /** A server that is not listening yet; every one shares this proxy. */
  createServer(): Server {
    const { headTimeout } = this.#parts;
    const server = createServer(
      {
        maxHeaderSize: largestHead,
        headersTimeout: headTimeout,
        requestTimeout: headTimeout,
        keepAliveTimeout: keepAlive,
        connectionsCheckingInterval: Math.min(1000, headTimeout),
        highWaterMark: 256 * 1024,
      },
      (request, response) => void this.#take(request, response),
    );
    server.on('clientError', refuseBrokenRequest);
    server.on('connect', (_request, socket) => socket.end(bareReply(405)));
    return server;
  }

  /** New requests are refused from now on; resolves when no exchange is under way. */
  async drain(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#underway > 0) await idle;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '', headers, socket } = request;
    const { clock, events, control } = this.#parts;
    const routed = route(method, url);
    if (routed.kind === 'control') return control(request, response);
    const record = new RequestRecord(this.#nextRequest, method, clock, events);
    this.#nextRequest += 1;
    const { localAddress, remoteAddress } = socket;
    const refusal = this.#guard({ localAddress, remoteAddress, host: headers.host });
    if (this.#onIdle !== null) response.setHeader('connection', 'close');
    const answer = this.#onIdle === null ? (refusal ?? routed) : shuttingDown();
    this.#underway += 1;
    await exchange(request, response, answer, record, this.#parts);
    this.#underway -= 1;
    if (this.#underway === 0) this.#onIdle?.();
  }
}

function shuttingDown(): ProxyError {
  const message = 'firstbyte is shutting down.';
  return new ProxyError('proxy_internal_response', message, { setting: 'drainTimeout', retryAfter: 5 });
}

/** RFC 9110 §15.5; a connection on which a reply has begun can only be destroyed. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const begun = 'bytesWritten' in socket && Number(socket.bytesWritten) > 0;
  if (!socket.writable || begun || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
  socket.end(bareReply(statuses[error.code ?? ''] ?? 400));
}

function bareReply(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}
