/** A real server on a port of loopback, from its program and a configuration, for as long as one test lasts. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../players/program.ts';

/** For a foreign program there is no event to wait for: it is asked again after so many milliseconds. */
const interval = 20;

/** Resolves once it accepts connections on `port`. */
export async function startServer(command: string, args: readonly string[], port: number): Promise<AsyncDisposable> {
  const program = start(command, args);
  while (!(await accepts(port))) {
    if (program.process.exitCode !== null) {
      throw new Error(`${command} ended with ${await program.ended}: ${program.errors()}`);
    }
    await sleep(interval);
  }
  return {
    async [Symbol.asyncDispose]() {
      program.process.kill('SIGTERM');
      await program.ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
