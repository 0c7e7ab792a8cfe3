/** What was measured, as one JSON object a line in a file: a run that was ended goes on where it was. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { FilmName } from './films.ts';
import type { OperationName } from './operations.ts';
import type { StartName } from './origin.ts';
import type { PlayerName } from './players.ts';
import type { LinkName } from './profiles.ts';
import type { Way } from './ways.ts';
import type { Turn } from './wrong.ts';

/** What is done in one turn, both ways. */
export interface Case {
  readonly link: LinkName;
  readonly start: StartName;
  readonly film: FilmName;
  readonly player: PlayerName;
  readonly operation: OperationName;
}

/** One turn. */
export interface Result extends Case, Turn {
  readonly way: Way;
  readonly run: number;
  readonly commit: string;
  readonly machine: string;
  /** ISO 8601. */
  readonly at: string;
  /** Of the machine when the turn began, over one minute. */
  readonly load: number;
}

export class Results {
  readonly all: Result[];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    // What was being written when the machine stopped has no end.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    this.all = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Result);
  }

  find(wanted: Case & { way: Way; run: number; commit: string }): Result | null {
    const key = keyOf(wanted);
    return this.all.find((result) => keyOf(result) === key) ?? null;
  }

  add(result: Result): void {
    appendFileSync(this.#file, `${JSON.stringify(result)}\n`);
    this.all.push(result);
  }
}

/** What a case is called. */
export function nameOf({ link, start, film, player, operation }: Case): string {
  return [link, ...(start === 'ready' ? [] : [start]), film, player, operation].join(' ');
}

function keyOf(wanted: Case & { way: Way; run: number; commit: string }): string {
  return [nameOf(wanted), wanted.way, wanted.run, wanted.commit].join(' ');
}
