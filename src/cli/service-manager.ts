/**
 * What a service manager is told (sd_notify(3)): that firstbyte is ready, that it lives, and that it stops. Only this file
 * knows systemd; where no service manager wants to hear, nothing is told.
 *
 * Node has no sockets of the kind on which that is told. So systemd's own program tells it, a process for each message, and
 * the unit has `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process';
import type { Clock, Timer } from '../clock.ts';

/** What systemd says in the environment; absent where it wants to hear nothing. */
export interface ServiceVariables {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** How long it waits for a sign of life, in microseconds, and from which process. */
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

export class ServiceManager {
  readonly #clock: Clock;
  readonly #complain: (text: string) => void;
  readonly #wants: boolean;
  /** In milliseconds; `null` where nobody watches. */
  readonly #interval: number | null;
  #timer: Timer | null = null;
  #failed = false;

  constructor(variables: ServiceVariables, clock: Clock, complain: (text: string) => void) {
    const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: watched, WATCHDOG_PID: pid = String(process.pid) } = variables;
    this.#clock = clock;
    this.#complain = complain;
    this.#wants = socket !== '';
    const limit = Number(watched) / 1000;
    this.#interval = limit > 0 && pid === String(process.pid) ? limit / 2 : null;
  }

  /** It listens; signs of life follow, as long as this process gets to anything. */
  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`);
    this.#live();
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  /** No more signs of life. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #live(): void {
    if (this.#interval === null) return;
    this.#timer = this.#clock.after(this.#interval, () => {
      this.#tell('WATCHDOG=1');
      this.#live();
    });
  }

  #tell(...message: string[]): void {
    if (!this.#wants) return;
    execFile('systemd-notify', message, (error) => {
      if (error === null || this.#failed) return;
      this.#failed = true;
      this.#complain(`The service manager could not be told (systemd-notify): ${error.message.trim()}\n`);
    });
  }
}
