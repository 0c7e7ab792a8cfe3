/**
 * `firstbyte serve`: starts a daemon from settings, and ends it at a signal.
 *
 * After the first SIGTERM or SIGINT, replies continue for at most `drainTimeout`. The second one ends the process at
 * once. SIGHUP reads the configuration again.
 */

import { renderUnicodeCompact } from 'uqr';
import { ConfigError, type LoadedSettings, type Settings } from '../config.ts';
import type { Daemon } from '../daemon.ts';
import { countWords, durationWords } from '../kit/amounts.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import type { Invocation, Surroundings } from './invocation.ts';
import { ServiceManager } from './service-manager.ts';
import { startTrouble } from './start-trouble.ts';

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
  const daemon = await startHere(loaded, around, load);
  around.print(readyText(daemon, settings, around));
  const manager = new ServiceManager(around.service, around.clock, around.complain);
  manager.ready(`Ready on ${daemon.addresses.join(', ')}`);
  try {
    return await ended(daemon, settings, manager, around);
  } finally {
    manager.end();
  }
}

/** Starts a daemon in this process; rejects with a `CommandError` where it can't start. */
export async function startHere(
  { settings, sources }: LoadedSettings,
  { start }: Surroundings,
  load?: () => LoadedSettings,
): Promise<Daemon> {
  try {
    return await start(settings, sources, load);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw startTrouble(error, settings);
  }
}

function readyText(
  { addresses, elsewhere, control }: Daemon,
  { origins, secretPath }: Settings,
  { terminal }: Surroundings,
): string {
  const ready = addresses.map((address) => `firstbyte ready on ${address}\n`);
  const mounted = origins.map(({ name, url }) => `  /${name}/ is ${url.href}\n`);
  const page = control === null || control.url.startsWith('unix:') ? [] : [`  page: ${control.url}\n`];
  const media = secretPath === null ? '' : 'SECRET/';
  const lan = elsewhere.flatMap((url) => [
    `  on other devices: ${url}${media}\n`,
    `  page on other devices: ${url}-/ (password: firstbyte page)\n`,
  ]);
  const [first] = elsewhere;
  const code = first !== undefined && terminal.isTerminal('out') ? [`\n${renderUnicodeCompact(`${first}-/`)}\n`] : [];
  return [...ready, ...mounted, ...page, ...lan, ...code].join('');
}

function stoppingText(requests: number, { drainTimeout }: Settings): string {
  if (requests === 0) return 'Stopping.\n';
  return `Stopping: ${countWords(requests, 'reply', 'replies')} may continue for ${durationWords(drainTimeout)}. Press Ctrl-C again to stop now.\n`;
}

function ended(
  daemon: Daemon,
  settings: Settings,
  manager: ServiceManager,
  { signals, complain }: Surroundings,
): Promise<ExitReason> {
  return new Promise((resolve) => {
    let draining = false;
    const finish = (reason: ExitReason) => {
      signals.off('SIGTERM', onTerminate).off('SIGINT', onInterrupt).off('SIGHUP', onHangUp);
      resolve(reason);
    };
    const stopOr = (reason: ExitReason) => {
      if (draining) {
        daemon.kill();
        return finish(reason);
      }
      draining = true;
      manager.stopping();
      complain(stoppingText(daemon.lent().requests, settings));
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
    const onHangUp = () => {
      daemon.reload().catch((error: unknown) => {
        complain(`Not reloaded: ${error instanceof Error ? error.message : error}\n`);
      });
    };
    signals.on('SIGTERM', onTerminate).on('SIGINT', onInterrupt).on('SIGHUP', onHangUp);
  });
}
