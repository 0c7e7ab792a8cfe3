/**
 * The thread that owns the index database: answers one `IndexCall` after another, each in one transaction.
 *
 * It is a thread of its own because a commit may wait tens of milliseconds for the disk. WAL with `synchronous =
 * NORMAL`: a power cut may lose the latest transactions, never their order, and never what makes the file a database.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { IndexAnswer, IndexCall, IndexPlace, ObjectRow, SegmentRow, WorkerCall } from './sqlite-index.ts';
import { StoreError } from './store.ts';

/** Of the tables below; any other number in a database means that it is not ours to read. */
const schemaVersion = 1;

const schema = `
  CREATE TABLE layout (block_size INTEGER NOT NULL, segment_size INTEGER NOT NULL) STRICT;
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    generation TEXT NOT NULL,
    representation TEXT NOT NULL CHECK (json_valid(representation)),
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE segments (
    object INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE,
    number INTEGER NOT NULL,
    blocks BLOB NOT NULL,
    sums BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (object, number)
  ) STRICT, WITHOUT ROWID;
`;

/** Says that the database is whole or not, but nothing that we may believe. */
function notOurs(message: string): StoreError {
  return new StoreError('CORRUPT', message);
}

type Row = Record<string, unknown>;

function openDatabase({ path, blockSize, segmentSize }: IndexPlace): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec('PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;');
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count;
  if (version === 0 && tables === 0) {
    database.exec(`BEGIN; ${schema} PRAGMA user_version = ${schemaVersion};`);
    database.prepare('INSERT INTO layout VALUES (?, ?)').run(blockSize, segmentSize);
    database.exec('COMMIT');
    return database;
  }
  if (version !== schemaVersion) throw notOurs(`its schema version is ${version}, not ${schemaVersion}`);
  const check = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (check !== 'ok') throw notOurs(String(check));
  const layout = database.prepare('SELECT block_size, segment_size FROM layout').get();
  if (layout?.block_size !== blockSize || layout.segment_size !== segmentSize) {
    throw notOurs('its blocks or segments have another size');
  }
  return database;
}

/** The statements of an open database, each prepared once. */
function prepareIndex(database: DatabaseSync) {
  const statement = {
    object: database.prepare('SELECT id, generation, representation, used FROM objects WHERE name = ?'),
    segments: database.prepare('SELECT number, blocks, sums, bytes, used FROM segments WHERE object = ?'),
    forget: database.prepare(`
      DELETE FROM objects WHERE name = :name AND generation = coalesce(:generation, generation)
      RETURNING generation`),
    forgetOthers: database.prepare('DELETE FROM objects WHERE name = ? AND generation <> ?'),
    saveObject: database.prepare(`
      INSERT INTO objects (name, generation, representation, created, used) VALUES (:name, :generation, :representation,
        :used, :used)
      ON CONFLICT (name) DO UPDATE SET representation = excluded.representation, used = excluded.used
      RETURNING id`),
    saveSegment: database.prepare(`
      INSERT OR REPLACE INTO segments (object, number, blocks, sums, bytes, used)
      VALUES (:object, :number, :blocks, :sums, :bytes, :used)`),
    forgetSegment: database.prepare('DELETE FROM segments WHERE object = ? AND number = ?'),
    list: database.prepare(`
      SELECT name, representation, coalesce(sum(bytes), 0) AS bytes
      FROM objects LEFT JOIN segments ON object = id
      WHERE name > ? GROUP BY id ORDER BY name LIMIT ?`),
    generations: database.prepare('SELECT name, generation FROM objects'),
  };

  function saveObject({ name, generation, representation, used, segments }: ObjectRow): void {
    statement.forgetOthers.run(name, generation);
    const saved = statement.saveObject.get({
      name,
      generation,
      representation: JSON.stringify(representation),
      used,
    });
    const object = saved?.id as SQLInputValue;
    for (const { number, blocks, sums, bytes, used } of segments) {
      if (bytes === 0) statement.forgetSegment.run(object, number);
      else statement.saveSegment.run({ object, number, blocks, sums, bytes, used });
    }
  }

  function answer(call: IndexCall): unknown {
    switch (call.kind) {
      case 'find': {
        const row = statement.object.get(call.name) as Row | undefined;
        if (row === undefined) return null;
        return {
          name: call.name,
          generation: row.generation,
          representation: JSON.parse(row.representation as string),
          used: row.used,
          segments: statement.segments.all(row.id as SQLInputValue) as unknown as SegmentRow[],
        };
      }
      case 'save':
        for (const object of call.objects) saveObject(object);
        return null;
      case 'remove':
        return statement.forget.get({ name: call.name, generation: call.generation })?.generation ?? null;
      case 'list':
        return (statement.list.all(call.after, call.limit) as Row[]).map((row) => ({
          ...row,
          representation: JSON.parse(row.representation as string),
        }));
      case 'generations':
        return (statement.generations.all() as Row[]).map(({ name, generation }) => `${name}.${generation}`);
    }
  }

  return (call: IndexCall): unknown => {
    database.exec('BEGIN');
    try {
      const value = answer(call);
      database.exec('COMMIT');
      return value;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
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

if (parentPort === null) throw new Error('The index runs in a worker thread.');
const port = parentPort;
let index: { database: DatabaseSync; answer: (call: IndexCall) => unknown };

function reply(number: number, work: () => unknown): void {
  let answer: IndexAnswer;
  try {
    answer = { number, value: work() };
  } catch (error) {
    answer = { number, code: systemCode(error), message: (error as Error).message };
  }
  port.postMessage(answer);
}

port.on('message', ({ number, call }: { number: number; call: WorkerCall }) => {
  reply(number, () => {
    if (call.kind === 'open') {
      const database = openDatabase(workerData as IndexPlace);
      index = { database, answer: prepareIndex(database) };
      return null;
    }
    if (call.kind === 'close') {
      index.database.close();
      return null;
    }
    return index.answer(call);
  });
});
