/**
 * The journey store of this thread: opened at the first call that needs it, so that other threads pay nothing.
 *
 * H1. A failed opening is not kept: the next call tries again, when the disk may have been mended.
 * H3. With JOURNEYS_URL it is a database, else a file of DATA_DIR. The address may hold a password: it is taken out of
 *     what every module of the thread can read.
 * H2. Nothing is written into a file that was deleted or replaced: its name is what the next start will open. The
 *     store before is left to the garbage collector, since lists may still be reading from it.
 */
import { workerData } from 'node:worker_threads';
import { ToolError } from '../../lib/call/tool-error.ts';
import type { JourneyRecords } from './journey-records.ts';
import { JourneyStore } from './journey-store.ts';

const url = takenUrl(workerData);
let opening: Promise<JourneyRecords> | undefined;

export async function threadStore(): Promise<JourneyRecords> {
  const known = opening;
  const store = await opened();
  if (store.isInPlace()) return store;
  if (opening === known) {
    console.warn(
      'journeys.db in the data folder was deleted or replaced; journeys go on with what is there now',
    );
    opening = undefined;
  }
  return opened();
}

function opened(): Promise<JourneyRecords> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

async function open(): Promise<JourneyRecords> {
  if (url !== '') {
    const { PostgresJourneys } = await import('./postgres-journeys.ts');
    return PostgresJourneys.open(url);
  }
  const dataDir: unknown = dataDirOf(workerData);
  if (typeof dataDir !== 'string' || dataDir === '') {
    throw new ToolError(
      'unavailable',
      'journeys need a data folder, and the gateway was given none: set DATA_DIR',
      {
        retryable: false,
      },
    );
  }
  return JourneyStore.open(dataDir);
}

function dataDirOf(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'dataDir' in data ? data.dataDir : undefined;
}

function takenUrl(data: unknown): string {
  if (typeof data !== 'object' || data === null || !('journeysUrl' in data)) return '';
  const { journeysUrl } = data;
  Reflect.deleteProperty(data, 'journeysUrl');
  return String(journeysUrl ?? '');
}
