/**
 * Tickets: what a client that can send no header, such as an EventSource, puts into its address in place of a key.
 *
 * T1. Good for one call: a ticket is bound to the call that it starts, or first reads, and then reads that call alone. A
 *     call that was refused before its start takes none: its ticket is what it was.
 * T2. One that starts nothing is void after half a minute; a bound one lasts as long as its call is kept.
 * T3. An address ends up in logs and histories: that is why a ticket is worth so little. It is never logged here.
 * T4. Bounded: a key has so many at once, and those that are over are swept out.
 * T5. On a fleet every gateway takes a ticket, and all of them together bind it once. Known to the others is its digest.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Peers } from '../call/peers.ts';
import { ToolError } from '../call/tool-error.ts';

export const TICKET_MS = 30_000;
const MOST_A_KEY = 10_000;
const SWEPT_SIZE = 256;
/** Other gateways forget a ticket of a call that runs longer than any may. */
const LONGEST_MS = 24 * 3600 * 1000;

export interface Ticket {
  readonly keyId: string;
  /** The call that it is bound to. */
  callId: string | undefined;
  /** By the clock of these tickets. */
  expiresAt: number;
  /** What other gateways know it by. */
  readonly sharedName?: string;
}

export class Tickets {
  readonly #now: () => number;
  readonly #tickets = new Map<string, Ticket>();
  readonly #ofKey = new Map<string, number>();
  readonly #peers: Peers | undefined;
  /** Keys that were taken away, whose tickets other gateways may still know. */
  readonly #revoked = new Set<string>();
  #sweepAt = SWEPT_SIZE;

  /** @param now a clock in milliseconds that only goes forward. */
  constructor(now = () => performance.now(), peers?: Peers) {
    this.#now = now;
    this.#peers = peers;
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
    this.#revoked.delete(keyId); // a key that is there again, and asks
    const text = randomBytes(24).toString('base64url');
    this.#ofKey.set(keyId, held + 1);
    const ticket = { keyId, callId: undefined, expiresAt: this.#now() + TICKET_MS };
    this.#tickets.set(text, this.#peers ? { ...ticket, sharedName: nameOf(text) } : ticket);
    return text;
  }

  /** Makes one known to the other gateways of a fleet; undefined where there are none. */
  share(text: string): Promise<void> | undefined {
    const ticket = this.#tickets.get(text);
    return ticket && this.#peers?.write(nameOf(text), { key: ticket.keyId }, TICKET_MS);
  }

  /** @returns undefined for one that is unknown or void. Only what other gateways have to be asked gives a promise. */
  find(text: string): Ticket | undefined | Promise<Ticket | undefined> {
    const ticket = this.#tickets.get(text);
    if (this.#peers && !(ticket?.callId !== undefined && ticket.expiresAt > this.#now()))
      return this.#findShared(this.#peers, text);
    return ticket && ticket.expiresAt > this.#now() ? ticket : undefined;
  }

  async #findShared(peers: Peers, text: string): Promise<Ticket | undefined> {
    const sharedName = nameOf(text);
    const { key: keyId, call: callId } = await peers.read(sharedName);
    if (keyId === undefined || this.#revoked.has(keyId)) return undefined;
    return { keyId, callId, expiresAt: Number.POSITIVE_INFINITY, sharedName };
  }

  /**
   * Binds a ticket to a call that is about to begin, or to be read.
   * @returns the call that it is bound to from now on. Only what other gateways have to be asked gives a promise.
   */
  claim(ticket: Ticket, callId: string): string | Promise<string> {
    const { sharedName } = ticket;
    if (!this.#peers || sharedName === undefined) {
      ticket.callId ??= callId;
      return ticket.callId;
    }
    return this.#peers.claim(sharedName, 'call', callId).then((bound) => {
      if (bound === undefined) throw new ToolError('unauthenticated', 'the ticket is void');
      ticket.callId = bound;
      return bound;
    });
  }

  /** From now on the ticket is that call's. @param ms how long it lasts; Infinity: until `lasts` says otherwise. */
  bind(ticket: Ticket, callId: string, ms: number): void {
    ticket.callId = callId;
    this.lasts(ticket, ms);
  }

  /**
   * No call's any more: its claim came to nothing.
   * @param expiresAt as it said before `bind`. Default: as it says.
   */
  release(ticket: Ticket, expiresAt = ticket.expiresAt): void {
    ticket.callId = undefined;
    ticket.expiresAt = expiresAt;
    const { sharedName } = ticket;
    if (sharedName === undefined) return;
    const keptMs = Math.max(1, Math.ceil(Math.min(TICKET_MS, expiresAt - this.#now())));
    this.#peers
      ?.forget(sharedName, 'call')
      .then(() => this.#peers?.read(sharedName, keptMs))
      .catch(() => undefined);
  }

  /** From now on the ticket is void after so long. */
  lasts(ticket: Ticket, ms: number): void {
    ticket.expiresAt = this.#now() + ms;
    if (ticket.sharedName === undefined) return;
    const kept = Number.isFinite(ms) ? Math.max(1, Math.ceil(ms)) : LONGEST_MS;
    this.#peers?.read(ticket.sharedName, kept).catch(() => undefined);
  }

  /** Tickets of keys that were taken away are void, and for good: their calls end in these moments, and say `lasts`. */
  revoke(keyIds: ReadonlySet<string>): void {
    for (const [text, { keyId }] of this.#tickets) if (keyIds.has(keyId)) this.#tickets.delete(text);
    for (const keyId of keyIds) {
      this.#ofKey.delete(keyId);
      if (this.#peers) this.#revoked.add(keyId);
    }
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

const nameOf = (text: string): string => `t:${createHash('sha256').update(text).digest('base64url')}`;
