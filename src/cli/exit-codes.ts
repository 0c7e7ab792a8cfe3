/** The exit codes, in one table for the program, `--help` and docs/reference/exit-codes.md. */

export const exitCodes = {
  stopped: { code: 0, meaning: 'Success, or a clean stop after a signal.' },
  failed: { code: 1, meaning: 'Failed while running.' },
  usage: { code: 2, meaning: 'Wrong command line or configuration, or Node is older than 24.' },
  listen: { code: 3, meaning: 'Cannot listen on an address, for instance because the port is in use.' },
  store: { code: 4, meaning: 'Cannot use the cache directory, or another process owns it.' },
  unreachable: { code: 5, meaning: 'No firstbyte is running, or it does not answer.' },
  unmatched: { code: 6, meaning: 'No cached file or origin matches.' },
  faulty: { code: 7, meaning: 'A check failed: `verify` found bad blocks, or `doctor` a failure.' },
  interrupted: { code: 130, meaning: 'Ended by SIGINT before it was done; `serve` by a second signal.' },
  terminated: { code: 143, meaning: 'Ended by SIGTERM before it was done; `serve` by a second signal.' },
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
