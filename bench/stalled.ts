/**
 * Paused players: the first byte of a cached film for others, while four hundred clients take nothing of the same film,
 * from one address and from as many; also with next to no memory to read from disk.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 256 * MiB;
const stalled = 400;

/** Others who come, and the milliseconds between two of them. */
const visits = 300;
const apart = 20;

/** So long it takes at most until the network is full of what four hundred clients do not take, in milliseconds. */
const settles = 5000;

/** Of the time to the first byte, the hundredth longest, in milliseconds. */
const goal = 50;

const cases = [
  { what: 'from one address', addresses: 1, flags: [] },
  { what: `from ${stalled} addresses`, addresses: stalled, flags: [] },
  { what: `from ${stalled} addresses, bufferMemory 1 MiB`, addresses: stalled, flags: ['--buffer-memory', '1MiB'] },
] as const;

export async function stalledReaders(program: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const each of cases) rows.push(await measure(program, each));
  return rows;
}

async function measure(program: string, { what, addresses, flags }: (typeof cases)[number]): Promise<Row> {
  await using stage = await Stage.open(program);
  const { url: base, footprint } = await stage.firstbyte(...flags);
  const url = `${base}/film?size=${size}`;
  const { seen } = await stage.run({ url, connections: 1, verify: true });
  if (seen.some(({ wrong, whole }) => wrong || !whole)) throw new Error('firstbyte gave a wrong film');
  stage.settle();
  const alone = await firstBytes(stage, url);
  const before = footprint.resident / MiB;
  const readers = await Promise.all(
    Array.from({ length: stalled }, (_, index) => stall(url, addressOf(index % addresses))),
  );
  const coming = await firstBytes(stage, url, visits / 3);
  await sleep(settles);
  const crowded = await firstBytes(stage, url);
  const held = footprint.resident / MiB - before;
  const gone = readers.filter(({ destroyed }) => destroyed).length;
  for (const reader of readers) reader.destroy();
  if (gone > 0) throw new Error(`${gone} of the stalled readers were cut off`);
  return {
    what: `${stalled} stalled readers ${what}: first byte of a cached film for others, p99`,
    goal: `<= ${goal} ms`,
    firstbyte: `${p99(crowded).toFixed(1)} ms, median ${crowded.median.toFixed(1)} (alone ${p99(alone).toFixed(1)}, ${alone.median.toFixed(1)}; while they come ${p99(coming).toFixed(1)}, ${coming.median.toFixed(1)}), ${held.toFixed(0)} MiB for them`,
    reached: p99(crowded) <= goal,
    figures: { p99: p99(crowded), crowded, coming, alone, held },
  };
}

/** Of others, each on a connection of its own and somewhere in the film. */
async function firstBytes(stage: Stage, url: string, count = visits): Promise<Series> {
  const times: number[] = [];
  for (let visit = 0; visit < count; visit += 1) {
    const start = Math.floor(Math.random() * (size - MiB));
    const { seen } = await stage.run({ url, connections: 1, start, enough: 1 });
    times.push(seen[0]?.firstByteAt ?? Number.POSITIVE_INFINITY);
    await sleep(apart);
  }
  return new Series(times);
}

function p99({ values }: Series): number {
  return values[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN;
}

function addressOf(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** Asks for all that follows some place, reads the head, and takes nothing more. */
async function stall(url: string, localAddress: string): Promise<Socket> {
  const { hostname, port, host, pathname, search } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on('error', () => {});
  const start = Math.floor(Math.random() * (size - 64 * MiB));
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=${start}-\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  // Where many come at once, a byte of patience may be all of it.
  const expected = 'HTTP/1.1 206 '.slice(0, head.length);
  if (!head.toString('latin1').startsWith(expected)) throw new Error(`no reply: ${head}`);
  socket.pause();
  return socket;
}
