/**
 * What a server's result is here: for MCP clients its own text, for all others data.
 *
 * R1. A tool's data are its structured content, else the text of its only text block, else its content.
 * R2. `_meta` goes with it, but for what belongs to one connection alone.
 * R3. URIs are mapped where the text has some; what has none is passed as it was written.
 * R4. Of a gateway like this one the frame around plain data is taken off, and its list of chunks known as such.
 */
import type { ResultShape } from '../../call/call-events.ts';
import type { CallKind } from '../../call/catalog.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { UriMap } from './catalog/names.ts';
import { elementsOf, memberOf, membersOf, objectText } from './protocol/json-spans.ts';
import { type Fields, isObject, OWN_PREFIX, PROTOCOL_PREFIX } from './protocol/message.ts';

export interface ReadResult {
  readonly data?: string;
  readonly shape: ResultShape;
  /** JSON text of an object, or null. */
  readonly meta: string | null;
  /** The result for MCP clients, where `data` is not that. */
  readonly relayed?: string;
  /** Where the data are the list of chunks: how many. */
  readonly chunks?: number;
  readonly error?: ToolError;
}

interface Origin {
  readonly server: string;
  readonly uris: UriMap;
}

export function readResult(
  kind: CallKind,
  result: unknown,
  text: string,
  origin: Origin,
  isOwn: boolean,
): ReadResult {
  const members = isObject(result) ? membersOf(text) : new Map<string, string>();
  const meta = metaText(isObject(result) ? result['_meta'] : undefined);
  members.delete('_meta');
  members.delete('resultType');
  members.delete('ttlMs');
  members.delete('cacheScope');
  if (kind === 'completion') {
    const completion = isObject(result) && isObject(result['completion']) ? result['completion'] : {};
    if (!Array.isArray(completion['values'])) return misfit(origin, 'no completion', meta);
    return { data: members.get('completion') ?? '{"values":[]}', shape: 'object', meta };
  }
  if (kind !== 'tool') {
    const list = kind === 'resource' ? 'contents' : 'messages';
    if (!isObject(result) || !Array.isArray(result[list])) return misfit(origin, `none of a ${kind}`, meta);
    const mapped = (result[list] as unknown[]).map((one) => mapUris(one, origin.uris));
    if (needsMapping(members.get(list) ?? '', origin.uris)) members.set(list, JSON.stringify(mapped));
    return { data: objectText(members), shape: 'content', meta };
  }
  return readToolResult(result, members, meta, origin, isOwn);
}

function readToolResult(
  result: unknown,
  members: Map<string, string>,
  meta: string | null,
  origin: Origin,
  isOwn: boolean,
): ReadResult {
  if (!isObject(result)) return misfit(origin, 'no object', meta);
  if (result['resultType'] === 'input_required')
    return misfit(origin, 'a question, which a server with sessions asks in another way', meta);
  const { content = [], structuredContent, isError } = result;
  if (!Array.isArray(content)) return misfit(origin, 'none of a tool: its content is no list', meta);
  const written = members.get('content') ?? '[]';
  const blocks = needsMapping(written, origin.uris)
    ? `[${elementsOf(written)
        .map((block, at) =>
          needsMapping(block, origin.uris) ? JSON.stringify(mapUris(content[at], origin.uris)) : block,
        )
        .join(',')}]`
    : written;
  members.set('content', blocks);
  const relayed = objectText(members);
  if (isError === true) {
    const own = isOwn && isObject(result['_meta']) ? result['_meta'][`${OWN_PREFIX}error`] : undefined;
    return {
      shape: 'content',
      meta,
      relayed: meta === null ? relayed : `${relayed.slice(0, -1)},"_meta":${meta}}`,
      error: ownError(own, content) ?? new ToolError('tool_failed', errorText(content)),
    };
  }
  const structured = members.get('structuredContent');
  if (isObject(structuredContent) && structured !== undefined) {
    const isFrame =
      isOwn && Object.keys(structuredContent).every((name) => FRAME.has(name)) && 'data' in structuredContent;
    if (!isFrame) return { data: structured, shape: 'object', meta, relayed };
    const data = memberOf(structured, 'data') ?? 'null';
    const own = isObject(result['_meta']) ? result['_meta'][`${OWN_PREFIX}chunks`] : undefined;
    const omitted =
      structuredContent['omitted'] === true ? Number(structuredContent['chunks'] ?? 0) : undefined;
    const chunks = typeof own === 'number' ? own : omitted;
    return {
      ...(omitted === undefined ? { data } : {}),
      shape: 'other',
      meta,
      relayed,
      ...(chunks === undefined ? {} : { chunks }),
    };
  }
  const [only] = content as readonly unknown[];
  const isText =
    content.length === 1 && isObject(only) && only['type'] === 'text' && typeof only['text'] === 'string';
  return { data: isText ? JSON.stringify(only['text']) : blocks, shape: 'other', meta, relayed };
}

/** What stands around plain data in a result of ours. */
const FRAME = new Set(['data', 'omitted', 'chunks']);

const misfit = ({ server }: Origin, what: string, meta: string | null): ReadResult => ({
  shape: 'other',
  meta,
  error: new ToolError('tool_failed', `the answer of the server "${server}" is ${what}`),
});

/** The error that another gateway of ours tells of. */
function ownError(said: unknown, content: readonly unknown[]): ToolError | undefined {
  if (!isObject(said) || typeof said['code'] !== 'string') return undefined;
  if (!CODES.has(said['code'])) return undefined;
  const { details } = said;
  return new ToolError(said['code'] as 'tool_failed', errorText(content).split('\n- ', 1)[0] ?? '', {
    retryable: said['retryable'] === true,
    ...(details === undefined ? {} : { details }),
  });
}

/** Those that say the same of a call wherever it ran. */
const CODES = new Set([
  'invalid_arguments',
  'not_found',
  'conflict',
  'failed_precondition',
  'permission_denied',
  'unavailable',
  'tool_failed',
  'deadline_exceeded',
  'result_not_serializable',
  'result_too_large',
  'worker_crashed',
  'worker_out_of_memory',
]);

/** The texts of an error's blocks. */
function errorText(content: readonly unknown[]): string {
  const texts = content.flatMap((block) =>
    isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
  );
  return texts.join('\n') || 'the tool failed, and does not say why';
}

function metaText(meta: unknown): string | null {
  if (!isObject(meta)) return null;
  const kept = Object.entries(meta).filter(([key]) => !key.startsWith(PROTOCOL_PREFIX));
  return kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept));
}

const needsMapping = (text: string, uris: UriMap): boolean => uris.head !== '' && text.includes('"uri"');

/** A block, a resource's contents or a prompt's message, with its URIs as they are here. */
function mapUris(value: unknown, uris: UriMap): unknown {
  if (!isObject(value)) return value;
  const { uri, resource, content } = value;
  return {
    ...value,
    ...(typeof uri === 'string' ? { uri: uris.outward(uri) } : {}),
    ...(isObject(resource) ? { resource: mapUris(resource, uris) } : {}),
    ...(isObject(content) ? { content: mapUris(content, uris) } : {}),
  };
}

/** URIs in what is told of a tool: of what shows its result. */
export function mapToolMeta(meta: Fields, uris: UriMap): Fields {
  const { ui } = meta;
  const flat = meta['ui/resourceUri'];
  return {
    ...meta,
    ...(typeof flat === 'string' ? { 'ui/resourceUri': uris.outward(flat) } : {}),
    ...(isObject(ui) && typeof ui['resourceUri'] === 'string'
      ? { ui: { ...ui, resourceUri: uris.outward(ui['resourceUri']) } }
      : {}),
  };
}
