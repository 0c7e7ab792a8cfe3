/**
 * Downloads a film before anybody plays it, and shows how far it is.
 *
 *     node progress.ts https://media.example/films/holiday.mkv
 */
import { createFirstbyte, MediaError } from 'firstbyte';

const film = new URL(process.argv[2] ?? 'https://media.example/films/holiday.mkv');
await using cache = await createFirstbyte({ origins: { films: new URL('.', film) } });

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

/** What a program with a window would draw. */
async function show(signal: AbortSignal): Promise<void> {
  for await (const { state, bytes, length, speed } of cache.watch(film, { signal })) {
    const share = length === null ? '' : ` ${Math.floor((100 * bytes) / length)} %`;
    console.log(`${state}${share}, ${(speed / 1e6).toFixed(1)} MB/s`);
    if (state === 'complete') return;
  }
}

const shown = show(stop.signal).catch(() => {});
try {
  const bytes = await cache.warm(film, { signal: stop.signal });
  await shown;
  console.log(`${bytes} bytes are cached`);
} catch (error) {
  if (!(error instanceof MediaError)) throw error;
  console.log(`not to be had: ${error.message} (${error.status})`);
  stop.abort();
}
