/**
 * All clients, and how many connections they may have together.
 *
 * Each connection is a descriptor, and the process has a limit of these. A client that fills it up must not shut out the
 * others. So at the limit one connection is closed for each that comes: one of the client with the most connections, an
 * idle one first, then a stalled one. Only a client that has more than its share loses a reply that is being read.
 */
import type { Clock } from '../clock.ts';
import type { ClientBound, ClientBoundAction, EventBus } from '../events.ts';
import type { Fields } from '../http/fields.ts';
import type { IpNetwork } from '../http/ip-address.ts';
import { Client, type ClientLimits, type RequestPermit, stalledAfterMs } from './client.ts';
import type { ClientConnection } from './client-connection.ts';

import { type ClientIdentities, type ClientIdentity, createClientIdentities } from './client-identity.ts';

export interface ClientsPolicy {
  /** Peers that are believed when they say which client's request they forward. */
  readonly trustedProxies: readonly IpNetwork[];
  readonly connectionsPerClient: number;
  readonly requestsPerClient: number;
  readonly unreadPerClient: number;
  /** How long a request may wait for others of its client, in milliseconds. */
  readonly queueTimeout: number;
  /** How many connections all clients may have together, at this moment. */
  readonly clientConnections: () => number;
}

export interface ClientsParts extends ClientsPolicy {
  readonly clock: Clock;
  readonly events: EventBus;
}

/** The least limits of this machine and of trusted proxies: a whole house may stand behind them. */
const sharedAtLeast: ClientLimits = { connections: 2048, requests: 1024, unread: 1024 ** 3 };

/** A connection on which nothing has happened for less than this is new, or its client reads on. */
const quietAfterMs = 1000;

/** The log has one line in this time for a client that reaches a limit again and again. */
const tellAgainAfterMs = 60_000;

/** The outcome of a new connection: it is served, answered with a rejection, or closed. */
export type Admission = 'served' | 'refused' | 'dropped';

export class Clients {
  readonly #parts: ClientsParts;
  readonly #identities: ClientIdentities;
  readonly #clients = new Map<string, Client>();
  /** The client of every connection that counts. */
  readonly #owners = new Map<ClientConnection, Client>();
  /** Connections that are being answered with a rejection. */
  readonly #refused = new Set<ClientConnection>();
  readonly #toldAt = new Map<string, number>();

  constructor(parts: ClientsParts) {
    this.#parts = parts;
    this.#identities = createClientIdentities(parts.trustedProxies);
  }

  /** Every connection that counts. */
  get connections(): Iterable<ClientConnection> {
    return this.#owners.keys();
  }

  /** A connection has come in; `remove` is to be called when it is closed. */
  admit(connection: ClientConnection, remoteAddress: string | undefined): Admission {
    const client = this.#clientOf(this.#identities.ofPeer(remoteAddress));
    try {
      return this.#admit(connection, client);
    } finally {
      this.#forgetIfGone(client);
    }
  }

  /** The connection is closed. */
  remove(connection: ClientConnection): void {
    this.#refused.delete(connection);
    const client = this.#owners.get(connection);
    if (client === undefined) return;
    this.#owners.delete(connection);
    client.remove(connection);
    this.#forgetIfGone(client);
  }

  /** Lets a request begin, with its permit, which is to be released; `null` where `enter` has to wait for one. */
  enterNow(connection: ClientConnection, remoteAddress: string | undefined, fields: Fields): RequestPermit | null {
    return this.#clientOf(this.#identities.ofRequest(remoteAddress, fields)).enterNow(connection);
  }

  /** Resolves with a permit; with `null` where the client has had too many under way for too long. Rejects with the signal's reason. */
  async enter(
    connection: ClientConnection,
    remoteAddress: string | undefined,
    fields: Fields,
    signal: AbortSignal,
  ): Promise<RequestPermit | null> {
    const client = this.#clientOf(this.#identities.ofRequest(remoteAddress, fields));
    try {
      return await client.enter(connection, signal);
    } finally {
      this.#forgetIfGone(client);
    }
  }

  /** What all clients have and wait for at this moment. */
  look() {
    const clients = [...this.#clients.values()];
    const sum = (of: (client: Client) => number) => clients.reduce((total, client) => total + of(client), 0);
    const most = (of: (client: Client) => number) => Math.max(0, ...clients.map(of));
    const idle = sum((client) => client.idle);
    return {
      clients: clients.length,
      connections: { idle, busy: sum(({ connections }) => connections.size) - idle },
      mostConnections: most(({ connections }) => connections.size),
      connectionLimit: this.#parts.clientConnections(),
      requests: { underway: sum(({ requests }) => requests), queued: sum(({ queued }) => queued) },
      mostRequests: most(({ requests }) => requests),
      unread: sum(({ allowance }) => allowance.unread),
      mostUnread: most(({ allowance }) => allowance.unread),
    };
  }

  #admit(connection: ClientConnection, client: Client): Admission {
    const isFull = client.isFull && !this.#makeRoomIn(client);
    if (this.#owners.size + this.#refused.size >= this.#parts.clientConnections() && !this.#makeRoomFor(client)) {
      this.#tell(client, 'descriptors', 'refused');
      return 'dropped';
    }
    if (isFull) {
      this.#tell(client, 'connections', 'refused');
      this.#refused.add(connection);
      return 'refused';
    }
    client.add(connection);
    this.#owners.set(connection, client);
    // What made room may have been the last that there was of this client.
    this.#clients.set(client.key, client);
    return 'served';
  }

