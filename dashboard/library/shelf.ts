/**
 * The stored objects of the library: as many pages as the user has scrolled to, for one query. They are loaded again
 * together, so that objects that come and go shift nothing.
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
  /** Whether the answer under way is out of date. */
  #stale = false;

  /** Sets the query. The old objects stay until the first answer. The same query is not sent again. */
  ask(question: Question): Promise<void> {
    if (JSON.stringify(question) === JSON.stringify(this.#question)) return this.#asking ?? Promise.resolve();
    this.#question = question;
    this.#wanted = pageSize;
    return this.refresh();
  }

  /** Loads objects until the first `count` are there. */
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
        // An answer to an earlier query is dropped.
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
