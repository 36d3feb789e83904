/**
 * A SQLite connection from whichever driver this Node.js has: its own `node:sqlite`, else better-sqlite3.
 *
 * Q1. The two share the part of their API that is declared here, so no adapter stands between. A process uses one
 *     of them only: with two copies of SQLite, one would drop the other's locks on the file.
 * Q2. Both survive the termination of their thread in mid-write; other drivers abort the whole process then, and so does
 *     better-sqlite3 where it makes an error, unless that is made without a line of JavaScript.
 * Q3. `synchronous=FULL` in WAL mode: a commit that returned survives kill -9 and power loss.
 * Q4. SQLite itself never waits for a lock: it would block the thread, in steps too coarse for writes of a
 *     millisecond. `whenFree` waits.
 */
import { createRequire } from 'node:module';
import { ToolError } from '../../lib/call/tool-error.ts';
import { whenFree } from './storage-trouble.ts';

export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, SqlValue>>;

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  /** The connection refuses other work until the loop ends: never await inside. */
  iterate(...values: SqlValue[]): IterableIterator<unknown>;
}

export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): unknown;
}

type Driver = new (file: string) => Database;

let driver: Promise<Driver> | undefined;

/** Opens a file with this project's settings. @throws {ToolError} `unavailable` where no driver loads. */
export async function openDatabase(file: string): Promise<Database> {
  driver ??= loadDriver();
  const Database = await driver;
  return whenFree(() => {
    const database = new Database(file);
    try {
      database.exec('PRAGMA busy_timeout = 0');
      database.exec('PRAGMA journal_mode = WAL');
      database.exec('PRAGMA synchronous = FULL');
      database.exec('PRAGMA foreign_keys = ON');
      database.exec(`PRAGMA journal_size_limit = ${64 * 2 ** 20}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

async function loadDriver(): Promise<Driver> {
  const reasons: unknown[] = [];
  for (const load of [loadNodeSqlite, loadBetterSqlite]) {
    try {
      return await load();
    } catch (error) {
      reasons.push(error);
    }
  }
  throw new ToolError(
    'unavailable',
    `journeys need SQLite, and Node.js ${process.versions.node} has none: use Node.js 22.15 or newer, or install better-sqlite3 beside the gateway`,
    { retryable: false, cause: new AggregateError(reasons, reasons.map(String).join('\n')) },
  );
}

/** Node's own driver; its first releases came without the full-text index. */
function loadNodeSqlite(): Driver {
  const sqlite = withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'));
  if (!sqlite) throw new Error(`Node.js ${process.versions.node} has no node:sqlite`);
  const probe = new sqlite.DatabaseSync(':memory:');
  try {
    probe.exec(`CREATE VIRTUAL TABLE probe USING fts5(text, content='', contentless_delete=1)`);
  } finally {
    probe.close();
  }
  return sqlite.DatabaseSync as unknown as Driver;
}

async function loadBetterSqlite(): Promise<Driver> {
  const { default: BetterSqlite } = await import('better-sqlite3');
  // The native part loads with the first connection.
  new BetterSqlite(':memory:').close();
  const nativeBinding = ownBinding();
  if (nativeBinding === null) return BetterSqlite as unknown as Driver;
  return class extends (BetterSqlite as unknown as new (file: string, options: object) => Database) {
    constructor(file: string) {
      super(file, { nativeBinding });
    }
  };
}

/** What the native part of better-sqlite3 exports. */
interface Binding {
  isInitialized: boolean;
  setErrorConstructor(made: unknown): void;
}

/**
 * The native part once more, with errors that are lists of a message and a code (storage-trouble.ts makes errors of
 * them): its own class of errors is JavaScript, which a thread that is being terminated does not run, and then the native
 * part aborts the process. `Array` runs none. Tools that use better-sqlite3 themselves keep theirs.
 */
function ownBinding(): Binding | null {
  const { cache } = createRequire(import.meta.url);
  const file = Object.keys(cache).find((path) => path.endsWith('better_sqlite3.node'));
  if (file === undefined) return null;
  const loading: { exports: Partial<Binding> } = { exports: {} };
  process.dlopen(loading, file);
  const binding = loading.exports as Binding;
  binding.setErrorConstructor(Array);
  binding.isInitialized = true;
  return binding;
}

/** Node 22 and 24 call the driver experimental, once per thread; whoever reads it can do nothing about it. */
function withoutSqliteWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite')) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Runs `work` in one write transaction, which is durable when this returns and undone when it throws. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself (full disk, I/O error).
    }
    throw error;
  }
}
