/** Questions and answers between the bench and a process that it started, over Node's channel between the two. */
import type { ChildProcess } from 'node:child_process';

interface Question {
  readonly number: number;
  readonly name: string;
  readonly words: unknown;
}

interface Answer {
  readonly number: number;
  readonly result?: unknown;
  readonly error?: string;
}

type Answers = Record<string, (words: never) => Promise<unknown>>;

/** Answers what the parent asks, until it goes away. */
export function answerAsked(answers: Answers): void {
  process.on('message', async ({ number, name, words }: Question) => {
    try {
      process.send?.({ number, result: await answers[name]?.(words as never) });
    } catch (error) {
      process.send?.({ number, error: String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}

/** The parent's end of a channel. */
export class Channel {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => this.#take(message as Answer));
    child.on('exit', (code) => {
      for (const { reject } of this.#open.values()) reject(new Error(`a process of the bench ended with ${code}`));
    });
  }

  ask<Result>(name: string, words: unknown = null): Promise<Result> {
    const question = { number: this.#next, name, words };
    this.#next += 1;
    const open = Promise.withResolvers<unknown>();
    this.#open.set(question.number, open);
    this.#child.send(question);
    return open.promise as Promise<Result>;
  }

  #take({ number, result, error }: Answer): void {
    const open = this.#open.get(number);
    this.#open.delete(number);
    if (error === undefined) open?.resolve(result);
    else open?.reject(new Error(error));
  }
}
