/**
 * The messages of mcp_gateway.proto: how requests are read, and what calls tell written.
 *
 * M1. JSON text that was made where the tool runs is pasted, never parsed.
 * M2. A Uint8Array, which the gateway has as `{"$base64": "…"}`, is bytes here.
 */
import { chunkCount, chunkLines, type TerminalEvent } from '../../call/call-events.ts';
import type { Catalog } from '../../call/catalog.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AskEvent, ChunksEvent, LogEvent, ProgressEvent } from '../rendering/event-pump.ts';
import { bytesOf, MessageWriter, numberOf, readFields, textOf, varintText } from './protobuf.ts';
import { errorMessage } from './status.ts';

type ResultEvent = Extract<TerminalEvent, { type: 'result' }>;

/** What clients of gRPC take unless they are told otherwise, in bytes. */
const USUAL_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A CallRequest, read and not yet checked. */
export interface CallMessage {
  tool: string;
  arguments: string;
  timeoutMs: number | undefined;
  detach: number | undefined;
  idempotencyKey: string;
  result: string;
  maxMessageBytes: number;
  logLevel: string;
  chunkLines: boolean;
}

/** How a client takes the chunks of its call. */
export type ChunkWishes = Pick<CallMessage, 'maxMessageBytes' | 'chunkLines'>;

/** @throws {ToolError} parse_error. */
export function readCallMessage(message: Buffer): CallMessage {
  const call: CallMessage = {
    tool: '',
    arguments: '',
    timeoutMs: undefined,
    detach: undefined,
    idempotencyKey: '',
    result: '',
    maxMessageBytes: USUAL_MESSAGE_BYTES,
    logLevel: '',
    chunkLines: false,
  };
  readFields(message, (field, value) => {
    if (field === 1) call.tool = textOf(value);
    else if (field === 2) call.arguments = textOf(value);
    else if (field === 3) call.timeoutMs = numberOf(value) || undefined;
    else if (field === 4) call.detach = numberOf(value);
    else if (field === 5) call.idempotencyKey = textOf(value);
    else if (field === 6) call.result = textOf(value);
    else if (field === 7) call.maxMessageBytes = numberOf(value) || USUAL_MESSAGE_BYTES;
    else if (field === 8) call.logLevel = textOf(value);
    else if (field === 9) call.chunkLines = numberOf(value) !== 0;
  });
  return call;
}

/** What a client says in a session. */
export type SessionMessage = { readonly id: string } & (
  | { readonly type: 'call'; readonly call: CallMessage }
  | { readonly type: 'cancel' }
  | { readonly type: 'answer'; readonly ask: number; readonly result: string }
  | { readonly type: 'answer'; readonly ask: number; readonly error: string }
);

/** @throws {ToolError} parse_error; invalid_request: it belongs to no call. */
export function readSessionMessage(message: Buffer): SessionMessage {
  let id = '';
  let read: (() => SessionMessage) | undefined;
  readFields(message, (field, value) => {
    if (field === 1) id = textOf(value);
    else if (field === 2) read = () => ({ id, type: 'call', call: readCallMessage(bytesOf(value)) });
    else if (field === 3) read = () => ({ id, type: 'cancel' });
    else if (field === 4) read = () => ({ id, ...readAnswer(bytesOf(value)) });
  });
  if (id.length < 1 || id.length > 128)
    throw new ToolError('invalid_request', `the id has ${id.length} characters; it must have 1 to 128`);
  if (!read) throw new ToolError('invalid_request', 'the request is empty; set call, cancel or answer');
  return read();
}

function readAnswer(message: Buffer) {
  let ask = 0;
  let outcome: { readonly result: string } | { readonly error: string } = {
    error: 'the client declined to answer',
  };
  readFields(message, (field, value) => {
    if (field === 1) ask = numberOf(value);
    else if (field === 2) outcome = { result: textOf(value) };
    else if (field === 3) outcome = { error: textOf(value) };
  });
  return { type: 'answer', ask, ...outcome } as const;
}

