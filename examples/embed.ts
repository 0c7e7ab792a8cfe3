/**
 * firstbyte inside a program of your own: start it, follow what happens, play, stop.
 *
 *     node examples/embed.ts https://media.example/films holiday.mkv
 */
import { loadSettings, startDaemon } from '../src/index.ts';

const [base, film] = process.argv.slice(2);
if (base === undefined || film === undefined) {
  process.stderr.write('node examples/embed.ts BASE-URL FILM\n');
  process.exit(2);
}

// The same settings as on the command line, under the names that they have in a configuration file.
const { settings } = loadSettings({
  flags: { listen: '127.0.0.1:0', origins: { films: { url: base } }, store: 'memory', logLevel: 'error' },
  env: {},
});
const firstbyte = await startDaemon(settings);

firstbyte.events.subscribe((event) => {
  if (event.type === 'fill-state') process.stdout.write(`${event.path}: ${event.from} → ${event.to}\n`);
  if (event.type === 'retry') process.stdout.write(`${event.path}: asked again, because of ${event.cause}\n`);
});

const response = await fetch(`${firstbyte.addresses[0]}films/${film}`);
let received = 0;
for await (const bytes of response.body ?? []) received += bytes.length;
process.stdout.write(`${response.status}, ${received} bytes\n`);

await firstbyte.stop();
