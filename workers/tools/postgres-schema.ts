/**
 * The tables of the journeys in PostgreSQL, and how older ones become newer.
 *
 * M1. A table of one row counts the migrations that were done; they run in one transaction under a lock, so that of many
 *     threads and hosts that open a new database at once, one migrates and the others find it done.
 * M2. A migration that was released is never changed: append the next one.
 * M3. What is sorted is compared byte by byte, whatever the database's language: names after their ASCII letters were
 *     made small, as the SQLite file does it.
 * M4. `words` has what searches look for (search-words.ts), since no extension of PostgreSQL can be relied on.
 */
import type { ClientBase } from 'pg';
import { ToolError } from '../../lib/call/tool-error.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE journeys (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" GENERATED ALWAYS AS (lower(name COLLATE "C")) STORED,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    tags TEXT NOT NULL,
    steps TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL,
    updated_at TEXT COLLATE "C" NOT NULL,
    words TEXT NOT NULL
  );
  CREATE INDEX journeys_by_name ON journeys (name_key, seq);
  CREATE INDEX journeys_by_updated_at ON journeys (updated_at, seq);
  CREATE INDEX journeys_by_status ON journeys (status);
  CREATE TABLE journey_tags (
    seq BIGINT NOT NULL REFERENCES journeys (seq) ON DELETE CASCADE,
    tag TEXT NOT NULL
  );
  CREATE INDEX journey_tags_by_seq ON journey_tags (seq);
  CREATE INDEX journey_tags_by_tag ON journey_tags USING hash (tag);
  `,
];

/** Of this project's among the advisory locks of a database. */
const LOCK = 7_309_451_210;

/** Brings the tables up to date. @throws {ToolError} `unavailable` when a newer release has written them. */
export async function migratePostgres(client: ClientBase): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await client.query('CREATE TABLE IF NOT EXISTS journeys_format (version INTEGER NOT NULL)');
    const { rows } = await client.query('SELECT version FROM journeys_format');
    const found = Number(rows[0]?.version ?? 0);
    if (found > MIGRATIONS.length) {
      throw new ToolError(
        'unavailable',
        `the journeys at JOURNEYS_URL have format ${found}, and this release knows formats up to ${MIGRATIONS.length}: update the gateway, or give another database`,
        { retryable: false },
      );
    }
    for (const migration of MIGRATIONS.slice(found)) await client.query(migration);
    if (rows.length === 0) await client.query('INSERT INTO journeys_format VALUES ($1)', [MIGRATIONS.length]);
    else await client.query('UPDATE journeys_format SET version = $1', [MIGRATIONS.length]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
