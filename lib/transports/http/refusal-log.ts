/**
 * What is refused before it becomes a call, in the log: who, where, and why. What became a call is told with it.
 *
 * L1. At INFO what a person may have to act on (401, 403, 404, 429, 503), the caller's other mistakes at DEBUG.
 * L2. Bounded: ten lines a second of each code, then one with the number of the others.
 * L3. Neither a header that carries a key nor the query, which may carry one or a ticket.
 */
import { BoundedLines } from '../../async/bounded-lines.ts';
import type { TransportLog } from '../rendering/transport-log.ts';

export interface Refusal {
  readonly requestId: string;
  readonly address: string;
  /** Undefined where no request could be read. */
  readonly method: string | undefined;
  /** The path without its query. */
  readonly route: string;
  readonly code: string;
  readonly status: number;
  readonly reason: string;
}

const TOLD_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 429, 503]);
const LONGEST_ROUTE = 200;
const LONGEST_REASON = 300;

export class RefusalLog {
  readonly #log: TransportLog;
  readonly #lines: BoundedLines;

  constructor(log: TransportLog) {
    this.#log = log;
    this.#lines = new BoundedLines((kind, count) => {
      const [status, code] = kind.split(' ');
      const fields = { code, status: Number(status), untold: count };
      log(levelOf(Number(status)), 'more requests were refused', fields);
    });
  }

  add({ requestId, address, method, route, code, status, reason }: Refusal): void {
    if (status === 500 || !this.#lines.passes(`${status} ${code}`)) return; // a defect has a record of its own
    const fields = { requestId, address, method, route: route.slice(0, LONGEST_ROUTE), code, status };
    this.#log(levelOf(status), `refused: ${reason.slice(0, LONGEST_REASON)}`, fields);
  }
}

const levelOf = (status: number) => (TOLD_STATUSES.has(status) ? 'info' : 'debug');
