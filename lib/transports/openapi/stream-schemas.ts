/**
 * What a call's events look like as server-sent events and as lines of NDJSON, described for generators.
 */
type Json = { readonly [member: string]: unknown };

export interface EventSchemas {
  readonly sse: Json;
  readonly line: Json;
}

const STATUSES = ['success', 'error', 'cancelled', 'timeout'];
const ERROR: Json = { $ref: '#/components/schemas/ErrorObject' };

/** @param chunk what a chunk is. @param data what the whole result is. */
export function eventSchemas(chunk: Json, data: Json): EventSchemas {
  const progress = { progress: { type: 'number' }, total: { type: ['number', 'null'] }, message: TEXT };
  const item = { index: COUNT, data: chunk };
  const sse = [
    sseEvent('progress', object(progress)),
    sseEvent('chunk', object(item)),
    sseEvent('result', object({ status: { const: 'success' }, data, chunks: COUNT }, RESULT_OPTIONS)),
    sseEvent('error', ERROR),
    sseEvent('done', object({ status: { enum: ['complete', ...STATUSES.slice(1), 'moved'] } })),
  ];
  const line = [
    envelope('started', { tool: TEXT, callId: TEXT }),
    envelope('progress', progress),
    envelope('chunk', item),
    envelope('error', { error: ERROR }),
    envelope('complete', { status: { enum: [...STATUSES, 'moved'] } }, { data, ...END_OPTIONS }),
  ];
  return { sse: { oneOf: sse }, line: { oneOf: line } };
}

/** The content of an answer that streams, for both formats. @param word what the version calls the schema of an event. */
export const streamContent = ({ sse, line }: EventSchemas, word: 'schema' | 'itemSchema'): Json => ({
  'text/event-stream': { [word]: sse },
  'application/x-ndjson': { [word]: line },
});

const TEXT: Json = { type: 'string' };
const COUNT: Json = { type: 'integer', minimum: 0 };
const RESULT_OPTIONS: Json = { omitted: { const: true }, meta: { type: 'object' } };
const END_OPTIONS: Json = { ...RESULT_OPTIONS, chunks: COUNT, durationMs: { type: 'number' } };

const object = (required: Json, optional: Json = {}): Json => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
});

const envelope = (event: string, required: Json, optional: Json = {}): Json =>
  object({ event: { const: event }, ...required }, { seq: COUNT, ...optional });

/** The data of a server-sent event is text, and that text is JSON. */
const sseEvent = (event: string, contentSchema: Json): Json =>
  object(
    {
      event: { const: event },
      data: { type: 'string', contentMediaType: 'application/json', contentSchema },
    },
    { id: TEXT },
  );
