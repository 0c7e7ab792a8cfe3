/**
 * The stored objects that the library shows: as many pages as somebody has scrolled to, under one question. They are
 * asked for again as a whole, so that what has come and gone in between shifts nothing.
 */
import { signal } from '@preact/signals';
import type { ObjectPage, ObjectReport } from '../../src/control/answers.ts';
import { ApiProblem, get } from '../api/client.ts';

export interface Question {
  readonly q: string;
  readonly origin: string;
  readonly state: string;
  readonly pinned: boolean;
  readonly sort: 'path' | '-path' | 'used' | '-used' | 'bytes' | '-bytes';
}

export interface ShelfState {
  readonly objects: readonly ObjectReport[];
  readonly total: number;
  readonly bytes: number;
}

const pageSize = 200;
/** The API gives no more at once. */
const largestPage = 1000;

export class Shelf {
  /** `null` before the first answer. */
  readonly state = signal<ShelfState | null>(null);
  readonly problem = signal<ApiProblem | null>(null);
  #question: Question = { q: '', origin: '', state: '', pinned: false, sort: '-used' };
  #wanted = pageSize;
  #asking: Promise<void> | null = null;
  /** Whether an answer on its way is out of date. */
  #stale = false;

  /** Another question; what is shown stays until its first answer. The same one is not asked again. */
  ask(question: Question): Promise<void> {
    if (JSON.stringify(question) === JSON.stringify(this.#question)) return this.#asking ?? Promise.resolve();
    this.#question = question;
    this.#wanted = pageSize;
    return this.refresh();
  }

  /** Makes sure that the first `count` objects are there. */
  reach(count: number): void {
    const { objects = [], total = 0 } = this.state.value ?? {};
    if (count <= objects.length || objects.length >= total) return;
    this.#wanted = Math.ceil(count / pageSize) * pageSize;
    if (this.#asking === null) void this.refresh();
  }

  refresh(): Promise<void> {
    this.#stale = true;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      while (this.#stale || this.#isShort()) {
        this.#stale = false;
        const question = this.#question;
        const read = await this.#read(question, this.#wanted);
        // The answer to a question that nobody asks any more is not shown.
        if (question === this.#question) this.state.value = read;
      }
      this.problem.value = null;
    } catch (error) {
      this.problem.value = error instanceof ApiProblem ? error : new ApiProblem(null, String(error));
    }
  }

  #isShort(): boolean {
    const { objects = [], total = 0 } = this.state.value ?? {};
    return objects.length < Math.min(this.#wanted, total);
  }

  async #read({ pinned, ...words }: Question, wanted: number): Promise<ShelfState> {
    const objects: ObjectReport[] = [];
    const query = new URLSearchParams(Object.entries(words).filter(([, word]) => word !== ''));
    if (pinned) query.set('pinned', 'true');
    for (;;) {
      query.set('limit', String(Math.min(largestPage, wanted - objects.length)));
      const page = await get<ObjectPage>(`/objects?${query}`);
      objects.push(...page.objects);
      if (page.next === null || objects.length >= wanted) return { objects, total: page.total, bytes: page.bytes };
      query.set('cursor', page.next);
    }
  }
}
