/** Chunks that were sent together, in as many messages as it takes. */
import type { ToolEvent } from '../../../call/call-events.ts';

type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;

/**
 * @param maxBytes what the items of one message may take, commas included.
 * @returns the parts, in order; null when one item alone is too long.
 */
export function chunkParts(event: ChunksEvent, maxBytes: number): readonly ChunksEvent[] | null {
  const { type, index, items } = event;
  let mostBytes = items.length;
  for (const item of items) mostBytes += item.length * 3;
  if (mostBytes <= maxBytes) return [event];
  const parts: ChunksEvent[] = [];
  let start = 0;
  let bytes = 0;
  for (const [at, item] of items.entries()) {
    const size = Buffer.byteLength(item) + 1;
    if (size > maxBytes) return null;
    if (bytes + size > maxBytes) {
      parts.push({ type, index: index + start, items: items.slice(start, at) });
      start = at;
      bytes = 0;
    }
    bytes += size;
  }
  parts.push({ type, index: index + start, items: items.slice(start) });
  if (event.seq !== undefined) for (const part of parts) part.seq = event.seq + part.index - index;
  return parts;
}
