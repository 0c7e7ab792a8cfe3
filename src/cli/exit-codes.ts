/** How the process ends, in numbers: one table for the program, `--help` and docs/reference/exit-codes.md. */

export const exitCodes = {
  stopped: { code: 0, meaning: 'It did what was asked, or stopped cleanly after a signal.' },
  failed: { code: 1, meaning: 'It failed while it ran.' },
  usage: { code: 2, meaning: 'The command line or the configuration is wrong, or Node is older than 24.' },
  listen: { code: 3, meaning: 'It cannot listen on an address, for instance because the port is in use.' },
  store: { code: 4, meaning: 'The cache directory cannot be used, or another process owns it.' },
  interrupted: { code: 130, meaning: 'A second signal, SIGINT, ended it at once.' },
  terminated: { code: 143, meaning: 'A second signal, SIGTERM, ended it at once.' },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type ExitReason = keyof typeof exitCodes;
