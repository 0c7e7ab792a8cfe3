/** One call of a command, and everything outside of it that it uses. */
import type { EventEmitter } from 'node:events';
import type { Clock } from '../clock.ts';
import type { LoadedSettings, Settings } from '../config.ts';
import type { Terminal } from '../console.ts';
import type { Daemon } from '../daemon.ts';
import type { ExitReason } from './exit-codes.ts';
import type { ServiceVariables } from './service-manager.ts';

/** What a command uses of the process; tests replace it. */
export interface Surroundings {
  /** `load` reads the configuration again. */
  readonly start: (
    settings: Settings,
    settingSources: LoadedSettings['sources'],
    load?: () => LoadedSettings,
  ) => Promise<Daemon>;
  /** Where SIGTERM, SIGINT and SIGHUP arrive. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** What a service manager says in the environment. */
  readonly service: ServiceVariables;
}

export interface Invocation {
  readonly operands: readonly string[];
  /** A switch that was given, or a text. */
  readonly options: Readonly<Partial<Record<string, string | boolean>>>;
  /** Settings from flags, environment and file; those of `instead` replace them. */
  load(instead?: Readonly<Record<string, unknown>>): LoadedSettings;
  readonly around: Surroundings;
}

/** Why it ended; a number where it is the exit code of another program. */
export type Ending = ExitReason | number;

export type Command = (invocation: Invocation) => Promise<Ending>;

/** The value of an option that takes one. */
export function textOption({ options }: Invocation, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** Prints `document` where JSON is wanted, `text` otherwise. */
export function printAs({ options, around }: Invocation, text: string, document: unknown): void {
  around.print(options.json ? `${JSON.stringify(document, null, 2)}\n` : text);
}

/** Until disposed, the first SIGINT or SIGTERM aborts a signal; the second one ends the process. */
export class Interruption implements Disposable {
  readonly #signals: Surroundings['signals'];
  readonly #controller = new AbortController();
  #reason: 'interrupted' | 'terminated' | null = null;

  constructor({ signals }: Surroundings) {
    this.#signals = signals;
    signals.on('SIGINT', this.#onInterrupt).on('SIGTERM', this.#onTerminate);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Which signal came; `null` for none. */
  get reason(): 'interrupted' | 'terminated' | null {
    return this.#reason;
  }

  [Symbol.dispose](): void {
    this.#signals.off('SIGINT', this.#onInterrupt).off('SIGTERM', this.#onTerminate);
  }

  readonly #onInterrupt = () => this.#end('interrupted');
  readonly #onTerminate = () => this.#end('terminated');

  #end(reason: 'interrupted' | 'terminated'): void {
    this.#reason = reason;
    this[Symbol.dispose]();
    this.#controller.abort(new Error('It was interrupted.'));
  }
}
