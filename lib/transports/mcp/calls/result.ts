/**
 * What a finished call is as an MCP result: text pasted from the thread's JSON text, never parsed.
 *
 * R1. An object: `structuredContent` and a text copy. Anything else: `{"data": …}` and the text copy, which of a string
 *     is the string. Content that the tool made itself passes through: its thread has checked it.
 * R2. `ctx.meta` goes to `_meta`. How many chunks the data repeat stands there too.
 * R3. A tool's failure is an `isError` result whose `_meta` names the code, so that programs can act on it.
 */

import type { ResultEvent } from '../../../call/call-events.ts';
import type { ToolError } from '../../../call/tool-error.ts';
import { type Era, META_PREFIX } from '../era.ts';
import { errorData } from '../fault.ts';
import { isObject } from '../message.ts';

/** Text of the result of a tools/call. */
export function toolResult(end: ResultEvent, era: Era): string {
  if (end.relayed !== undefined) return era.result(end.relayed.slice(1, -1), end.meta);
  if (end.shape === 'content' && end.data !== null) return contentResult(end.data, end.meta, era);
  if (end.data === null) {
    const note =
      `The list of ${end.chunks} chunks is left out: it is longer than the gateway's MAX_RESULT_BYTES. ` +
      'Each chunk was sent as a progress notification; to have them in the result, ask for fewer at a time.';
    const body = `"content":[${textBlock(note)}],"structuredContent":{"data":null,"omitted":true,"chunks":${end.chunks}}`;
    return era.result(body, end.meta);
  }
  const structured = end.shape === 'object' ? end.data : `{"data":${end.data}}`;
  const meta = end.repeats ? withChunks(end.meta, end.chunks) : end.meta;
  // A string is its own text copy, as JSON has it already.
  const text = end.data[0] === '"' ? end.data : JSON.stringify(end.data);
  return era.result(`"content":[{"type":"text","text":${text}}],"structuredContent":${structured}`, meta);
}

/** What says that the data are the list of chunks, to gateways that mount this one. */
function withChunks(meta: string | null, chunks: number): string {
  const own = `"${META_PREFIX}chunks":${chunks}`;
  return meta === null || meta === '{}' ? `{${own}}` : `${meta.slice(0, -1)},${own}}`;
}

/** A result that is MCP's own shape already: tool content, resource contents, prompt messages. */
export function contentResult(data: string, meta: string | null, era: Era, ttlMs?: number): string {
  if (!data.includes('"_meta"')) return era.result(data.slice(1, -1), meta, ttlMs);
  const { _meta: own, ...rest } = JSON.parse(data) as Record<string, unknown>;
  const both = isObject(own) ? JSON.stringify({ ...own, ...(meta ? JSON.parse(meta) : {}) }) : meta;
  return era.result(JSON.stringify(rest).slice(1, -1), both, ttlMs);
}

/** Text of the `isError` result of a call whose tool failed. */
export function errorResult(error: ToolError, callId: string, era: Era): string {
  const meta = JSON.stringify({ [`${META_PREFIX}error`]: { ...errorData(error), callId } });
  return era.result(`"content":[${textBlock(errorSentence(error))}],"isError":true`, meta);
}

/** The message for the model, with what is wrong with each argument. */
function errorSentence(error: ToolError): string {
  const details = error.details;
  const issues = isObject(details) && Array.isArray(details['issues']) ? details['issues'] : [];
  const lines = issues
    .filter(isObject)
    .map((issue) => `- ${String(issue['path'] ?? '')}: ${String(issue['message'] ?? '')}`);
  return [error.message, ...lines].join('\n');
}

function textBlock(text: string): string {
  return `{"type":"text","text":${JSON.stringify(text)}}`;
}
