/**
 * The journey store of this thread: opened at the first call that needs it, so that other threads pay nothing.
 *
 * H1. A failed opening is not kept: the next call tries again, when the disk may have been mended.
 */
import { workerData } from 'node:worker_threads';
import { ToolError } from '../../lib/protocol/tool-error.ts';
import { JourneyStore } from './journey-store.ts';

let store: Promise<JourneyStore> | undefined;

export function threadStore(): Promise<JourneyStore> {
  store ??= open().catch((error: unknown) => {
    store = undefined;
    throw error;
  });
  return store;
}

async function open(): Promise<JourneyStore> {
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
