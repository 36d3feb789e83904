/**
 * Tickets: what a client that can send no header, such as an EventSource, puts into its address in place of a key.
 *
 * T1. Good for one call: a ticket is bound to the call that it starts, or first reads, and then reads that call alone. A
 *     call that was refused before its start takes none: its ticket is what it was.
 * T2. One that starts nothing is void after half a minute; a bound one lasts as long as its call is kept.
 * T3. An address ends up in logs and histories: that is why a ticket is worth so little. It is never logged here.
 * T4. Bounded: a key has so many at once, and those that are over are swept out.
 */
import { randomBytes } from 'node:crypto';
import { ToolError } from '../call/tool-error.ts';

export const TICKET_MS = 30_000;
const MOST_A_KEY = 10_000;
const SWEPT_SIZE = 256;

export interface Ticket {
  readonly keyId: string;
  /** The call that it is bound to. */
  callId: string | undefined;
  /** By the clock of these tickets. */
  expiresAt: number;
}

export class Tickets {
  readonly #now: () => number;
  readonly #tickets = new Map<string, Ticket>();
  readonly #ofKey = new Map<string, number>();
  #sweepAt = SWEPT_SIZE;

  /** @param now a clock in milliseconds that only goes forward. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** @throws {ToolError} overloaded when the key has too many. */
  issue(keyId: string): string {
    if (this.#tickets.size >= this.#sweepAt) this.#sweep();
    if ((this.#ofKey.get(keyId) ?? 0) >= MOST_A_KEY) this.#sweep();
    const held = this.#ofKey.get(keyId) ?? 0;
    if (held >= MOST_A_KEY) {
      const text = `this key has ${MOST_A_KEY} tickets; wait until some are void`;
      throw new ToolError('overloaded', text, { retryAfterMs: 1000 });
    }
    const text = randomBytes(24).toString('base64url');
    this.#ofKey.set(keyId, held + 1);
    this.#tickets.set(text, { keyId, callId: undefined, expiresAt: this.#now() + TICKET_MS });
    return text;
  }

  /** @returns undefined for one that is unknown or void. */
  find(text: string): Ticket | undefined {
    const ticket = this.#tickets.get(text);
    return ticket && ticket.expiresAt > this.#now() ? ticket : undefined;
  }

  /** From now on the ticket is that call's. @param ms how long it lasts; Infinity: until `lasts` says otherwise. */
  bind(ticket: Ticket, callId: string, ms: number): void {
    ticket.callId = callId;
    this.lasts(ticket, ms);
  }

  /** No call's any more, and void when it would have been without one. @param expiresAt as it said before `bind`. */
  release(ticket: Ticket, expiresAt: number): void {
    ticket.callId = undefined;
    ticket.expiresAt = expiresAt;
  }

  /** From now on the ticket is void after so long. */
  lasts(ticket: Ticket, ms: number): void {
    ticket.expiresAt = this.#now() + ms;
  }

  /** Tickets of keys that were taken away are void, and for good: their calls end in these moments, and say `lasts`. */
  revoke(keyIds: ReadonlySet<string>): void {
    for (const [text, { keyId }] of this.#tickets) if (keyIds.has(keyId)) this.#tickets.delete(text);
    for (const keyId of keyIds) this.#ofKey.delete(keyId);
  }

  /** How many there are. */
  get size(): number {
    return this.#tickets.size;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [text, { keyId, expiresAt }] of this.#tickets) {
      if (expiresAt > now) continue;
      this.#tickets.delete(text);
      const left = (this.#ofKey.get(keyId) ?? 1) - 1;
      if (left > 0) this.#ofKey.set(keyId, left);
      else this.#ofKey.delete(keyId);
    }
    this.#sweepAt = Math.max(SWEPT_SIZE, 2 * this.#tickets.size);
  }
}
