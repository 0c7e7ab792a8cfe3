/** Listening where the settings say: TCP over IPv4 or IPv6, or a Unix socket. */
import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ListenAddress } from './config.ts';
import { isLoopback } from './http/loopback.ts';

/** Resolves with the address as a URL with its real port; rejects with the system's error. */
export async function listen(server: Server, address: ListenAddress, secure = false): Promise<string> {
  if ('path' in address) await removeDeadSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  if ('path' in address) {
    await chmod(address.path, 0o600);
    return `unix:${address.path}`;
  }
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${secure ? 'https' : 'http'}://${host}:${port}/`;
}

/** The URL of the control API on this machine, from an address that `listen` returned. */
export function controlUrl(address: string): string {
  if (address.startsWith('unix:')) return address;
  const url = new URL('/-/', address);
  // A listener on every address listens on loopback, too.
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return url.href;
}

/** The URLs by which other devices reach an address that `listen` returned; none for one that is this machine's alone. */
export function elsewhereUrls(address: string): string[] {
  if (address.startsWith('unix:')) return [];
  const url = new URL(address);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || isLoopback(host)) return [];
  if (host !== '0.0.0.0' && host !== '::') return [url.href];
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return found
    .filter(({ internal, address, family }) => !internal && (family === 'IPv4' || !/^fe80:/i.test(address)))
    .filter(({ family }) => host === '::' || family === 'IPv4')
    .sort((one, other) => one.family.localeCompare(other.family))
    .map(({ address, family }) => {
      url.hostname = family === 'IPv6' ? `[${address}]` : address;
      return url.href;
    });
}

/** Removes the socket of a process that was killed: nobody accepts connections on it, nor on what is no socket. */
async function removeDeadSocket(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  if (!isSocket) return;
  const dead = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  if (dead) await rm(path, { force: true });
}
