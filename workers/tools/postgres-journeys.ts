/**
 * Journeys in PostgreSQL (JOURNEYS_URL): for several hosts that serve the same journeys.
 *
 * P1. Nothing of it is kept in memory; each thread has a few connections, opened when they are needed.
 * P2. A page is one query, and its text is bounded there: nothing of a list stays open between two pages.
 * P3. No address and no password reaches a caller: the driver's own error goes along as the cause, for the log.
 */
import type { Pool, PoolClient } from 'pg';
import { ToolError } from '../../lib/call/tool-error.ts';
import type { Journey, JourneyChanges, JourneyFields } from './journey.ts';
import {
  type ListedJourney,
  type ListFilter,
  type Position,
  readPage,
  soundJourney,
} from './journey-list.ts';
import { changedOf, DamageLog, type JourneyRecords, type JourneyStats } from './journey-records.ts';
import { migratePostgres } from './postgres-schema.ts';
import { searchPatterns, searchText } from './search-words.ts';
import type { Row } from './sqlite.ts';
import { uuidV7 } from './uuid-v7.ts';

const IMPORT_BATCH = 100;
const PAGE_ROWS = 200;
const PAGE_CHARACTERS = 512 * 1024;
/** Of a thread. */
const MOST_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 5000;
const QUERY_TIMEOUT_MS = 30_000;
const SORT_COLUMN = { createdAt: 'seq', updatedAt: 'updated_at', name: 'name_key' } as const;

type Value = string | number | readonly string[] | null;

export class PostgresJourneys implements JourneyRecords {
  readonly #pool: Pool;
  readonly #damage = new DamageLog('the database of JOURNEYS_URL');

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Connects, and makes or migrates the tables. @throws {ToolError} `unavailable`, saying why. */
  static async open(url: string): Promise<PostgresJourneys> {
    const { default: pg } = await load();
    const pool = new pg.Pool({
      connectionString: url,
      max: MOST_CONNECTIONS,
      allowExitOnIdle: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      application_name: 'mcp-streaming-gateway',
    });
    pool.on('error', () => undefined); // an idle connection has gone: the next call opens another
    const store = new PostgresJourneys(pool);
    try {
      await store.#with(migratePostgres);
    } catch (error) {
      await pool.end().catch(() => undefined);
      throw error;
    }
    return store;
  }

