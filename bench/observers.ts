/**
 * What it costs to be watched: hits with metrics, events and an open event stream beside none of them; and the first
 * byte of a cold film with a hundred clients of the event stream, of which ten read nothing, beside nobody.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const size = 256 * 1024 * 1024;
const connections = 4;

/** Milliseconds of each turn. */
const duration = 2000;
const hitRounds = 11;
const leastThroughput = 0.97;

const clients = 100;
const stalled = 10;
const viewerRounds = 9;

/** Cold films in each turn, and the milliseconds between two of them: by chance, so as to meet the stream at any moment. */
const films = 30;
const apart = { least: 20, most: 120 };
const mostLater = 1.05;

export async function observers(program: string): Promise<Row[]> {
  return [await throughput(program), await firstBytes(program)];
}

async function throughput(program: string): Promise<Row> {
  await using watched = await Stage.open(program);
  await using alone = await Stage.open(program, ['--import', join(import.meta.dirname, 'unobserved.ts')]);
  const servers = { watched: await watched.firstbyte(), alone: await alone.firstbyte() };
  const stages = { watched, alone };
  const film = (who: 'watched' | 'alone') => `${servers[who].url}/film?size=${size}`;
  for (const who of ['watched', 'alone'] as const) {
    const { seen } = await stages[who].run({ url: film(who), connections: 1, verify: true });
    if (seen.some(({ wrong, whole }) => wrong || !whole)) throw new Error(`the one that is ${who} gave a wrong film`);
  }
  const turn = async (who: 'watched' | 'alone') => {
    const before = servers[who].footprint.cpu;
    const { bytes, elapsed } = await stages[who].run({ url: film(who), connections, duration });
    return { speed: bytes / 1e6 / elapsed, cost: (servers[who].footprint.cpu - before) / (bytes / 1e9) };
  };
  await using observer = await Observer.open(servers.watched.url);
  const scrapes = new AbortController();
  const scraping = scrapeEach(servers.watched.url, 1000, scrapes.signal);
  const [speeds, ratios, costs]: [number[], number[], number[]] = [[], [], []];
  for (let round = -1; round < hitRounds; round += 1) {
    // Each goes first in every other round.
    const first = round % 2 === 0 ? await turn('alone') : null;
    const ours = await turn('watched');
    const theirs = first ?? (await turn('alone'));
    if (round < 0) continue;
    speeds.push(ours.speed);
    ratios.push(ours.speed / theirs.speed);
    costs.push(ours.cost / theirs.cost);
  }
  scrapes.abort();
  await scraping;
  if (observer.bytes < 1000) throw new Error(`the event stream told only ${observer.bytes} bytes`);
  const [ratio, cost] = [new Series(ratios), new Series(costs)];
  return {
    what: 'hits with metrics, events and an open event stream: throughput x without',
    goal: `>= ${leastThroughput}`,
    firstbyte: `${ratio.text(3)} ${new Series(speeds).median.toFixed(2)} GB/s, CPU x ${cost.median.toFixed(3)}`,
    reached: ratio.median >= leastThroughput,
    figures: { ratio, cost, speed: new Series(speeds) },
  };
}

async function firstBytes(program: string): Promise<Row> {
  await using stage = await Stage.open(program);
  const { url } = await stage.firstbyte();
  let next = 0;
  const median = async () => {
    const times: number[] = [];
    for (let count = 0; count < films; count += 1) {
      next += 1;
      const { seen } = await stage.run({ url: `${url}/cold-${next}?size=262144`, connections: 1 });
      times.push(seen[0]?.firstByteAt ?? Number.POSITIVE_INFINITY);
      await sleep(apart.least + Math.random() * (apart.most - apart.least));
    }
    return new Series(times).median;
  };
  for (let warmUp = 0; warmUp < 10; warmUp += 1) await median();
  const [before, ratios]: [number[], number[]] = [[], []];
  for (let round = 0; round < viewerRounds; round += 1) {
    const first = round % 2 === 0 ? await median() : null;
    const observers = await Promise.all(
      Array.from({ length: clients }, (_, place) => Observer.open(url, place < stalled)),
    );
    const watched = await median();
    for (const observer of observers) await observer[Symbol.asyncDispose]();
    const deaf = observers.filter(({ bytes }, place) => place >= stalled && bytes < 1000).length;
    if (deaf > 0) throw new Error(`${deaf} clients of the event stream were told next to nothing`);
    const alone = first ?? (await median());
    before.push(alone);
    ratios.push(watched / alone);
  }
  const ratio = new Series(ratios);
  return {
    what: `cold films with ${clients} clients of the event stream, ${stalled} stalled: first byte x without`,
    goal: `< ${mostLater}`,
    firstbyte: `${ratio.text(3)} of ${new Series(before).median.toFixed(2)} ms`,
    reached: ratio.median < mostLater,
    figures: { ratio, without: new Series(before) },
  };
}

/** A client of the event stream; one that is stalled reads its head and no more. */
class Observer implements AsyncDisposable {
  readonly #socket: Socket;
  bytes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
  }

  static async open(url: string, isStalled = false): Promise<Observer> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    const observer = new Observer(socket);
    socket.write(`GET /-/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`no event stream: ${head}`);
    if (isStalled) {
      socket.pause();
    } else {
      socket.on('data', (bytes) => {
        observer.bytes += bytes.length;
      });
    }
    return observer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}

async function scrapeEach(url: string, interval: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = await fetch(new URL('/-/metrics', url));
    if (!answer.ok) throw new Error(`a scrape was answered with ${answer.status}`);
    await answer.arrayBuffer();
    await sleep(interval, undefined, { signal }).catch(() => {});
  }
}
