/** The exit codes, in one table for the program, `--help` and docs/reference/exit-codes.md. */

export const exitCodes = {
  stopped: { code: 0, meaning: 'It did what was asked, or stopped cleanly after a signal.' },
  failed: { code: 1, meaning: 'It failed while it ran.' },
  usage: { code: 2, meaning: 'The command line or the configuration is wrong, or Node is older than 24.' },
  listen: { code: 3, meaning: 'It cannot listen on an address, for instance because the port is in use.' },
  store: { code: 4, meaning: 'The cache directory cannot be used, or another process owns it.' },
  unreachable: { code: 5, meaning: 'No firstbyte is running where one is needed, or it does not answer.' },
  unmatched: { code: 6, meaning: 'Nothing in the cache, or no origin, is what was named.' },
  faulty: { code: 7, meaning: 'What was looked at is not well: `verify` found bad blocks, or `doctor` a failure.' },
  interrupted: { code: 130, meaning: 'SIGINT ended it before it was done; `serve` is ended so by a second signal.' },
  terminated: { code: 143, meaning: 'SIGTERM ended it before it was done; `serve` is ended so by a second signal.' },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type ExitReason = keyof typeof exitCodes;

/** Why a command failed, in sentences for its user. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly reason: ExitReason;

  constructor(reason: ExitReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
