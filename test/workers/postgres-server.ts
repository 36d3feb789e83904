/**
 * A PostgreSQL of the tests' own, on a free port: from the binaries on PATH, in POSTGRES_BIN or where Debian puts them. It
 * refuses to run as root, so that another user runs it then.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../support/gateway-process.ts';

const DEBIAN = '/usr/lib/postgresql';

/** The folder of its binaries; undefined where there are none. */
function findBinaries(): string | undefined {
  const debian = existsSync(DEBIAN)
    ? readdirSync(DEBIAN)
        .sort((one, other) => Number(other) - Number(one))
        .map((version) => join(DEBIAN, version, 'bin'))
    : [];
  const folders = [
    process.env['POSTGRES_BIN'] ?? '',
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...debian,
  ];
  return folders.find(
    (folder) => folder !== '' && ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))),
  );
}

/** Why there is none; undefined where there is one. */
export const missingPostgres = (): string | undefined =>
  findBinaries() === undefined
    ? 'PostgreSQL is not there: install it, or set POSTGRES_BIN to the folder of initdb and postgres'
    : undefined;

/** Whom it runs as; undefined: as this process does. */
function user(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (name: string, flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const name = idOf('postgres', '-u').status === 0 ? 'postgres' : 'nobody';
  return { uid: Number(idOf(name, '-u').stdout), gid: Number(idOf(name, '-g').stdout) };
}

export class PostgresServer {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(url: string, folder: string, server: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#process = server;
  }

  static async start(): Promise<PostgresServer> {
    const binaries = findBinaries() ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'journeys-postgres-'));
    const as = user();
    if (as) chownSync(folder, as.uid, as.gid);
    const data = join(folder, 'data');
    const flags = [
      '-D',
      data,
      '-U',
      'postgres',
      '--auth',
      'trust',
      '--no-sync',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
    ];
    const made = spawnSync(join(binaries, 'initdb'), flags, { ...as, cwd: folder, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const port = await freePort();
    const server = spawn(
      join(binaries, 'postgres'),
      ['-D', data, '-p', `${port}`, '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
      { ...as, cwd: folder, stdio: 'ignore' },
    );
    const postgres = new PostgresServer(`postgres://postgres@127.0.0.1:${port}/postgres`, folder, server);
    for (let tries = 0; tries < 600; tries++) {
      try {
        await postgres.query('SELECT 1');
        return postgres;
      } catch {
        await sleep(50);
      }
    }
    await postgres.close();
    throw new Error('PostgreSQL does not answer');
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 20_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  /** Nothing is in it any more. */
  async empty(): Promise<void> {
    await this.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGINT'); // at once, and in order
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
