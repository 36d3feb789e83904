/**
 * Journeys in one SQLite file, `journeys.db` in the data folder, read and written by every thread and process.
 *
 * S1. A write that was answered is durable; a write that was not answered happened wholly or not at all.
 * S2. Transactions and reads are synchronous from begin to end, since calls of one thread share the connection:
 *     nothing is awaited inside one.
 * S3. The file is the only truth: nothing of it is kept in memory.
 * S4. A damaged row harms nothing but itself: lists leave it out, and the log tells of it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../../lib/call/tool-error.ts';
import { makeFolder } from '../../lib/runners/threads/environment/data-folder.ts';
import type { Journey, JourneyChanges, JourneyFields } from './journey.ts';
import {
  type ListedJourney,
  type ListFilter,
  type ListStart,
  type Position,
  pageQuery,
  readPage,
  soundJourney,
} from './journey-list.ts';
import { changedOf, DamageLog, type JourneyRecords, type JourneyStats } from './journey-records.ts';
import { migrate } from './journey-schema.ts';
import { type Database, openDatabase, type Row, type SqlValue, type Statement } from './sqlite.ts';
import { whenFree } from './storage-trouble.ts';
import { uuidV7 } from './uuid-v7.ts';
import { WriteGroup } from './write-group.ts';

const IMPORT_BATCH = 100;

export class JourneyStore implements JourneyRecords {
  readonly #database: Database;
  readonly #writes: WriteGroup;
  /** Prepared once per SQL text; the texts are few. */
  readonly #statements = new Map<string, Statement>();
  readonly #damage = new DamageLog('journeys.db');
  readonly #file: string;
  readonly #inode: number | undefined;

  private constructor(database: Database, file: string) {
    this.#database = database;
    this.#file = file;
    this.#inode = inodeOf(file);
    this.#writes = new WriteGroup(database);
  }

  /** Opens the file, made and migrated when needed. @throws {ToolError} `unavailable`, saying why. */
  static async open(dataDir: string): Promise<JourneyStore> {
    await whenFree(() => makeFolder(dataDir));
    const file = join(dataDir, 'journeys.db');
    const database = await openDatabase(file);
    try {
      await migrate(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return new JourneyStore(database, file);
  }

  /** False when the file was deleted, or another put in its place: what is written here is then lost. */
  isInPlace(): boolean {
    return this.#inode !== undefined && inodeOf(this.#file) === this.#inode;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** @throws {ToolError} `not_found`; `unavailable` for one whose row is damaged. */
  async get(id: string): Promise<Journey> {
    return whenFree(() => soundJourney(this.#rowOf(id)));
  }

  async create(fields: JourneyFields): Promise<Journey> {
    return this.#writes.run(() => this.#insert(fields, new Date().toISOString()));
  }

  /** @throws {ToolError} `not_found`; `conflict` when the version is not `expectedVersion`. */
  async update(id: string, changes: JourneyChanges, expectedVersion?: number): Promise<Journey> {
    return this.#writes.run(() => {
      const row = this.#rowOf(id);
      const before = soundJourney(row);
      if (expectedVersion !== undefined && expectedVersion !== before.version) {
        throw new ToolError(
          'conflict',
          `journey ${id} has version ${before.version}, not ${expectedVersion}: get it and try again`,
          { details: { id, expectedVersion, version: before.version } },
        );
      }
      const now = new Date().toISOString();
      const after: Journey = {
        ...before,
        ...changedOf(changes),
        version: before.version + 1,
      };
      if (now > before.updatedAt) after.updatedAt = now;
      after.tags = [...new Set(after.tags)];
      this.#prepare(
        'UPDATE journeys SET name = ?, description = ?, status = ?, tags = ?, steps = ?, version = ?, updated_at = ? WHERE id = ?',
      ).run(...contentOf(after), after.updatedAt, id);
      const seq = Number(row['seq']);
      this.#prepare('DELETE FROM journey_tags WHERE seq = ?').run(seq);
      this.#index(seq, after);
      return after;
    });
  }

  /** @throws {ToolError} `not_found` */
  async delete(id: string): Promise<void> {
    await this.#writes.run(() => {
      const seq = Number(this.#rowOf(id)['seq']);
      this.#prepare('DELETE FROM journey_search WHERE rowid = ?').run(seq);
      this.#prepare('DELETE FROM journeys WHERE seq = ?').run(seq);
    });
  }

  /**
   * Creates all or none. `onBatch` hears how many are written, and stops everything by throwing.
   */
  async import(journeys: readonly JourneyFields[], onBatch: (written: number) => void): Promise<void> {
    await this.#writes.run(() => {
      const now = new Date().toISOString();
      journeys.forEach((fields, index) => {
        this.#insert(fields, now);
        const written = index + 1;
        if (written % IMPORT_BATCH === 0 || written === journeys.length) onBatch(written);
      });
    });
  }

  /** The journeys that fit, in order, page by page, each read when it is asked for; at most `most`, after `after`. */
  async *pages(
    filter: ListFilter,
    after: Position | null = null,
    most = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<readonly ListedJourney[], void, void> {
    const start = await whenFree(() => this.#listStart());
    let last = after;
    for (let left = most; left > 0; ) {
      const { sql, values } = pageQuery(filter, start, last, left);
      const page = await whenFree(() => readPage(this.#prepare(sql).iterate(...values), filter.sort));
      if (page.length === 0) return;
      this.#damage.tell(page);
      yield page;
      for (const { journey } of page) if (journey) left--;
      last = page.at(-1)?.position ?? last;
    }
  }

  async stats(): Promise<JourneyStats> {
    return whenFree(() => {
      const count = (sql: string): Record<string, number> => {
        const rows = this.#prepare(sql).all() as { key: string; n: number }[];
        return Object.fromEntries(rows.map(({ key, n }) => [key, n]));
      };
      const byStatus = count(
        'SELECT status AS key, count(*) AS n FROM journeys GROUP BY status ORDER BY n DESC',
      );
      const byTag = count(
        'SELECT tag AS key, count(*) AS n FROM journey_tags GROUP BY tag ORDER BY n DESC, tag',
      );
      return { total: Object.values(byStatus).reduce((sum, n) => sum + n, 0), byStatus, byTag };
    });
  }

  #insert(fields: JourneyFields, now: string): Journey {
    const journey: Journey = {
      id: uuidV7(),
      ...fields,
      tags: [...new Set(fields.tags)],
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const { seq } = this.#prepare(
      'INSERT INTO journeys (id, name, description, status, tags, steps, version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq',
    ).get(journey.id, ...contentOf(journey), now, now) as { seq: number };
    this.#index(seq, journey);
    return journey;
  }

  /** Writes what is looked up by tag and by word. */
  #index(seq: number, { name, description, tags }: Journey): void {
    const addTag = this.#prepare('INSERT INTO journey_tags (tag, seq) VALUES (?, ?)');
    for (const tag of tags) addTag.run(tag, seq);
    this.#prepare(
      'INSERT OR REPLACE INTO journey_search (rowid, name, description, tags) VALUES (?, ?, ?, ?)',
    ).run(seq, name, description, tags.join('\n'));
  }

  #rowOf(id: string): Row {
    const row = this.#prepare('SELECT * FROM journeys WHERE id = ?').get(id) as Row | undefined;
    if (!row) throw new ToolError('not_found', `journey ${id.slice(0, 100)} does not exist`);
    return row;
  }

  #listStart(): ListStart {
    const { seq } = this.#prepare('SELECT coalesce(max(seq), 0) AS seq FROM journeys').get() as {
      seq: number;
    };
    return { lastSeq: seq, now: new Date().toISOString() };
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

const inodeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino;

/** The columns from `name` to `version`, in their order. */
function contentOf({ name, description, status, tags, steps, version }: Journey): SqlValue[] {
  return [name, description, status, JSON.stringify(tags), JSON.stringify(steps), version];
}
