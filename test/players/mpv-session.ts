/** One mpv, steered over its JSON IPC: https://mpv.io/manual/stable/#json-ipc */
import { EventEmitter, once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { type Program, start } from './program.ts';

/** An event of mpv's, or its reply to a command. */
export interface MpvMessage {
  readonly request_id?: number;
  readonly error?: string;
  readonly event?: string;
  readonly name?: string;
  readonly data?: unknown;
  readonly reason?: string;
}

export class MpvSession implements AsyncDisposable {
  /** The last `time-pos` that it told, in seconds; it is told once `time-pos` is observed. */
  position = Number.NaN;
  readonly #program: Program;
  readonly #ipc: Duplex;
  readonly #lines: Interface;
  /** What it said and nobody has read; it is never kept from saying more, or it would stand still. */
  readonly #unread: string[] = [];
  readonly #news = new EventEmitter();
  #isOver = false;
  #output = '';
  #requests = 0;

  /** Opens `url`, without pictures and sound, under mpv's own settings but for `flags`. */
  constructor(url: string, flags: readonly string[], signal: AbortSignal) {
    const args = ['--no-config', '--vo=null', '--ao=null', '--input-ipc-client=fd://3', ...flags, url];
    this.#program = start('mpv', args, signal, ['ignore', 'pipe', 'pipe', 'pipe']);
    this.#program.process.stdout?.on('data', (text) => {
      this.#output += text;
    });
    this.#ipc = this.#program.process.stdio[3] as Duplex;
    // Writing to an mpv that is gone must not end the test before its reason is told.
    this.#ipc.on('error', () => {});
    this.#lines = createInterface({ input: this.#ipc });
    this.#lines.on('line', (line) => {
      this.#unread.push(line);
      this.#news.emit('change');
    });
    this.#lines.on('close', () => {
      this.#isOver = true;
      this.#news.emit('change');
    });
  }

  /** Its exit code, when it has ended. */
  get ended(): Promise<number | null> {
    return this.#program.ended;
  }

  /** All that it has printed. */
  get output(): string {
    return `${this.#output}${this.#program.errors()}`;
  }

  /** Calls `listener` with each message as it comes, also with those that `until` and `ask` read. */
  listen(listener: (message: MpvMessage) => void): void {
    this.#lines.on('line', (line) => listener(JSON.parse(line)));
  }

  /** Reads its messages up to the one that is awaited. */
  async until(isAwaited: (message: MpvMessage) => boolean): Promise<MpvMessage> {
    for (;;) {
      const line = this.#unread.shift();
      if (line === undefined) {
        if (this.#isOver) throw new Error(`mpv ended with ${await this.ended}: ${this.output}`);
        await once(this.#news, 'change');
        continue;
      }
      const message = JSON.parse(line) as MpvMessage;
      if (message.name === 'time-pos' && typeof message.data === 'number') this.position = message.data;
      if (isAwaited(message)) return message;
    }
  }

  /** Gives a command and reads up to its reply. */
  async ask(...command: unknown[]): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    this.#ipc.write(`${JSON.stringify({ command, request_id: id })}\n`);
    const { error, data } = await this.until(({ request_id, event }) => request_id === id && event === undefined);
    if (error !== 'success') throw new Error(`mpv answers ${command.join(' ')} with: ${error}`);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.process.kill('SIGKILL');
    await this.ended;
  }
}