  /** Closes a connection of the client that is worth less than a new one of its own; false where there is none. */
  #makeRoomIn(client: Client): boolean {
    return this.#closeUnwanted([client], 'connections') || this.#close(client.longestIdle(0), client, 'connections');
  }

  /** Closes any connection that is worth less than a new one of this client; false where there is none. */
  #makeRoomFor(newcomer: Client): boolean {
    const [refused] = this.#refused;
    if (refused !== undefined) {
      this.#refused.delete(refused);
      refused.close();
      return true;
    }
    const clients = [...this.#clients.values()];
    if (this.#closeUnwanted(clients, 'descriptors')) return true;
    const stalled = withMost(clients, (client) => client.longestStalled(quietAfterMs));
    const [owner, connection] =
      stalled ?? withMost(clients, (client) => client.longestIdle(0) ?? client.leastActive) ?? [];
    if (owner === undefined || connection === undefined) return false;
    const isTaken = stalled === null && connection.owes;
    if (isTaken && owner.connections.size <= newcomer.connections.size + 1) return false;
    return this.#close(connection, owner, 'descriptors');
  }

  /** Closes an idle connection, or else a stalled one; false where there is none. */
  #closeUnwanted(clients: readonly Client[], bound: ClientBound): boolean {
    const [owner, connection] =
      withMost(clients, (client) => client.longestIdle(quietAfterMs)) ??
      withMost(clients, (client) => client.longestStalled(stalledAfterMs)) ??
      [];
    return owner !== undefined && this.#close(connection ?? null, owner, bound);
  }

  /** It stops counting at once, although its `close` event comes later. */
  #close(connection: ClientConnection | null, owner: Client, bound: ClientBound): boolean {
    if (connection === null) return false;
    const since = connection.stalledSince;
    const isStalled = since !== null && since <= this.#parts.clock.now() - quietAfterMs;
    const action = isStalled ? 'closed-stalled' : connection.owes ? 'closed-busy' : 'closed-idle';
    this.remove(connection);
    connection.close();
    this.#tell(owner, bound, action);
    return true;
  }

  #clientOf({ name, isShared }: ClientIdentity): Client {
    const key = isShared ? `${name} shared` : name;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const { connectionsPerClient, requestsPerClient, unreadPerClient, queueTimeout, clock } = this.#parts;
    const set = { connections: connectionsPerClient, requests: requestsPerClient, unread: unreadPerClient };
    const client: Client = new Client({
      key,
      name,
      limits: isShared ? atLeast(set, sharedAtLeast) : set,
      queueTimeout,
      clock,
      onBound: (bound, action) => this.#tell(client, bound, action),
      onLeft: () => this.#forgetIfGone(client),
    });
    this.#clients.set(key, client);
    return client;
  }

  #forgetIfGone(client: Client): void {
    if (client.isGone && this.#clients.get(client.key) === client) this.#clients.delete(client.key);
  }

  #tell({ name: client }: Client, bound: ClientBound, action: ClientBoundAction): void {
    const { clock, events } = this.#parts;
    const at = clock.now();
    // Of descriptors all clients together may have too many: then any of them is told of for all.
    const subject = bound === 'descriptors' ? bound : `${client} ${bound}`;
    const told = this.#toldAt.get(subject);
    const isNews = told === undefined || at - told >= tellAgainAfterMs;
    if (isNews) {
      for (const [other, then] of this.#toldAt) if (at - then >= tellAgainAfterMs) this.#toldAt.delete(other);
      this.#toldAt.set(subject, at);
    }
    events.emit({ type: 'client-bound', at, client, bound, action, isNews });
  }
}

function atLeast(limits: ClientLimits, least: ClientLimits): ClientLimits {
  return {
    connections: Math.max(limits.connections, least.connections),
    requests: Math.max(limits.requests, least.requests),
    unread: Math.max(limits.unread, least.unread),
  };
}

/** Such a connection of the client with most connections; of several clients, the one that was active the longest ago. */
function withMost(
  clients: readonly Client[],
  of: (client: Client) => ClientConnection | null,
): readonly [client: Client, connection: ClientConnection] | null {
  let found: readonly [client: Client, connection: ClientConnection] | null = null;
  for (const client of clients) {
    const ahead = found === null ? 1 : client.connections.size - found[0].connections.size;
    if (ahead < 0) continue;
    const connection = of(client);
    if (connection === null || (ahead === 0 && found !== null && connection.activeAt >= found[1].activeAt)) continue;
    found = [client, connection];
  }
  return found;
}
