/** A history of calls with the documented limits, unless a test says otherwise. */
import { type HistoryLimits, MemoryHistory } from '../../lib/dispatch/history/memory-history.ts';

export const memoryHistory = (limits: Partial<HistoryLimits> = {}): MemoryHistory =>
  new MemoryHistory({
    resumeTtlMs: 120_000,
    resumeBytes: 1024 * 1024,
    resumeTotalBytes: 64 * 1024 * 1024,
    detachMaxMs: 300_000,
    ...limits,
  });
