/**
 * The firstbyte that a command uses: the owner of the cache directory, the one that `--url` names, or one that is
 * started in this process until the command ends. A command uses all of them in the same way.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedSettings, Settings } from '../config.ts';
import type { Daemon } from '../daemon.ts';
import { type ControlAddress, ControlClient } from './control-client.ts';
import { CommandError } from './exit-codes.ts';
import { type Invocation, textOption } from './invocation.ts';
import { startHere } from './serve.ts';

export interface Session extends AsyncDisposable {
  readonly control: ControlClient;
  /** The URL for players, with a slash at the end; `null` where there is only a Unix socket. */
  readonly media: string | null;
  /** Whether it runs in this process, and ends with the command. */
  readonly here: boolean;
}

export interface SessionOptions {
  /** It must be running already. */
  readonly running?: true;
  /** Origins that replace the configured ones, where a firstbyte is started here. */
  readonly origins?: Readonly<Record<string, unknown>>;
}

/** Rejects with a `CommandError` where none runs and none can be started. */
export async function openSession(invocation: Invocation, options: SessionOptions = {}): Promise<Session> {
  const { around } = invocation;
  const url = textOption(invocation, 'url');
  const { settings } = invocation.load();
  if (url !== undefined) return sessionAt({ url: controlUrl(url), token: settings.token }, around);
  const owner = await livingOwner(settings.cacheDir);
  if (owner !== null && (await answers(owner, around))) return sessionAt(owner, around);
  if (options.running) {
    throw new CommandError(
      'unreachable',
      `No firstbyte is running on ${settings.cacheDir}: start one with firstbyte serve, or name one with --url`,
    );
  }
  const { origins } = options;
  const here = { listen: '127.0.0.1:0', ...(origins && { origins }) };
  return startedSession(invocation.load(here), around);
}

function sessionAt(address: ControlAddress, { clock }: Invocation['around'], daemon?: Daemon): Session {
  return {
    control: new ControlClient(address, clock),
    media: address.url.startsWith('unix:') ? null : new URL('..', address.url).href,
    here: daemon !== undefined,
    async [Symbol.asyncDispose]() {
      await daemon?.stop();
    },
  };
}

/** On a free port of loopback; it prints only errors. */
async function startedSession(loaded: LoadedSettings, around: Invocation['around']): Promise<Session> {
  const settings: Settings = { ...loaded.settings, logLevel: 'error' };
  const daemon = await startHere({ ...loaded, settings }, around);
  if (daemon.control === null) throw new Error('A daemon that listens has a control API.');
  return sessionAt(daemon.control, around, daemon);
}

/** `http://host:port/` as people write it, with or without `/-/`. */
function controlUrl(written: string): string {
  if (written.startsWith('unix:/')) return written;
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CommandError('usage', `--url: "${written}" is not a URL such as http://nas.local:8787/`);
  }
  url.pathname = url.pathname.replace(/(\/-)?\/?$/, '/-/');
  return url.href;
}

export interface Owner extends ControlAddress {
  readonly pid: number;
}

/** The content of the file `owner` of a cache directory; `null` where its process does not live. */
export async function livingOwner(directory: string): Promise<Owner | null> {
  try {
    const { pid, control, token, certificate, page } = JSON.parse(await readFile(join(directory, 'owner'), 'utf8'));
    if (typeof pid !== 'number' || typeof control !== 'string' || typeof token !== 'string') return null;
    process.kill(pid, 0);
    const [shown, where] = [typeof certificate === 'string' && { certificate }, page !== undefined && { page }];
    return { pid, url: control, token, ...shown, ...where };
  } catch {
    // No file, a file of an older version, or of a dead process: whoever opens the directory next checks its owner.
    return null;
  }
}

async function answers(address: ControlAddress, { clock }: Invocation['around']): Promise<boolean> {
  try {
    await new ControlClient(address, clock).get('store');
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.reason === 'unreachable') return false;
    throw error;
  }
}
