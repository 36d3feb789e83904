/**
 * What a dead thread's last words mean: the one place where Piscina's and Node's texts are matched, since they carry
 * no codes of their own. A test pins the texts.
 */

export interface ThreadDeath {
  readonly code: 'worker_crashed' | 'worker_out_of_memory';
  readonly message: string;
}

/** The end of a thread whose source knows what it died of. */
export class Death implements ThreadDeath {
  readonly code: ThreadDeath['code'];
  readonly message: string;

  constructor(code: ThreadDeath['code'], message: string) {
    this.code = code;
    this.message = message;
  }
}

/** What the calls of a thread are told that needed more heap than it may have. */
export const HEAP_FULL =
  'the thread ran out of heap (WORKER_HEAP_MB); process less at a time or raise the limit';

/** @param rejection what Piscina rejected the thread's runs with; null where nothing was said. */
export function explainDeath(rejection: unknown, wasKilled: boolean): ThreadDeath {
  if (rejection instanceof Death) return rejection;
  if (wasKilled) {
    return {
      code: 'worker_crashed',
      message: 'the thread was replaced because a call on it did not stop or blocked it',
    };
  }
  if ((rejection as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      code: 'worker_out_of_memory',
      message: HEAP_FULL,
    };
  }
  const exit = /worker exited with code: (-?\d+)/.exec(rejection instanceof Error ? rejection.message : '');
  const how = exit ? ` (exit code ${exit[1]})` : '';
  return { code: 'worker_crashed', message: `the thread ended in the middle of the call${how}` };
}
