/**
 * One trace for each request, on the console: where the time to the first byte goes.
 *
 *     npm install @opentelemetry/api @opentelemetry/sdk-trace-base
 *     node examples/opentelemetry.ts https://media.example/films holiday.mkv
 *
 * An exporter to a collector takes the place of the console's in a program of your own.
 */
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { loadSettings, startDaemon } from 'firstbyte';
import { traceRequests } from 'firstbyte/otel';

const [base, film] = process.argv.slice(2);
if (base === undefined || film === undefined) {
  process.stderr.write('node examples/opentelemetry.ts BASE-URL FILM\n');
  process.exit(2);
}

const { settings } = loadSettings({
  flags: { listen: '127.0.0.1:0', origins: { films: { url: base } }, store: 'memory', logLevel: 'error' },
  env: {},
});
const firstbyte = await startDaemon(settings);
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] });
const stopTracing = traceRequests(firstbyte.events, { tracer: provider.getTracer('firstbyte') });

// The spans become children of this one, as they would of a player's or a front end's own.
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const response = await fetch(`${firstbyte.addresses[0]}films/${film}`, { headers: { traceparent } });
let received = 0;
for await (const bytes of response.body ?? []) received += bytes.length;
process.stdout.write(`${response.status}, ${received} bytes\n`);

await firstbyte.stop();
stopTracing();
await provider.shutdown();
