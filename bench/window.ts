/** A client reads a large cold film slowly from an origin that knows no limit: how far ahead it is fetched. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 4 * 1024 * MiB;

/** Bytes a second. */
const rate = 2_000_000;
const seconds = 20;

/** `readAhead` as it is set by default, and what may be on its way beside it. */
const most = 64 * MiB + MiB;
const mostMemory = 150 * MiB;

export async function window(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const nginx = await stage.nginx();
  const rows: Record<string, { ahead: number; sent: number; memory: number; counted: number }> = {};
  for (const server of [await stage.firstbyte(), ...(nginx === null ? [] : [nginx])]) {
    const path = `/large-${server.name}`;
    const before = await stage.bytesRead();
    const reading = stage.run({ url: `${server.url}${path}?size=${size}`, connections: 1, rate });
    const stats = server.name === 'firstbyte' ? new URL('/-/api/v1/stats', server.url) : null;
    let [ahead, counted] = [0, 0];
    for (let second = 0; second < seconds; second += 0.5) {
      await sleep(500);
      const { bytes } = await stage.sent(path);
      ahead = Math.max(ahead, bytes - ((await stage.bytesRead()) - before));
      if (stats !== null) counted = Math.max(counted, await fetchedAhead(stats));
    }
    const { bytes } = await stage.sent(path);
    rows[server.name] = { ahead, sent: bytes, memory: server.footprint.peak, counted };
    await stage.leave();
    await reading;
  }
  const [ours, theirs] = [rows.firstbyte ?? { ahead: 0, sent: 0, memory: 0, counted: 0 }, rows.nginx];
  const text = (bytes: number) => (bytes / MiB).toFixed(1);
  const figure = (bytes: number) => new Series([bytes]);
  return [
    {
      what: '4 GiB cold, read at 2 MB/s, unlimited origin: MiB fetched ahead of what was given to the client',
      goal: `<= ${text(most)}`,
      firstbyte: text(ours.counted),
      reached: ours.counted > 0 && ours.counted <= most,
      figures: { ahead: figure(ours.counted) },
    },
    {
      what: 'the same: MiB that left the origin ahead of what the client has read (with what the kernel holds)',
      goal: '-',
      firstbyte: text(ours.ahead),
      ...(theirs === undefined ? {} : { nginx: text(theirs.ahead) }),
      reached: null,
      figures: { ahead: figure(ours.ahead) },
    },
    {
      what: 'the same: most resident memory, MiB',
      goal: `<= ${text(mostMemory)}`,
      firstbyte: text(ours.memory),
      ...(theirs === undefined ? {} : { nginx: text(theirs.memory) }),
      reached: ours.memory <= mostMemory,
      figures: { memory: figure(ours.memory) },
    },
  ];
}

/** Bytes that firstbyte took in beyond those it gave out, by its own counters. */
async function fetchedAhead(stats: URL): Promise<number> {
  const { bytesLanded, bytesSent } = (await (await fetch(stats)).json()) as Record<string, Record<string, number>>;
  const sum = (counts: Record<string, number> = {}) => Object.values(counts).reduce((all, count) => all + count, 0);
  return sum(bytesLanded) - sum(bytesSent);
}
