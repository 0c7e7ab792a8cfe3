/**
 * A refresh hook that is a program: the question as JSON on its standard input, the answer as JSON on its output.
 *
 * No shell is in between, and of the environment it gets no more than a search path. What it writes to standard error
 * goes nowhere, because it may hold secrets. When its time is over, it is killed with all that it has started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Refresh, type RefreshQuestion, unanswered } from './refresh.ts';

/** Bytes of an answer. */
const mostOutput = 64 * 1024;

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };

/** @param command the program and its arguments */
export function commandRefresh(command: readonly [string, ...string[]]): Refresh {
  return (question, signal) => run(command, question, signal);
}

function run([program, ...args]: readonly [string, ...string[]], question: RefreshQuestion, signal: AbortSignal) {
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      end();
      reject(unanswered(question.origin, why, cause));
    };
    if (signal.aborted) return reject(signal.reason);
    const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    const onAbort = () => {
      end();
      reject(signal.reason);
    };
    const end = () => {
      signal.removeEventListener('abort', onAbort);
      killAll(child);
    };
    signal.addEventListener('abort', onAbort, { once: true });

    const output: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (bytes: Buffer) => {
      output.push(bytes);
      size += bytes.length;
      if (size > mostOutput) fail('its command said too much');
    });
    child.once('error', (error: NodeJS.ErrnoException) => fail(`its command did not start (${error.code})`, error));
    child.once('close', (code, killedBy) => {
      if (code !== 0) return fail(`its command ended with ${code === null ? killedBy : `code ${code}`}`);
      signal.removeEventListener('abort', onAbort);
      try {
        resolve(JSON.parse(Buffer.concat(output).toString()));
      } catch {
        reject(unanswered(question.origin, 'its command wrote no JSON'));
      }
    });
    // Who does not read the question may answer all the same.
    child.stdin.on('error', () => {});
    child.stdin.end(`${JSON.stringify(question)}\n`);
  });
}

/** Ends the program and whatever it has started, which is in its group. */
function killAll(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
