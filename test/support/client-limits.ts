/** Bounds of clients that no test meets unless it says so. */
import type { ClientsPolicy } from '../../src/proxy/clients.ts';

export const roomForAll: ClientsPolicy = {
  trustedProxies: [],
  connectionsPerClient: 512,
  requestsPerClient: 256,
  unreadPerClient: 1024 ** 3,
  queueTimeout: 30_000,
  clientConnections: () => 10_000,
};
