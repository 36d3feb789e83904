/**
 * Writes of one thread, committed together: what is asked for in one turn of the event loop shares a transaction,
 * and so one wait for the disk.
 *
 * W1. A write settles after the commit that holds it. One that throws is undone alone (a savepoint each); when the
 *     commit itself fails, all of the group fail.
 * W2. A transaction is synchronous from begin to commit: reads of the same connection never fall inside.
 */
import type { Database, Statement } from './sqlite.ts';
import { unavailableOr, whenFree } from './storage-trouble.ts';

/** A group that has taken this long ends: imports are long, and the thread has other calls. */
const GROUP_MS = 50;

interface Write {
  work(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class WriteGroup {
  readonly #database: Database;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #waiting: Write[] = [];
  #isScheduled = false;

  constructor(database: Database) {
    this.#database = database;
    this.#savepoint = database.prepare('SAVEPOINT one');
    this.#release = database.prepare('RELEASE one');
  }

  /** Runs `work` in the next transaction. @returns what it returned, once that is durable. */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as Write['resolve'], reject });
      if (!this.#isScheduled) this.#schedule();
    });
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(async () => {
      try {
        await whenFree(() => this.#commitGroup());
      } catch (error) {
        for (const write of this.#waiting.splice(0)) write.reject(error);
      }
      this.#isScheduled = false;
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  /** @throws the driver's error when the lock is not to be had; nothing is taken from the queue then. */
  #commitGroup(): void {
    this.#database.exec('BEGIN IMMEDIATE');
    const begunAt = performance.now();
    const group: Write[] = [];
    try {
      const settlings: (() => void)[] = [];
      for (const write of this.#waiting) {
        group.push(write);
        settlings.push(this.#attempt(write));
        if (performance.now() - begunAt > GROUP_MS) break;
      }
      this.#database.exec('COMMIT');
      for (const settle of settlings) settle();
    } catch (error) {
      this.#rollBack();
      for (const write of group) write.reject(unavailableOr(error));
    }
    this.#waiting.splice(0, group.length);
  }

  /** Runs one write; what it came to is told by calling the returned function. */
  #attempt({ work, resolve, reject }: Write): () => void {
    this.#savepoint.run();
    try {
      const value = work();
      this.#release.run();
      return () => resolve(value);
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK TO one; RELEASE one');
      } catch {
        // The whole transaction is gone (full disk, I/O error), and the first error says why.
        throw error;
      }
      return () => reject(unavailableOr(error));
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has done it by itself.
    }
  }
}
