/**
 * What goes to the terminal and comes from it: the only file that touches the console.
 *
 * Standard output carries what was asked for (the ready line, a list, a configuration), standard error everything
 * else. Nothing is imported by name, so that even a Node that is too old can be told so.
 */
import util from 'node:util';
import { errorWords } from './kit/system-words.ts';

/** The file descriptor that the log goes to. */
export const logDescriptor = 2;

type Place = 'out' | 'err';
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'inverse';

/** The terminal as the commands see it. */
export interface Terminal {
  isTerminal(place: Place): boolean;
  /** How wide and how high it is; 80 by 24 where nobody knows. */
  size(place: Place): { readonly columns: number; readonly rows: number };
  /** `text` in a style; as it is where there is no terminal, or no colour is wanted (NO_COLOR, FORCE_COLOR). */
  paint(place: Place, style: Style, text: string): string;
  /** Resolves when standard output wants more. */
  printBytes(bytes: Buffer): Promise<void>;
  /** Calls back with each key until the returned function is called; Ctrl-C is a key then, `\x03`. */
  onKey(listener: (key: string) => void): () => void;
  onResize(listener: () => void): () => void;
  /** Asks on standard error; `null` where nobody is there to answer. */
  ask(question: string): Promise<string | null>;
}

export function print(text: string): void {
  process.stdout.write(text);
}

export function complain(text: string): void {
  process.stderr.write(text);
}

/** Resolves when all that was printed is with the system, or was refused: only then may the process exit. */
export async function flushed(): Promise<void> {
  for (const output of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => output.write('', () => resolve()));
  }
}

/**
 * Whoever reads our output has left, as `head` does: that ends the process, and is no failure. Output that the system does
 * not take, as on a full disk, is one. Complaints that it does not take change nothing.
 */
export function endWithTheReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(`Cannot write to standard output: ${errorWords(error)}\n`);
    process.exit(1);
  });
  process.stderr.on('error', () => {});
}

function stream(place: Place): NodeJS.WriteStream {
  return place === 'out' ? process.stdout : process.stderr;
}

export const terminal: Terminal = {
  isTerminal: (place) => stream(place).isTTY === true,
  size: (place) => {
    const { columns, rows } = stream(place);
    return { columns: columns || 80, rows: rows || 24 };
  },
  paint: (place, style, text) => util.styleText(style, text, { stream: stream(place) }),
  printBytes: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    }),
  onKey(listener) {
    const { stdin } = process;
    if (!stdin.isTTY) return () => {};
    const onText = (text: Buffer) => listener(text.toString());
    stdin.setRawMode(true).on('data', onText).resume();
    return () => stdin.setRawMode(false).off('data', onText).pause();
  },
  onResize(listener) {
    process.stdout.on('resize', listener);
    return () => process.stdout.off('resize', listener);
  },
  ask(question) {
    const { stdin } = process;
    if (!stdin.isTTY) return Promise.resolve(null);
    complain(question);
    return new Promise((resolve) => {
      const answered = (text: Buffer | null) => {
        stdin.off('data', answered).off('end', left).pause();
        resolve(text === null ? null : text.toString().trim());
      };
      // Ctrl-D.
      const left = () => answered(null);
      stdin.on('data', answered).on('end', left);
    });
  },
};
