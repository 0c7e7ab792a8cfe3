/**
 * `firstbyte serve`: from settings to a running daemon, and from signals to its end.
 *
 * The first SIGTERM or SIGINT lets replies go on for at most `drainTimeout`; a second one ends the process at once.
 */
import type { EventEmitter } from 'node:events';
import type { LoadedSettings, Settings } from '../config.ts';
import type { Daemon } from '../daemon.ts';
import { StoreError } from '../store/store.ts';
import type { ExitReason } from './exit-codes.ts';

/** What a command works with; tests put others in their place. */
export interface Surroundings {
  readonly start: (settings: Settings, settingSources: LoadedSettings['sources']) => Promise<Daemon>;
  /** Where SIGTERM and SIGINT arrive. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Resolves with the reason why it ended. */
export async function serve({ settings, sources }: LoadedSettings, around: Surroundings): Promise<ExitReason> {
  if (settings.origins.length === 0) {
    around.complain('No origin to serve: name at least one, such as --origin films=https://media.example/films\n');
    return 'usage';
  }
  let daemon: Daemon;
  try {
    daemon = await around.start(settings, sources);
  } catch (error) {
    return refusal(error, around);
  }
  around.print(readyText(daemon.addresses, settings));
  return ended(daemon, around);
}

/** Why the daemon did not start, in one sentence. */
function refusal(error: unknown, { complain }: Surroundings): ExitReason {
  if (error instanceof StoreError) {
    complain(`The cache directory cannot be used (${error.code}): ${error.message}\n`);
    return 'store';
  }
  if (error instanceof Error && 'syscall' in error && /^(listen|bind|getaddrinfo)$/.test(String(error.syscall))) {
    complain(`Cannot listen: ${error.message}\n`);
    return 'listen';
  }
  complain(`Cannot start: ${error instanceof Error ? error.stack : error}\n`);
  return 'failed';
}

function readyText(addresses: readonly string[], { origins }: Settings): string {
  const ready = addresses.map((address) => `firstbyte ready on ${address}\n`);
  const mounted = origins.map(({ name, url }) => `  /${name}/ is ${url.href}\n`);
  return [...ready, ...mounted].join('');
}

function ended(daemon: Daemon, { signals, complain }: Surroundings): Promise<ExitReason> {
  return new Promise((resolve) => {
    let draining = false;
    const finish = (reason: ExitReason) => {
      signals.off('SIGTERM', onTerminate).off('SIGINT', onInterrupt);
      resolve(reason);
    };
    const stopOr = (reason: ExitReason) => {
      if (draining) {
        daemon.kill();
        return finish(reason);
      }
      draining = true;
      daemon.stop().then(
        () => finish('stopped'),
        (error: unknown) => {
          complain(`It did not stop cleanly: ${error instanceof Error ? error.stack : error}\n`);
          finish('failed');
        },
      );
    };
    const onTerminate = () => stopOr('terminated');
    const onInterrupt = () => stopOr('interrupted');
    signals.on('SIGTERM', onTerminate).on('SIGINT', onInterrupt);
  });
}
