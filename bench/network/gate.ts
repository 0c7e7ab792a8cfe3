/**
 * A slow start: accepts connections at once, and lets nothing through for a while; then it is open for all.
 *
 *   gate.ts PORT INNER_PORT MILLISECONDS     prints a line when it listens
 */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, innerPort, silent] = process.argv.slice(2).map(Number);
const awake = sleep(silent);

const server = createServer({ pauseOnConnect: true }, async (client) => {
  client.on('error', () => {});
  await awake;
  if (client.destroyed) return;
  const inner = connect({ host: '127.0.0.1', port: Number(innerPort) });
  inner.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.on('close', () => inner.destroy());
  client.pipe(inner).pipe(client);
});
server.listen(port, () => console.log('ready'));
process.once('SIGQUIT', () => process.exit());
