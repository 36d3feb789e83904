/**
 * What can be wrong with the file of the journeys, in words for the caller, and waiting for what passes by itself.
 *
 * K1. The two drivers tell result codes in different ways, a number or a name; here they come together.
 * K2. No path reaches a caller: the driver's own error goes along as the cause, for the log.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../../lib/call/tool-error.ts';

const PATIENCE_MS = 20_000;
/** A group of writes takes about as long; other pauses in one thread than in another let both through. */
const pauseMs = (): number => 1 + 3 * Math.random();

/** What went wrong in SQLite, by its primary result code; null for an error of anything else. */
type Trouble = 'busy' | 'full' | 'unwritable' | 'damaged' | 'io' | null;

const TROUBLE_BY_CODE: Readonly<Record<number, Trouble>> = {
  5: 'busy',
  6: 'busy',
  8: 'unwritable',
  10: 'io',
  11: 'damaged',
  13: 'full',
  14: 'unwritable',
  26: 'damaged',
};

const TROUBLE_BY_NAME: Readonly<Record<string, Trouble>> = {
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  SQLITE_READONLY: 'unwritable',
  SQLITE_IOERR: 'io',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_FULL: 'full',
  SQLITE_CANTOPEN: 'unwritable',
  SQLITE_NOTADB: 'damaged',
};

const ADVICE: Readonly<Record<Exclude<Trouble, null>, string>> = {
  busy: 'journeys are busy with other writers; try again',
  full: 'journeys cannot be written: the disk is full; free some space and try again',
  unwritable:
    'journeys cannot be read or written: the data folder is not accessible; check DATA_DIR and its owner',
  damaged:
    'journeys cannot be read: journeys.db in the data folder is damaged or no journeys file; restore it',
  io: 'journeys cannot be read or written: the disk reports an error',
};

function troubleOf(error: unknown): Trouble {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (typeof errcode === 'number') return TROUBLE_BY_CODE[errcode & 0xff] ?? null;
  if (typeof code !== 'string') return null;
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'].includes(code)) return 'unwritable';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full';
  // 'SQLITE_IOERR_WRITE' is an extended code of SQLITE_IOERR.
  return TROUBLE_BY_NAME[code.split('_', 2).join('_')] ?? null;
}

/** What a driver has thrown, as an error: one makes lists of a message and a code (sqlite.ts). */
function errorOf(thrown: unknown): unknown {
  if (!Array.isArray(thrown)) return thrown;
  const [message, code] = thrown as [string, string];
  return Object.assign(new Error(message), { code });
}

/** What a caller is told of an error: trouble with the file is `unavailable`, anything else stays itself. */
export function unavailableOr(thrown: unknown): unknown {
  const error = errorOf(thrown);
  const trouble = troubleOf(error);
  return trouble === null ? error : new ToolError('unavailable', ADVICE[trouble], { cause: error });
}

/**
 * Runs `work`, and again while another connection holds the lock, without blocking the thread in between.
 * `work` must leave no transaction open when it throws.
 * @throws {ToolError} `unavailable` when the file stays locked, or cannot be used at all.
 */
export async function whenFree<T>(work: () => T): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return work();
    } catch (thrown) {
      const error = errorOf(thrown);
      if (troubleOf(error) !== 'busy' || performance.now() > giveUpAt) throw unavailableOr(error);
      await sleep(pauseMs());
    }
  }
}
