/**
 * The certificate that listeners show: read from its files, and read again when they change.
 *
 * Files that can't be used together, as in the midst of a renewal, change nothing: the listeners go on with what they have.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from './clock.ts';
import { ConfigError } from './config.ts';
import { errorWords } from './kit/system-words.ts';

/** Both files of a renewal are written within less, in milliseconds. */
const settlesIn = 300;

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

interface Listener {
  setSecureContext(options: SecureContextOptions): void;
}

export class Certificate {
  readonly #files: CertificateFiles;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #watchers: FSWatcher[] = [];
  #options: SecureContextOptions;
  #timer: Timer | null = null;

  private constructor(files: CertificateFiles, clock: Clock, options: SecureContextOptions) {
    this.#files = files;
    this.#clock = clock;
    this.#options = options;
  }

  /** Rejects with a `ConfigError` that names the file that is wrong. */
  static async read(files: CertificateFiles, clock: Clock): Promise<Certificate> {
    return new Certificate(files, clock, await optionsFrom(files));
  }

  get options(): SecureContextOptions {
    return this.#options;
  }

  /** A listener that shows it from now on. */
  add(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** Reads the files again. Resolves with whether they are others; rejects with a `ConfigError` and changes nothing. */
  async reread(): Promise<boolean> {
    const options = await optionsFrom(this.#files);
    if (String(options.cert) === String(this.#options.cert) && String(options.key) === String(this.#options.key)) {
      return false;
    }
    this.#options = options;
    for (const listener of this.#listeners) listener.setSecureContext(options);
    return true;
  }

  /** Calls back when the files may have changed, until it is closed. */
  watch(onChange: () => void): void {
    // The directories: programs that renew certificates put new files, or links, in the place of the old ones.
    for (const directory of new Set([dirname(this.#files.cert), dirname(this.#files.key)])) {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#timer?.cancel();
        this.#timer = this.#clock.after(settlesIn, onChange);
      });
      // Where nothing can be watched, as on some network drives, a reload reads them.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    }
  }

  close(): void {
    this.#timer?.cancel();
    for (const watcher of this.#watchers) watcher.close();
  }
}

async function optionsFrom({ cert: certFile, key: keyFile }: CertificateFiles): Promise<SecureContextOptions> {
  const [cert, key] = await Promise.all([textOf('tlsCert', certFile), textOf('tlsKey', keyFile)]);
  const options = { cert, key, minVersion: 'TLSv1.2' } as const;
  try {
    createSecureContext(options);
    return options;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new ConfigError([
      `tlsCert, tlsKey: "${certFile}" and "${keyFile}" are no certificate with its key (${reason})`,
    ]);
  }
}

async function textOf(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${setting}: "${path}" cannot be read: ${errorWords(error)}`]);
  }
}
