/** The result of a tool without its text copy, where both are longer than the client takes. */
import type { ResultEvent } from '../../../call/call-events.ts';
import type { Era } from '../era.ts';

const NOTE =
  'The result is in structuredContent alone: with its copy as text it is longer than what clients take over stdio.';

/** @returns null for what has no copy that could be left out: content of the tool's own, or no data at all. */
export function resultWithoutCopy({ shape, data, meta }: ResultEvent, era: Era): string | null {
  if (data === null || shape === 'content') return null;
  const structured = shape === 'object' ? data : `{"data":${data}}`;
  return era.result(
    `"content":[{"type":"text","text":${JSON.stringify(NOTE)}}],"structuredContent":${structured}`,
    meta,
  );
}
