/** Programs of the system as the player tests run them: each with its output, and ended with its test. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Program {
  readonly process: ChildProcess;
  /** Resolves with the exit code when the program has ended and its output is complete; never rejects. */
  readonly ended: Promise<number | null>;
  /** All that it has written to stderr so far. */
  errors(): string;
}

/** Starts a program. It is killed when `signal` aborts. */
export function start(
  command: string,
  args: readonly string[],
  signal?: AbortSignal,
  stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe'],
): Program {
  const child = spawn(command, args, { stdio });
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = once(child, 'close').then(
    ([code]) => code as number | null,
    (error: Error) => {
      errors += error.message;
      return null;
    },
  );
  ended.then(() => signal?.removeEventListener('abort', kill));
  return { process: child, ended, errors: () => errors };
}

/** Runs a program to its end and gives what it wrote to stdout; rejects with what it wrote to stderr if it failed. */
export async function run(command: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const program = start(command, args, signal);
  let output = '';
  program.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await program.ended;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${program.errors()}`);
  return output;
}
