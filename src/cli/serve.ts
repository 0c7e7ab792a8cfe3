/**
 * `firstbyte serve`: starts a daemon from settings, and ends it at a signal.
 *
 * After the first SIGTERM or SIGINT, replies continue for at most `drainTimeout`. The second one ends the process at
 * once.
 */
import type { LoadedSettings, Settings } from '../config.ts';
import type { Daemon } from '../daemon.ts';
import { StoreError } from '../store/store.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import type { Invocation, Surroundings } from './invocation.ts';

/** Resolves with the reason why it ended. */
export async function serve({ load, around }: Invocation): Promise<ExitReason> {
  const loaded = load();
  const { settings } = loaded;
  if (settings.origins.length === 0) {
    throw new CommandError(
      'usage',
      'No origin to serve: name at least one, such as --origin films=https://media.example/films',
    );
  }
  const daemon = await startHere(loaded, around);
  around.print(readyText(daemon.addresses, settings));
  return ended(daemon, around);
}

/** Starts a daemon in this process; rejects with a `CommandError` where it can't start. */
export async function startHere({ settings, sources }: LoadedSettings, { start }: Surroundings): Promise<Daemon> {
  try {
    return await start(settings, sources);
  } catch (error) {
    if (error instanceof StoreError) {
      throw new CommandError('store', `The cache directory cannot be used (${error.code}): ${error.message}`);
    }
    if (error instanceof Error && 'syscall' in error && /^(listen|bind|getaddrinfo)$/.test(String(error.syscall))) {
      throw new CommandError('listen', `Cannot listen: ${error.message}`);
    }
    throw new CommandError('failed', `Cannot start: ${error instanceof Error ? error.stack : error}`);
  }
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