  /** @throws {ToolError} what `work` throws, or `unavailable` for what is wrong with the database. */
  async #with<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let failure: unknown;
    try {
      client = await this.#pool.connect();
      return await work(client);
    } catch (error) {
      failure = error;
      throw inWords(error);
    } finally {
      // A connection that failed in the middle may be in any state.
      client?.release(failure !== undefined && !ToolError.is(failure));
    }
  }

  #transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      await client.query('BEGIN');
      try {
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async get(id: string): Promise<Journey> {
    return soundJourney(await this.#with((client) => rowOf(client, id, '')));
  }

  async create(fields: JourneyFields): Promise<Journey> {
    const journey = newJourney(fields, new Date().toISOString());
    await this.#transaction((client) => insert(client, [journey]));
    return journey;
  }

  update(id: string, changes: JourneyChanges, expectedVersion?: number): Promise<Journey> {
    return this.#transaction(async (client) => {
      const row = await rowOf(client, id, 'FOR UPDATE');
      const before = soundJourney(row);
      if (expectedVersion !== undefined && expectedVersion !== before.version) {
        throw new ToolError(
          'conflict',
          `journey ${id} has version ${before.version}, not ${expectedVersion}: get it and try again`,
          { details: { id, expectedVersion, version: before.version } },
        );
      }
      const now = new Date().toISOString();
      const after: Journey = { ...before, ...changedOf(changes), version: before.version + 1 };
      if (now > before.updatedAt) after.updatedAt = now;
      after.tags = [...new Set(after.tags)];
      await client.query(
        'UPDATE journeys SET name = $2, description = $3, status = $4, tags = $5, steps = $6, version = $7, updated_at = $8, words = $9 WHERE seq = $1',
        [row['seq'], ...contentOf(after), after.updatedAt, wordsOf(after)],
      );
      await client.query('DELETE FROM journey_tags WHERE seq = $1', [row['seq']]);
      await insertTags(client, [{ seq: Number(row['seq']), tags: after.tags }]);
      return after;
    });
  }

  async delete(id: string): Promise<void> {
    await this.#with(async (client) => {
      const { rowCount } = await client.query('DELETE FROM journeys WHERE id = $1', [id]);
      if (rowCount === 0) throw notFound(id);
    });
  }

  async import(journeys: readonly JourneyFields[], onBatch: (written: number) => void): Promise<void> {
    let stopped: { readonly by: unknown } | undefined;
    const work = async (client: PoolClient) => {
      const now = new Date().toISOString();
      for (let from = 0; from < journeys.length; from += IMPORT_BATCH) {
        const batch = journeys.slice(from, from + IMPORT_BATCH);
        await insert(
          client,
          batch.map((fields) => newJourney(fields, now)),
        );
        try {
          onBatch(from + batch.length);
        } catch (by) {
          stopped = { by };
          throw by;
        }
      }
    };
    try {
      await this.#transaction(work);
    } catch (error) {
      throw stopped ? stopped.by : error; // what stopped it is no trouble of the database
    }
  }

  async *pages(
    filter: ListFilter,
    after: Position | null = null,
    most = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<readonly ListedJourney[], void, void> {
    const now = new Date().toISOString();
    const lastSeq = await this.#with(async (client) => {
      const { rows } = await client.query('SELECT coalesce(max(seq), 0) AS seq FROM journeys');
      return Number(rows[0]?.seq);
    });
    let last = after;
    for (let left = most; left > 0; ) {
      const { sql, values } = pageQuery(filter, { lastSeq, now }, last, left);
      const { rows } = await this.#with((client) => client.query(sql, [...values]));
      const page = readPage(rows, filter.sort);
      if (page.length === 0) return;
      this.#damage.tell(page);
      yield page;
      for (const { journey } of page) if (journey) left--;
      last = page.at(-1)?.position ?? last;
    }
  }

  stats(): Promise<JourneyStats> {
    return this.#with(async (client) => {
      const count = async (sql: string): Promise<Record<string, number>> => {
        const { rows } = await client.query(sql);
        return Object.fromEntries(rows.map(({ key, n }) => [key, Number(n)]));
      };
      const byStatus = await count(
        'SELECT status AS key, count(*) AS n FROM journeys GROUP BY status ORDER BY n DESC',
      );
      const byTag = await count(
        'SELECT tag AS key, count(*) AS n FROM journey_tags GROUP BY tag ORDER BY n DESC, tag COLLATE "C"',
      );
      return { total: Object.values(byStatus).reduce((sum, n) => sum + n, 0), byStatus, byTag };
    });
  }

  isInPlace(): boolean {
    return true;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function load(): Promise<typeof import('pg')> {
  try {
    return await import('pg');
  } catch (error) {
    throw new ToolError('unavailable', 'JOURNEYS_URL is set, which needs the package pg: npm install pg', {
      retryable: false,
      cause: error,
    });
  }
}

const newJourney = (fields: JourneyFields, now: string): Journey => ({
  id: uuidV7(),
  ...fields,
  tags: [...new Set(fields.tags)],
  version: 1,
  createdAt: now,
  updatedAt: now,
});

const wordsOf = ({ name, description, tags }: Journey): string => searchText([name, description, ...tags]);

/** The columns from `name` to `version`, in their order. */
const contentOf = ({ name, description, status, tags, steps, version }: Journey): Value[] => [
  name,
  description,
  status,
  JSON.stringify(tags),
  JSON.stringify(steps),
  version,
];

async function insert(client: PoolClient, journeys: readonly Journey[]): Promise<void> {
  const columns = 10;
  const places = journeys.map(
    (_, at) => `(${Array.from({ length: columns }, (__, column) => `$${at * columns + column + 1}`).join()})`,
  );
  const values = journeys.flatMap((journey) => [
    journey.id,
    ...contentOf(journey),
    journey.createdAt,
    journey.updatedAt,
    wordsOf(journey),
  ]);
  // Rows get their numbers in the order of the list.
  const { rows } = await client.query(
    `INSERT INTO journeys (id, name, description, status, tags, steps, version, created_at, updated_at, words) VALUES ${places.join()} RETURNING id, seq`,
    values,
  );
  const numbers = new Map(rows.map(({ id, seq }) => [id as string, Number(seq)]));
  await insertTags(
    client,
    journeys.map(({ id, tags }) => ({ seq: numbers.get(id) ?? 0, tags })),
  );
}

async function insertTags(
  client: PoolClient,
  tagged: readonly { readonly seq: number; readonly tags: readonly string[] }[],
): Promise<void> {
  const pairs = tagged.flatMap(({ seq, tags }) => tags.map((tag) => [seq, tag] as const));
  if (pairs.length === 0) return;
  await client.query('INSERT INTO journey_tags (seq, tag) SELECT * FROM unnest($1::bigint[], $2::text[])', [
    pairs.map(([seq]) => seq),
    pairs.map(([, tag]) => tag),
  ]);
}

/** @throws {ToolError} `not_found` */
async function rowOf(client: PoolClient, id: string, lock: '' | 'FOR UPDATE'): Promise<Row> {
  const { rows } = await client.query(`SELECT * FROM journeys WHERE id = $1 ${lock}`, [id]);
  if (rows.length === 0) throw notFound(id);
  return rows[0] as Row;
}

const notFound = (id: string): ToolError =>
  new ToolError('not_found', `journey ${id.slice(0, 100)} does not exist`);

/** The query for the page after `after`. Only fixed text goes into the SQL; every value is bound. */
function pageQuery(
  { status, tag, query, sort }: ListFilter,
  { lastSeq, now }: { readonly lastSeq: number; readonly now: string },
  after: Position | null,
  most: number,
): { readonly sql: string; readonly values: readonly Value[] } {
  const isDescending = sort.startsWith('-');
  const column = SORT_COLUMN[sort.replace('-', '') as keyof typeof SORT_COLUMN];
  const [beyond, direction] = isDescending ? ['<', 'DESC'] : ['>', 'ASC'];
  const values: Value[] = [];
  const bound = (value: Value): string => `$${values.push(value)}`;
  const conditions = [`seq <= ${bound(lastSeq)}`];
  if (status !== undefined) conditions.push(`status = ${bound(status)}`);
  if (tag !== undefined)
    conditions.push(
      `EXISTS (SELECT 1 FROM journey_tags t WHERE t.tag = ${bound(tag)} AND t.seq = journeys.seq)`,
    );
  const patterns = searchPatterns(query);
  if (patterns?.length === 0) conditions.push('false');
  else if (patterns) conditions.push(`words LIKE ALL (${bound(patterns)}::text[])`);
  if (after && column === 'seq') conditions.push(`seq ${beyond} ${bound(after.seq)}`);
  else if (after) {
    const key = bound(String(after.key));
    const place = column === 'name_key' ? `lower(${key}::text COLLATE "C")` : key;
    conditions.push(`(${column}, seq) ${beyond} (${place}, ${bound(after.seq)})`);
  }
  if (column === 'updated_at' && !isDescending) conditions.push(`updated_at <= ${bound(now)}`);
  const order = column === 'seq' ? `seq ${direction}` : `${column} ${direction}, seq ${direction}`;
  const page = `SELECT * FROM journeys WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${bound(Math.min(most, PAGE_ROWS))}`;
  const size = 'length(description) + length(tags) + length(steps)';
  const before = `sum(${size}) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - (${size}) AS before`;
  const columns = 'seq, id, name, description, status, tags, steps, version, created_at, updated_at';
  const sql = `SELECT ${columns} FROM (SELECT *, ${before} FROM (${page}) p) s WHERE before < ${PAGE_CHARACTERS} ORDER BY ${order}`;
  return { sql, values };
}

/** SQLSTATEs of what an operator has to mend. */
const REFUSED = /^(?:28|3D|42501)/;

function inWords(error: unknown): ToolError {
  if (ToolError.is(error)) return error;
  const code = String((error as { readonly code?: unknown } | null)?.code ?? '');
  const say = (text: string, retryable: boolean) =>
    new ToolError('unavailable', `journeys cannot be read or written: ${text}`, { retryable, cause: error });
  if (REFUSED.test(code))
    return say('their database refuses the gateway; check JOURNEYS_URL and its rights', false);
  if (code.startsWith('53')) return say('their database has no room for it; try again later', true);
  if (/^[0-9A-Z]{5}$/.test(code) && !/^(?:08|57|40)/.test(code))
    return say('their database reports an error', false);
  return say('their database does not answer; try again', true);
}
