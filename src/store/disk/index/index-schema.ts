/**
 * The tables of the index database, and how one of an earlier version is brought to this one.
 *
 * A database is opened, migrated in place in one transaction, or refused as not ours to read: an unknown version is
 * never guessed at.
 */
import { DatabaseSync } from 'node:sqlite';
import { type Representation, storedFields } from '../../../http/representation.ts';
import { showablePath } from '../../../showable.ts';
import { StoreError } from '../../store.ts';
import type { IndexLayout } from './rows.ts';

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

/** An earlier version reads and writes a database with this table as if it were not there. */
const additions = `
  CREATE TABLE IF NOT EXISTS places (
    object INTEGER PRIMARY KEY REFERENCES objects ON DELETE CASCADE,
    place INTEGER NOT NULL
  ) STRICT;
`;

/** SQLITE_CORRUPT, the primary code. */
const sqliteCorrupt = 11;

/** What leads from version `n + 1` to the next; the schema above is version 1. */
const migrations: readonly ((database: DatabaseSync) => void)[] = [
  // Labels, pins, and blocks that count until the machine is started again.
  (database) =>
    database.exec(`
      ALTER TABLE objects ADD COLUMN origin TEXT NOT NULL DEFAULT '';
      ALTER TABLE objects ADD COLUMN path TEXT NOT NULL DEFAULT '';
      ALTER TABLE objects ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE segments ADD COLUMN early BLOB NOT NULL DEFAULT x'';
      ALTER TABLE segments ADD COLUMN boot TEXT NOT NULL DEFAULT '';
    `),
  // Whether an object is for one client, which nobody knows of those that there are; and no secrets any more.
  (database) => {
    database.exec('ALTER TABLE objects ADD COLUMN private INTEGER');
    database.function('without_secrets', { deterministic: true }, (text) => withoutSecrets(String(text)));
    database.function('showable_path', { deterministic: true }, (path) => showablePath(String(path)));
    database.exec(`
      UPDATE objects SET representation = without_secrets(representation), path = showable_path(path)
      WHERE representation <> without_secrets(representation) OR path <> showable_path(path)
    `);
  },
];

/** The tables are as they are written and read here; but what was deleted may still stand between their rows. */
const migrated = migrations.length + 1;

/** Nothing stands in the file but its rows. */
const newest = migrated + 1;

function withoutSecrets(text: string): string {
  const representation = JSON.parse(text) as Representation;
  return JSON.stringify({ ...representation, fields: storedFields(representation.fields) });
}

/** Says that the database is whole or not, but nothing that we may believe. */
function notOurs(message: string): StoreError {
  return new StoreError('CORRUPT', message);
}

export function openDatabase({ path, blockSize, segmentSize }: IndexLayout): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec('PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;');
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count;
  if (version === 0 && tables === 0) {
    database.exec(`BEGIN; ${schema}`);
    database.prepare('INSERT INTO layout VALUES (?, ?)').run(blockSize, segmentSize);
    migrate(database, 1, newest);
    database.exec(additions);
    return database;
  }
  if (version < 1 || version > newest) throw notOurs(`its schema version is ${version}, not one up to ${newest}`);
  const check = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (check !== 'ok') throw notOurs(String(check));
  const layout = database.prepare('SELECT block_size, segment_size FROM layout').get();
  if (layout?.block_size !== blockSize || layout.segment_size !== segmentSize) {
    throw notOurs('its blocks or segments have another size');
  }
  if (version < migrated) {
    database.exec('BEGIN');
    migrate(database, version, migrated);
  }
  if (version < newest) wipe(database);
  database.exec(additions);
  return database;
}

/** Ends the transaction in which it is called. */
function migrate(database: DatabaseSync, version: number, to: number): void {
  for (const step of migrations.slice(version - 1)) step(database);
  database.exec(`PRAGMA user_version = ${to}; COMMIT;`);
}

/** Writes the file anew, its rows alone; where that can't be done now, for want of room above all, at the next opening. */
function wipe(database: DatabaseSync): void {
  try {
    database.exec(`VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = ${newest};`);
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === sqliteCorrupt) throw error;
  }
}
