/**
 * A refresh hook that is a program: the question as JSON on its standard input, the answer as JSON on its output.
 *
 * It runs without a shell, and its environment is a search path. Its standard error is thrown away, because it may hold
 * secrets. When its time is over, it is killed with every process that it has started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { untilAborted } from '../until-aborted.ts';
import { type Refresh, type RefreshQuestion, unanswered } from './refresh.ts';

/** Bytes of an answer. */
const mostOutput = 64 * 1024;

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };

/** @param command the program and its arguments */
export function commandRefresh(command: readonly [string, ...string[]]): Refresh {
  return (question, signal) => run(command, question, signal);
}

async function run(
  [program, ...args]: readonly [string, ...string[]],
  question: RefreshQuestion,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  signal.throwIfAborted();
  // It has neither input nor output where no descriptor is left for them.
  const child: ChildProcess = spawn(program, args, {
    env: environment,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  try {
    const output = outputOf(child, question.origin);
    // A program that does not read the question may answer all the same.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${JSON.stringify(question)}\n`);
    return JSON.parse(await untilAborted(output, signal));
  } catch (error) {
    throw error instanceof SyntaxError ? unanswered(question.origin, 'its command wrote no JSON') : error;
  } finally {
    end(child);
  }
}

/** Resolves with the output of the program when it has ended well. */
function outputOf(child: ChildProcess, origin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (bytes: Buffer) => {
      output.push(bytes);
      size += bytes.length;
      if (size > mostOutput) reject(unanswered(origin, 'its command said too much'));
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(unanswered(origin, `its command did not start (${error.code})`, error));
    });
    child.once('close', (code, killedBy) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      reject(unanswered(origin, `its command ended with ${code === null ? killedBy : `code ${code}`}`));
    });
  });
}

/** Kills the process group of the program, unless it has ended with all that could add to its output, which is let go of. */
function end(child: ChildProcess): void {
  const isOver = (child.exitCode !== null || child.signalCode !== null) && child.stdout?.destroyed !== false;
  child.stdin?.destroy();
  child.stdout?.destroy();
  if (child.pid === undefined || isOver) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