const lists = new WeakMap<Catalog, Buffer>();

/** A ListToolsResponse, made once a catalog. */
export function toolList(catalog: Catalog): Buffer {
  let list = lists.get(catalog);
  if (!list) {
    const writer = new MessageWriter();
    for (const tool of catalog.tools) {
      const { name, title, description, inputSchema, outputSchema, chunkSchema, annotations } = tool;
      const entry = new MessageWriter().text(1, name).text(2, title).text(3, description);
      entry.text(4, JSON.stringify(inputSchema)).text(5, JSON.stringify(outputSchema));
      writer.message(1, entry.text(6, JSON.stringify(chunkSchema)).text(7, JSON.stringify(annotations)));
    }
    list = writer.finish();
    lists.set(catalog, list);
  }
  return list;
}

const BINARY = /^\{"\$base64":"([A-Za-z0-9+/]*={0,2})"\}$/;

/** The bytes that a value stands for; undefined for any other value. */
function binaryOf(json: string): Buffer | undefined {
  if (json.charCodeAt(2) !== 0x24 || !json.startsWith('{"$base64":"')) return undefined;
  const text = BINARY.exec(json)?.[1];
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

/** Writes what a tool gave as `json`, or as the field after it, `bytes`. */
function writeData(writer: MessageWriter, jsonField: number, data: string): MessageWriter {
  const bytes = binaryOf(data);
  return bytes ? writer.bytes(jsonField + 1, bytes) : writer.textThere(jsonField, data);
}

/** A CallResponse. */
export function callResponse(callId: string, { data, chunks, durationMs, meta }: ResultEvent): Buffer {
  const writer = writeData(new MessageWriter().text(1, callId), 2, data ?? 'null');
  return writer.number(4, chunks).number(5, Math.round(durationMs)).text(6, meta).finish();
}

const event = (seq: number | undefined, field: number, message: MessageWriter): Buffer =>
  new MessageWriter()
    .number(1, seq ?? 0)
    .message(field, message)
    .finish();

export const startedEvent = ({ callId, request }: RunningCall): Buffer =>
  event(0, 2, new MessageWriter().text(1, callId).text(2, request.name));

export function progressEvent({ progress, total, message, seq }: ProgressEvent): Buffer {
  const writer = new MessageWriter().double(1, progress);
  if (total !== null) writer.doubleThere(2, total);
  return event(seq, 3, writer.text(3, message));
}

export const logEvent = ({ level, message, data }: LogEvent): Buffer =>
  event(0, 5, new MessageWriter().text(1, level).text(2, message).text(3, data));

export function resultEvent({ data, chunks, durationMs, meta, seq }: ResultEvent): Buffer {
  const writer = new MessageWriter();
  if (data === null) writer.number(3, 1);
  else writeData(writer, 1, data);
  return event(seq, 6, writer.number(4, chunks).number(5, Math.round(durationMs)).text(6, meta));
}

export const askEvent = ({ ask, method, params }: AskEvent): Buffer =>
  event(
    0,
    7,
    new MessageWriter()
      .number(1, ask)
      .text(2, method)
      .text(3, JSON.stringify(params ?? {})),
  );

export const errorEvent = (error: ToolError, callId: string | undefined, seq?: number): Buffer =>
  event(seq, 8, errorMessage(error, callId));

export const sessionEvent = (id: string, callEvent: Buffer): Buffer =>
  new MessageWriter().text(1, id).bytes(2, callEvent).finish();

/** Beyond its chunks, an event has so many bytes at most; of a session, its id besides. */
const ENVELOPE_BYTES = 600;
/** Beyond its text, a chunk has so many bytes at most. */
const CHUNK_BYTES = 6;

/**
 * The events that carry consecutive chunks, as few as fit: none is larger than the client takes, and none has both texts
 * and bytes.
 * @throws {ToolError} result_too_large, for a chunk that fits into no message, once those before it were given.
 */
export function* chunksEvents(
  event: ChunksEvent,
  { maxMessageBytes, chunkLines: inLines }: ChunkWishes,
): Generator<Buffer, void, void> {
  const { index, seq = 0 } = event;
  const room = maxMessageBytes - ENVELOPE_BYTES;
  const all = chunkLines(event);
  const allBytes = Buffer.byteLength(all);
  const isText = !all.includes('{"$base64":"');
  if (isText && allBytes + chunkCount(event) * CHUNK_BYTES <= room) {
    if (inLines) yield lineChunks(seq, index, all);
    else if (allBytes === all.length) yield asciiChunks(seq, index, event.items);
    else yield textChunks(seq, index, event.items);
    return;
  }
  const { items } = event;
  let start = 0;
  let bytes = 0;
  let wasBinary = false;
  const batch = (end: number) => {
    const part = items.slice(start, end);
    const [partSeq, partIndex] = [seq === 0 ? 0 : seq + start, index + start];
    start = end;
    bytes = 0;
    if (wasBinary) return binaryChunks(partSeq, partIndex, part);
    if (!inLines) return textChunks(partSeq, partIndex, part);
    return lineChunks(partSeq, partIndex, chunkLines({ type: 'chunks', index: partIndex, items: part }));
  };
  for (const [at, item] of items.entries()) {
    const isBinary = binaryOf(item) !== undefined;
    const size = (isBinary ? Math.ceil((item.length * 3) / 4) : Buffer.byteLength(item)) + CHUNK_BYTES;
    if (at > start && (isBinary !== wasBinary || bytes + size > room)) yield batch(at);
    if (size > room) throw tooLarge('a chunk', size, maxMessageBytes);
    wasBinary = isBinary;
    bytes += size;
  }
  yield batch(items.length);
}

/** A result or chunk that the client would cut off. */
export const tooLarge = (what: string, bytes: number, maxBytes: number): ToolError =>
  new ToolError(
    'result_too_large',
    `${what} takes a message of ${bytes} bytes, and the client takes ${maxBytes}: ask for less, or raise ` +
      'max_message_bytes in the request and the limit of your channel (grpc.max_receive_message_length)',
  );

const chunksField = (seq: number, chunks: Uint8Array): Buffer =>
  new MessageWriter().number(1, seq).bytes(4, chunks).finish();

function asciiChunks(seq: number, index: number, items: readonly string[]): Buffer {
  let text = index === 0 ? '' : `\x08${varintText(index)}`;
  for (const item of items) text += `\x12${varintText(item.length)}${item}`;
  const head = `${seq === 0 ? '' : `\x08${varintText(seq)}`}\x22${varintText(text.length)}`;
  return Buffer.from(head + text, 'latin1');
}

function textChunks(seq: number, index: number, items: readonly string[]): Buffer {
  const writer = new MessageWriter().number(1, index);
  for (const item of items) writer.textThere(2, item);
  return chunksField(seq, writer.finish());
}

/** One copy of the text, whatever it holds. */
function lineChunks(seq: number, index: number, lines: string): Buffer {
  const bytes = Buffer.byteLength(lines);
  const inner = `${index === 0 ? '' : `\x08${varintText(index)}`}\x22${varintText(bytes)}`;
  const head = `${seq === 0 ? '' : `\x08${varintText(seq)}`}\x22${varintText(inner.length + bytes)}${inner}`;
  const message = Buffer.allocUnsafe(head.length + bytes);
  message.write(head, 'latin1');
  message.write(lines, head.length, bytes === lines.length ? 'latin1' : 'utf8');
  return message;
}

function binaryChunks(seq: number, index: number, items: readonly string[]): Buffer {
  const writer = new MessageWriter().number(1, index);
  for (const item of items) writer.bytes(3, binaryOf(item) ?? Buffer.alloc(0));
  return chunksField(seq, writer.finish());
}
