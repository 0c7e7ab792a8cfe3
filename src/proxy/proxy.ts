/**
 * The players' side: takes connections of a `node:http` server and has each request answered.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { ProxyError } from '../errors.ts';
import type { EventBus } from '../events.ts';
import { type Fields, fieldsFromRaw } from '../http/fields.ts';
import type { IpNetwork } from '../http/ip-address.ts';
import { hasPassed } from '../http/via.ts';
import { rejectionOf, sendBadRequestReply } from './bad-request-reply.ts';
import { ClientConnection } from './client-connection.ts';
import { createClientGuard } from './client-guard.ts';
import { Clients, type ClientsPolicy } from './clients.ts';
import type { Ingress } from './exchange.ts';
import { HostGuard } from './host-guard.ts';
import { type Rejection, rejection } from './rejection.ts';
import { handleRequest, type RequestHandlerParts } from './request-handler.ts';
import { RequestRecord } from './request-record.ts';
import { judgeFraming, type Route, readHead, route } from './route.ts';
import { mostUnsent } from './send-buffer.ts';
import { StalledClients } from './stalled-clients.ts';
import { judgeUse } from './worker-guard.ts';

export interface ProxyParts extends Omit<RequestHandlerParts, 'stalled' | 'clients'>, ClientsPolicy {
  readonly events: EventBus;
  readonly allowFrom: readonly IpNetwork[];
  /** The first part of paths at which media is served to any network; none where absent. */
  readonly secretPath?: string | null;
  /** Host names that are the operator's own, beside those that no stranger can have. */
  readonly allowHosts: readonly string[];
  /** What firstbyte calls itself towards its origins. */
  readonly pseudonym: string;
  /** Called for each host name that is not answered, the first time that a request names it. */
  readonly onForeignHost: (host: string) => void;
  /** Milliseconds that a client may take for the head of a request. */
  readonly headTimeout: number;
  /** The memory that stalled clients may keep in all, in bytes. */
  readonly stalledMemory: number;
  /** Answers what lies under `/-/`; `prefix` stands before `/NAME/` in the client's URLs of media. */
  readonly control: (request: IncomingMessage, response: ServerResponse, prefix: string) => void;
}

/** In bytes. */
const largestHead = 16 * 1024;

/** A server of firstbyte's own, which has each origin at `/NAME/`. */
const ownIngress: Ingress = { prefix: '', isOwn: true };

/** How long an idle connection of a client is kept. */
const keepAliveMs = 65_000;

/** What a client may offer in TLS (ALPN, RFC 7301); Node itself refuses one that offers HTTP/1.0 only. */
const spoken = ['http/1.1', 'http/1.0'];

