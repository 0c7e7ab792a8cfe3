/**
 * A rehearsal: a small film is played through a daemon of its own, over loopback, before anybody asks for one. V8 compiles
 * what a request runs through when it runs first, which would make the first reply of a process later by some ten
 * milliseconds.
 *
 * Nothing of it is left: store, events, counters and log are its own, and it listens for as long as it takes. What goes
 * wrong in it is nobody's trouble.
 */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { fixedBudgets } from './budgets.ts';
import { systemClock, within } from './clock.ts';
import { loadSettings } from './config.ts';
import { startDaemon } from './daemon.ts';
import { never, untilAborted } from './until-aborted.ts';

/** Bytes: so few, because a process keeps the memory that it ever needed. */
const film = { length: 192 * 1024, beginning: 16 * 1024 };

/** How often it is played: what runs a second time is compiled once more where it saw something new. */
const plays = 4;

/**
 * Resolves when it is over, with whether it came to its end: it may fail, or take too long. Never rejects.
 *
 * `collect` has V8 collect its garbage. It would do that for the first time with the second or third request. It is called
 * while all is in use that a request runs through: what V8 has learned of it is kept.
 */
export async function rehearse(collect = () => {}): Promise<boolean> {
  const late = () => new Error('the rehearsal took too long');
  const limits = { clock: systemClock, limit: fixedBudgets.rehearsal.ms, late, signal: never };
  try {
    await within(limits, (signal) => play(collect, signal));
    return true;
  } catch {
    return false;
  }
}

async function play(collect: () => void, signal: AbortSignal): Promise<void> {
  const origin = createServer((request, response) => {
    const [, first = '0'] = /bytes=(\d+)/.exec(request.headers.range ?? '') ?? [];
    const start = Math.min(Number(first), film.length - 1);
    const length = film.length - start;
    response.writeHead(206, {
      'content-type': 'video/mp4',
      'content-length': length,
      'content-range': `bytes ${start}-${film.length - 1}/${film.length}`,
      etag: '"rehearsal"',
    });
    response.end(Buffer.alloc(length));
  });
  try {
    const url = `http://127.0.0.1:${await portOf(origin, signal)}`;
    const flags = { store: 'memory', listen: '127.0.0.1:0', origins: { rehearsal: url } };
    const { settings } = loadSettings({ flags, env: {} });
    const daemon = await startDaemon(settings, { log() {} });
    try {
      const [address = ''] = daemon.addresses;
      for (let number = 0; number < plays; number += 1) {
        const start = number % 2 === 0 ? Math.floor(film.length * 0.9) : 0;
        await untilAborted(ask(Number(new URL(address).port), `/rehearsal/${number}.mp4`, start), signal);
      }
      collect();
    } finally {
      daemon.kill();
      await daemon.stop();
    }
  } finally {
    origin.close();
    origin.closeAllConnections();
  }
}

async function portOf(server: Server, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen({ port: 0, host: '127.0.0.1' }, resolve);
  await untilAborted(promise, signal);
  return (server.address() as AddressInfo).port;
}

/** Leaves when the film has begun, as a player does that seeks. */
function ask(port: number, path: string, start: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = createConnection(port, '127.0.0.1');
  let received = 0;
  socket.on('error', () => {});
  socket.on('close', () => resolve());
  socket.on('data', ({ length }) => {
    received += length;
    if (received >= film.beginning) socket.destroy();
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nRange: bytes=${start}-\r\n\r\n`);
  return promise;
}
