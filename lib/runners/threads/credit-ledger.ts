/**
 * What a call's reader has consumed and the thread has not been told of yet.
 *
 * L1. An event is consumed when the next one is asked for, not when it is handed out.
 * L2. Credit goes back in halves of the window, or, when the reader waits for more, as soon as it exceeds the slack:
 *     a frame per batch would cost more than it tells.
 */

import { chunkCount, chunkSize, type ToolEvent } from '../../call/call-events.ts';
import { CREDIT_SLACK, CREDIT_WINDOW, type Credit } from './port/frames.ts';

const HALF_WINDOW: Credit = { items: CREDIT_WINDOW.items / 2, bytes: CREDIT_WINDOW.bytes / 2 };

export class CreditLedger {
  #handedItems = 0;
  #handedBytes = 0;
  #items = 0;
  #bytes = 0;

  /** An event goes to the reader. */
  handOut(event: ToolEvent): void {
    if (event.type !== 'chunks') return;
    this.#handedItems = chunkCount(event);
    this.#handedBytes += chunkSize(event);
  }

  /** The reader asks for the next one. @returns the credit to give back now, or null. */
  consumed(): Credit | null {
    if (this.#handedItems === 0) return null;
    this.#items += this.#handedItems;
    this.#bytes += this.#handedBytes;
    this.#handedItems = 0;
    this.#handedBytes = 0;
    return this.#due(HALF_WINDOW);
  }

  /** The reader found nothing and waits. @returns the credit to give back now, or null. */
  starved(): Credit | null {
    return this.#due(CREDIT_SLACK);
  }

  #due(least: Credit): Credit | null {
    if (this.#items < least.items && this.#bytes < least.bytes) return null;
    const credit = { items: this.#items, bytes: this.#bytes };
    this.#items = 0;
    this.#bytes = 0;
    return credit;
  }
}