export class MediaProxy {
  readonly #parts: ProxyParts;
  readonly #guard: ReturnType<typeof createClientGuard>;
  readonly #hosts: HostGuard;
  readonly #stalled: StalledClients;
  readonly #clients: Clients;
  readonly #handlerParts: RequestHandlerParts;
  readonly #connections = new WeakMap<Duplex, ClientConnection>();
  /** Connections that are closed when what they have sent has been answered. */
  readonly #closing = new WeakSet<Duplex>();
  /** Replies under way to requests that other servers have taken. */
  readonly #foreign = new Set<ServerResponse>();
  #nextRequest = 1;
  #underway = 0;
  #onIdle: (() => void) | null = null;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#guard = createClientGuard(parts.allowFrom);
    this.#hosts = new HostGuard(parts.allowHosts, parts.onForeignHost);
    this.#stalled = new StalledClients(Math.floor(parts.stalledMemory / mostUnsent), (client) => {
      const socket = client instanceof ServerResponse ? client.socket : null;
      if (socket === null) client.destroy();
      else this.#connectionOf(socket).close();
      parts.events.emit({ type: 'stalled-ended', at: parts.clock.now(), stalled: this.stalled });
    });
    this.#clients = new Clients(parts);
    this.#handlerParts = { ...parts, stalled: this.#stalled, clients: this.#clients };
  }

  /** A server that is not listening yet; every one shares this proxy. `prefix`: see `Ingress`. */
  createServer(prefix?: string | null): Server;
  /** The same over TLS. */
  createServer(prefix: string | null, secure: SecureContextOptions): TlsServer;
  createServer(prefix: string | null = '', secure?: SecureContextOptions): Server | TlsServer {
    const { headTimeout } = this.#parts;
    // Node looks for late heads once in an interval, and a busy machine may begin an interval late.
    const interval = Math.min(500, headTimeout / 4);
    const ingress: Ingress = { ...ownIngress, prefix };
    const take = (request: IncomingMessage, response: ServerResponse) => this.#take(request, response, ingress);
    const options = {
      maxHeaderSize: largestHead,
      headersTimeout: headTimeout - 2 * interval,
      // Content that is passed on may take as long as it likes to come; what nobody wants is cut off after the reply.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: interval,
      highWaterMark: mostUnsent,
      // `readHead` judges it: Node's own answer would not be counted.
      requireHostHeader: false,
      // A request without content is no stream that somebody would have to read.
      optimizeEmptyRequests: true,
    };
    const server =
      secure === undefined
        ? createServer(options, take)
        : createTlsServer({ ...options, ...secure, handshakeTimeout: headTimeout, ALPNProtocols: spoken }, take);
    if (secure === undefined) server.on('connection', (socket) => this.#admit(socket));
    else this.#admitSecure(server);
    // No 100 is sent: no request's content is ever waited for.
    server.on('checkContinue', take);
    server.on('checkExpectation', take);
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // A handshake that failed: there is nothing to answer over.
      if (secure !== undefined && !this.#connections.has(socket)) socket.destroy();
      else void this.#sendBadRequestReply(socket, rejectionOf(error));
    });
    // It has the connection to itself: a reply that is under way has lost it.
    server.on('connect', (_request, socket) => {
      if (this.#connectionOf(socket).owes) socket.destroy();
      else void this.#sendBadRequestReply(socket, tunnel);
    });
    return server;
  }

  /**
   * Answers a request that another server has taken, whose program judges hosts and networks itself. `prefix` is what
   * stands before `/NAME/` in its URLs, and not in that of the request. `false`: it names no mount, and is left alone.
   */
  answer(request: IncomingMessage, response: ServerResponse, prefix: string): boolean {
    const routed = route(request.url ?? '');
    const isMedia = routed.kind === 'media' && this.#parts.cache.isMounted(routed.mount);
    const isFolder = routed.kind === 'redirect' && this.#parts.cache.isMounted(routed.location.split('/', 2)[1] ?? '');
    if (!isMedia && !isFolder) return false;
    this.#foreign.add(response);
    response.once('close', () => this.#foreign.delete(response));
    this.#take(request, response, { prefix, isOwn: false });
    return true;
  }

  /** Ends what is under way over connections of other servers, which nobody else here can end. */
  kill(): void {
    for (const { req } of this.#foreign) this.#connectionOf(req.socket).close();
  }

  /** How many requests are being answered. */
  get underway(): number {
    return this.#underway;
  }

  /** How many listeners there are for the end of clients' connections. */
  get listeners(): number {
    let count = 0;
    for (const { gone } of this.#clients.connections) count += getEventListeners(gone, 'abort').length;
    return count;
  }

  /** What all clients have and want at this moment. */
  clients(): ReturnType<Clients['look']> {
    return this.#clients.look();
  }

  /** How many clients take nothing of what they were given. */
  get stalled(): number {
    return this.#stalled.count;
  }

  /** New requests are refused from now on; resolves when no request is being answered. */
  async drain(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#underway > 0) await idle;
  }

  #take(request: IncomingMessage, response: ServerResponse, ingress: Ingress): void {
    const { socket } = request;
    const { clock, events, control } = this.#parts;
    const connection = this.#connectionOf(socket);
    // It has been sent a rejection already.
    if (socket.writableEnded) return;
    if (connection.overdrawn || this.#closing.has(socket)) {
      if (!this.#closing.has(socket)) void this.#afterReplies(socket).then(() => socket.destroy());
      return;
    }
    const fields = fieldsFromRaw(request.rawHeaders);
    const unframed = judgeFraming({ httpVersion: request.httpVersion, fields });
    if (unframed !== null) {
      void this.#sendBadRequestReply(socket, unframed);
      return;
    }
    const isSecret = ingress.isOwn && isBelow(request, this.#parts.secretPath ?? null);
    const routed = this.#route(request, fields, ingress, isSecret);
    if (!(routed instanceof ProxyError) && routed.kind === 'control') {
      void connection.turnOf(response);
      control(request, response, isSecret ? `/${this.#parts.secretPath}` : '');
      return;
    }
    const record = new RequestRecord(this.#nextRequest, request, clock, events);
    this.#nextRequest += 1;
    if (this.#onIdle !== null) response.setHeader('connection', 'close');
    const answer = this.#onIdle === null ? routed : shuttingDown();
    const within = isSecret ? { ...ingress, prefix: `/${this.#parts.secretPath}` } : ingress;
    this.#underway += 1;
    const exchange = { request, fields, response, record, connection, ingress: within };
    void handleRequest(exchange, answer, this.#handlerParts).then(() => {
      this.#underway -= 1;
      if (this.#underway === 0) this.#onIdle?.();
    });
  }

  /** The route of the request, or why it is rejected; its target is in origin form from then on. */
  #route(request: IncomingMessage, fields: Fields, { isOwn }: Ingress, isSecret: boolean): Route | ProxyError {
    const { httpVersion, method, url } = request;
    const head = readHead({ httpVersion, method, url, fields });
    if (head.kind === 'rejection') return head;
    if (hasPassed(request.headers, this.#parts.pseudonym)) return loop();
    request.url = isSecret ? head.url.slice(1 + (this.#parts.secretPath?.length ?? 0)) : head.url;
    request.headers.host = head.authority;
    const routed = route(request.url);
    // The secret opens media alone.
    // Playlists are for players, as media is.
    const isPlaylist = routed.kind === 'control' && request.url.startsWith('/-/playlist/');
    if (isSecret && !isPlaylist && (routed.kind === 'control' || routed.kind === 'root'))
      return rejection(404, 'Nothing is here.');
    const unwelcome = (routed.kind === 'control' && !isPlaylist) || isSecret ? null : this.#guard(request.socket);
    const judged = isOwn ? (unwelcome ?? this.#hosts.judge(head.host)) : null;
    return judged ?? judgeUse(request.headers) ?? routed;
  }

  #admit(socket: Duplex & { readonly remoteAddress?: string | undefined }): void {
    const admission = this.#clients.admit(this.#connectionOf(socket), socket.remoteAddress);
    if (admission === 'refused') void this.#sendBadRequestReply(socket, tooMany);
    if (admission === 'dropped') socket.destroy();
  }

  /** Over TLS a connection counts from its beginning. Who is refused hears why when TLS has been agreed on. */
  #admitSecure(server: Server | TlsServer): void {
    const agreeing = new Map<string, Socket>();
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      agreeing.set(peer, socket);
      socket.once('close', () => {
        if (agreeing.get(peer) === socket) agreeing.delete(peer);
      });
      if (this.#clients.admit(this.#connectionOf(socket), socket.remoteAddress) === 'dropped') socket.destroy();
    });
    server.on('secureConnection', (socket: Socket) => {
      const begun = agreeing.get(peerOf(socket));
      if (begun !== undefined) this.#clients.remove(this.#connectionOf(begun));
      this.#admit(socket);
    });
  }

  #connectionOf(socket: Duplex): ClientConnection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = new ClientConnection(socket, this.#parts.clock);
    this.#connections.set(socket, connection);
    socket.once('close', () => this.#clients.remove(connection));
    return connection;
  }

  /** Sends a rejection, when the requests before it have been answered, and closes the connection. */
  async #sendBadRequestReply(socket: Duplex, rejection: Rejection): Promise<void> {
    if (socket.writableEnded || this.#closing.has(socket)) return;
    if (this.#connectionOf(socket).owes) await this.#afterReplies(socket);
    if (socket.writable) sendBadRequestReply(socket, rejection, this.#parts.clock);
    else socket.destroy();
  }

  /** No request of a connection is taken any more; resolves when those that it has sent before have been answered. */
  async #afterReplies(socket: Duplex): Promise<void> {
    this.#closing.add(socket);
    socket.pause();
    await this.#connectionOf(socket).answered();
  }
}

/** The same for a connection before and after TLS has been agreed on. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Whether the path of a request begins with the secret part. All of it is compared, whatever it is. */
function isBelow({ url = '' }: IncomingMessage, secret: string | null): boolean {
  if (secret === null) return false;
  const [, part = ''] = url.split('/', 3);
  return (
    url.startsWith(`/${part}/`) && timingSafeEqual(hash('sha256', part, 'buffer'), hash('sha256', secret, 'buffer'))
  );
}

const tunnel = rejection(405, 'CONNECT is not served.', [['allow', 'GET, HEAD']]);

const tooMany = rejection(
  429,
  'This client has too many connections, and none of them is idle (connectionsPerClient).',
);

function loop(): ProxyError {
  return new ProxyError(
    'proxy_loop_detected',
    'firstbyte was asked for this by itself: an origin of its leads back to it.',
  );
}

function shuttingDown(): ProxyError {
  const message = 'firstbyte is shutting down.';
  return new ProxyError('proxy_internal_response', message, { setting: 'drainTimeout', retryAfter: 5 });
}
