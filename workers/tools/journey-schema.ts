/**
 * The tables of journeys.db, and how an older file becomes a newer one.
 *
 * M1. `PRAGMA user_version` counts the migrations that were done; they run in one BEGIN IMMEDIATE transaction, so
 *     of many threads and processes that open a new file at once, one migrates and the others find it done.
 * M2. A migration that was released is never changed: append the next one.
 * M3. The full-text index holds no text of its own (contentless); the store writes it in the same transaction.
 */
import { ToolError } from '../../lib/call/tool-error.ts';
import { type Database, transaction } from './sqlite.ts';
import { whenFree } from './storage-trouble.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE journeys (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    tags TEXT NOT NULL,
    steps TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX journeys_by_name ON journeys (name);
  CREATE INDEX journeys_by_updated_at ON journeys (updated_at);
  CREATE INDEX journeys_by_status ON journeys (status);
  CREATE TABLE journey_tags (
    tag TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES journeys (seq) ON DELETE CASCADE,
    PRIMARY KEY (tag, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX journey_tags_by_seq ON journey_tags (seq);
  CREATE VIRTUAL TABLE journey_search USING fts5 (
    name, description, tags,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  `,
];

const versionOf = (database: Database): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

/** Brings the file up to date. @throws {ToolError} `unavailable` when a newer release has written it. */
export async function migrate(database: Database): Promise<void> {
  const found = await whenFree(() => versionOf(database));
  if (found > MIGRATIONS.length) {
    throw new ToolError(
      'unavailable',
      `journeys.db has format ${found}, and this release knows formats up to ${MIGRATIONS.length}: update the gateway, or give another DATA_DIR`,
      { retryable: false },
    );
  }
  if (found === MIGRATIONS.length) return;
  await whenFree(() =>
    transaction(database, () => {
      // Another thread may have been faster between the look above and the lock.
      for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration);
      database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    }),
  );
}
