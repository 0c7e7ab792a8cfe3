/**
 * The thread that owns the index database: answers one call after another, each in one transaction.
 *
 * It is a thread of its own because a commit may wait tens of milliseconds for the disk. WAL with `synchronous =
 * NORMAL`: a power cut may lose the latest transactions, never their order, and never what makes the file a database.
 * What is promised (a pin) is committed FULL, and with it everything before.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { type ObjectLabel, type StoredObject, StoreError } from '../../store.ts';
import { openDatabase } from './index-schema.ts';
import type { IndexLayout, ObjectRow, SegmentRow, UseRow } from './rows.ts';
import { statements } from './statements.ts';

type Row = Record<string, unknown>;

/** The statements of an open database, each prepared once. */
function prepareIndex(database: DatabaseSync, boot: string) {
  const statement = Object.fromEntries(
    Object.entries(statements).map(([name, text]) => [name, database.prepare(text)]),
  ) as Record<keyof typeof statements, StatementSync>;

  function find(name: string): ObjectRow | null {
    const row = statement.object.get(name) as Row | undefined;
    if (row === undefined) return null;
    return {
      name,
      generation: row.generation as string,
      label: labelOf(row),
      representation: JSON.parse(row.representation as string),
      pinned: row.pinned === 1,
      used: row.used as number,
      place: row.place as number | null,
      segments: statement.segments.all(boot, row.id as SQLInputValue) as unknown as SegmentRow[],
    };
  }

  function saveObject(row: ObjectRow): void {
    const { name, generation, label, representation, pinned, used, place, segments } = row;
    statement.forgetOthers.run(name, generation);
    const saved = statement.saveObject.get({
      name,
      generation,
      origin: label.origin,
      path: label.path,
      private: label.private === undefined ? null : Number(label.private),
      representation: JSON.stringify(representation),
      pinned: pinned ? 1 : 0,
      used,
    });
    const object = saved?.id as SQLInputValue;
    if (place !== null) statement.savePlace.run(object, place);
    for (const { number, ...segment } of segments) {
      const named = segment.bytes > 0 || segment.early.some((bits) => bits !== 0);
      if (named) statement.saveSegment.run({ object, number, boot, ...segment });
      else statement.forgetSegment.run(object, number);
    }
  }

  function use({ name, generation, used, segments }: UseRow): void {
    const object = statement.useObject.get(used, name, generation)?.id;
    if (object === undefined) return;
    for (const [number, usedAt] of segments) statement.useSegment.run(usedAt, object, number);
  }

  function list(after: string, limit: number): StoredObject[] {
    return (statement.list.all(after, limit) as Row[]).map((row) => ({
      name: row.name as string,
      label: labelOf(row),
      representation: JSON.parse(row.representation as string),
      bytes: row.bytes as number,
      pinned: row.pinned === 1,
      used: row.used as number,
    }));
  }

  /** As JSON, which SQLite makes and a thread hands over in half the time that as many rows take. */
  function objects(): string {
    return statement.objects.get()?.told as string;
  }

  return {
    find,
    save(given: readonly ObjectRow[]): void {
      for (const object of given) saveObject(object);
    },
    use(given: readonly UseRow[]): void {
      for (const object of given) use(object);
    },
    remove(name: string, generation: string | null): string | null {
      return (statement.forget.get({ name, generation })?.generation as string | undefined) ?? null;
    },
    drop(name: string, generation: string, segments: readonly number[]): void {
      for (const number of segments) statement.dropSegment.run(name, generation, number);
    },
    pin(name: string, pinned: boolean): boolean {
      return statement.pin.run({ name, pinned: pinned ? 1 : 0 }).changes === 1;
    },
    list,
    objects,
  };
}

function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function labelOf({ origin, path, private: marked }: Row): ObjectLabel {
  const label = { origin: origin as string, path: path as string };
  return marked === null ? label : { ...label, private: marked === 1 };
}

/** The system's code for what SQLite reports (https://sqlite.org/rescode.html; the low byte is the primary code). */
function systemCode(error: unknown): string {
  if (error instanceof StoreError) return error.code;
  const code = (error as { errcode?: number }).errcode ?? 0;
  const codes: Record<number, string> = {
    5: 'EBUSY',
    8: 'EROFS',
    11: 'CORRUPT',
    13: 'ENOSPC',
    14: 'EACCES',
    26: 'CORRUPT',
  };
  return codes[code & 0xff] ?? 'EIO';
}

type Prepared = ReturnType<typeof prepareIndex>;

/** What can be asked of the thread; `open` first. */
export interface IndexCalls extends Prepared {
  open(layout: IndexLayout): void;
  close(): void;
}

export type IndexAnswer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly code: string; readonly message: string };

interface IndexCall {
  readonly number: number;
  readonly method: keyof IndexCalls;
  readonly given: readonly unknown[];
}

if (parentPort === null) throw new Error('The index runs in a worker thread.');
const port = parentPort;
let database: DatabaseSync;
let prepared: Prepared;

function answer(method: keyof IndexCalls, given: readonly unknown[]): unknown {
  if (method === 'close') return database.close();
  if (method === 'open') {
    const [layout] = given as [IndexLayout];
    database = openDatabase(layout);
    prepared = prepareIndex(database, layout.boot);
    return;
  }
  const work = prepared[method] as (...given: readonly unknown[]) => unknown;
  if (method !== 'pin') return inTransaction(database, () => work(...given));
  database.exec('PRAGMA synchronous = FULL');
  try {
    return inTransaction(database, () => work(...given));
  } finally {
    database.exec('PRAGMA synchronous = NORMAL');
  }
}

port.on('message', ({ number, method, given }: IndexCall) => {
  let said: IndexAnswer;
  try {
    said = { number, value: answer(method, given) };
  } catch (error) {
    said = { number, code: systemCode(error), message: (error as Error).message };
  }
  port.postMessage(said);
});
