/**
 * firstbyte inside a program of your own: follow what happens to a film, and read it.
 *
 *     node examples/embed.ts https://media.example/films holiday.mkv
 */
import { createFirstbyte } from 'firstbyte';

const [base, film] = process.argv.slice(2);
if (base === undefined || film === undefined) {
  process.stderr.write('node examples/embed.ts BASE-URL FILM\n');
  process.exit(2);
}

// The same settings as in a configuration file, under the same names. Without `cacheDir` the memory keeps the bytes.
await using cache = await createFirstbyte({ origins: { films: base }, maxSize: '1GB' });

cache.events.subscribe((event) => {
  if (event.type === 'fill-state') process.stdout.write(`${event.path}: ${event.from} → ${event.to}\n`);
  if (event.type === 'retry') process.stdout.write(`${event.path}: asked again, because of ${event.cause}\n`);
});

const response = await cache.fetch(`${base}/${film}`);
let received = 0;
for await (const bytes of response.body ?? []) received += bytes.length;
process.stdout.write(`${response.status}, ${received} bytes\n`);
