/**
 * What goes to the terminal: the only file that writes to the console.
 *
 * Standard output carries what was asked for (the ready line, a configuration), standard error everything else.
 * Nothing is imported here, so that even a Node that is too old can be told so.
 */

/** The file descriptor that the log goes to. */
export const logDescriptor = 2;

export function print(text: string): void {
  process.stdout.write(text);
}

export function complain(text: string): void {
  process.stderr.write(text);
}
