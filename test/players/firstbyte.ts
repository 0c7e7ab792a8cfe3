/** firstbyte as a user starts it: the command, its ready line, SIGTERM. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './program.ts';

export interface Firstbyte extends AsyncDisposable {
  /** With a slash at the end. */
  readonly url: string;
}

/** Resolves once it accepts connections. */
export function startFirstbyte(cacheDir: string, ...flags: readonly string[]): Promise<Firstbyte> {
  return startBuild(join(import.meta.dirname, '../../src/cli.ts'), cacheDir, flags);
}

/** The same for another build: `command` is its `cli`. */
export async function startBuild(command: string, cacheDir: string, flags: readonly string[]): Promise<Firstbyte> {
  const anyPort = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const program = start(process.execPath, [command, 'serve', ...anyPort, '--cache-dir', cacheDir, ...flags]);
  const stop = async () => {
    program.process.kill('SIGTERM');
    await program.ended;
  };
  // The rest of its output is read and dropped, so that it never waits for us.
  const lines = createInterface({ input: program.process.stdout ?? process.stdin });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const ready = /^firstbyte ready on (http:\S+)$/.exec(line);
      if (ready?.[1]) resolve(ready[1]);
    });
    program.ended.then((code) => reject(new Error(`firstbyte ended with ${code}: ${program.errors()}`)));
  });
  return { url, [Symbol.asyncDispose]: stop };
}
