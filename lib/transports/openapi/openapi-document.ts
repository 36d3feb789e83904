/**
 * The catalog as an OpenAPI document. Pure functions.
 *
 * O1. Only what the gateway's contract says is described; every error code is in the answer of its status.
 * O2. Two styles: `nested` is the contract's own (`{"arguments": {…}}` in, `{"status","data","meta"}` out), `flat` has
 *     the bare arguments and the bare data, which language models and plain HTTP tools fill in better.
 * O3. OpenAPI 3.1 has no words for a stream's items: there `schema` describes one event, as many generators expect; 3.2
 *     says `itemSchema` (OpenAPI 3.2.0, section 4.14).
 */
import type { JsonSchema, ToolDescriptor } from '../../call/catalog.ts';
import { ERROR_CODES } from '../../call/error-code.ts';
import { exampleOf } from '../../call/example-value.ts';
import { componentSchema } from './component-schema.ts';
import { eventSchemas, streamContent } from './stream-schemas.ts';

export const DOCUMENT_VERSIONS = ['3.1', '3.2'] as const;
export type DocumentVersion = (typeof DOCUMENT_VERSIONS)[number];

export const DOCUMENT_STYLES = ['nested', 'flat'] as const;
export type DocumentStyle = (typeof DOCUMENT_STYLES)[number];

type Json = { readonly [member: string]: unknown };

/** See O3. */
const EVENT_WORD = { '3.1': 'schema', '3.2': 'itemSchema' } as const;
const FULL_VERSION = { '3.1': '3.1.1', '3.2': '3.2.0' } as const;

/** Not `true`, which some readers do not take for a schema. */
const ANY: Json = {};

const ref = (section: string, name: string): Json => ({ $ref: `#/components/${section}/${name}` });

export function openApiDocument(
  tools: readonly ToolDescriptor[],
  { name, version: ofGateway }: { readonly name: string; readonly version: string },
  version: DocumentVersion,
  style: DocumentStyle,
): Json {
  const isFlat = style === 'flat';
  const ofTools = tools.flatMap((tool) => (isFlat ? flatPaths(tool) : nestedPaths(tool, version)));
  const paths = isFlat ? ofTools : [...ofTools, ...callPaths(version)];
  const text = JSON.stringify(paths);
  const isUsed = ([component]: [string, Json]): boolean => text.includes(`/${component}"`);
  return {
    openapi: FULL_VERSION[version],
    info: {
      title: name,
      version: ofGateway,
      description: 'Tools that stream their progress and chunks. Made from the tools that are loaded now.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { bearer: [] }],
    tags: [{ name: 'tools', description: 'One operation a tool.' }, ...(isFlat ? [] : [CALLS_TAG])],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: {
        ...Object.fromEntries(tools.flatMap(schemasOf).filter(isUsed)),
        Problem: PROBLEM,
        ...(isFlat ? {} : { ErrorObject: ERROR_OBJECT, CallMeta: CALL_META, Call: CALL }),
      },
      responses: Object.fromEntries(problemResponses().filter(isUsed)),
    },
  };
}

const CALLS_TAG = { name: 'calls', description: 'Calls that run, or whose events are still kept.' };

function schemasOf(tool: ToolDescriptor): [string, JsonSchema][] {
  const named = { input: tool.inputSchema, output: tool.outputSchema, chunk: tool.chunkSchema };
  return Object.entries(named).flatMap(([part, schema]): [string, JsonSchema][] => {
    if (schema === undefined) return [];
    const component = `${tool.name}.${part}`;
    return [[component, componentSchema(schema, component)]];
  });
}

const inputOf = ({ name }: ToolDescriptor): Json => ref('schemas', `${name}.input`);

/** What the tool gives as a whole: its own result, or else the list of its chunks. */
function dataOf({ name, outputSchema, chunkSchema }: ToolDescriptor): Json {
  if (outputSchema) return ref('schemas', `${name}.output`);
  return chunkSchema ? { type: 'array', items: ref('schemas', `${name}.chunk`) } : ANY;
}

const summaryOf = ({ name, title, annotations }: ToolDescriptor): string =>
  title ?? annotations?.title ?? name;

const jsonBody = (schema: Json, example: unknown): Json => ({
  required: true,
  content: { 'application/json': { schema, examples: { call: { value: example } } } },
});

function nestedPaths(tool: ToolDescriptor, version: DocumentVersion): [string, Json][] {
  const { name, description } = tool;
  const body = jsonBody(
    {
      type: 'object',
      properties: { arguments: inputOf(tool), ...CALL_FIELDS },
      required: ['arguments'],
    },
    { arguments: exampleOf(tool.inputSchema) },
  );
  const path = `/tools/${name}`;
  const common = { tags: ['tools'], summary: summaryOf(tool), description, requestBody: body };
  const call = {
    ...common,
    operationId: `call_${name}`,
    parameters: [IDEMPOTENCY_KEY],
    responses: {
      200: {
        description: 'The call has succeeded.',
        headers: CALL_HEADERS,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                status: { const: 'success' },
                data: dataOf(tool),
                meta: ref('schemas', 'CallMeta'),
              },
              required: ['status', 'data', 'meta'],
            },
          },
        },
      },
      ...callProblems,
    },
  };
  const stream = {
    ...common,
    operationId: `stream_${name}`,
    parameters: [IDEMPOTENCY_KEY, LAST_EVENT_ID],
    responses: {
      200: {
        description: 'The events of the call as they come; the last one ends the stream.',
        headers: CALL_HEADERS,
        content: streamContent(eventSchemas(chunkOf(tool), dataOf(tool)), EVENT_WORD[version]),
      },
      204: { description: 'A reconnect that has seen the last event already.' },
      ...callProblems,
      ...problems(['410']),
    },
  };
  return [
    [path, { post: call }],
    [`${path}/stream`, { post: stream }],
  ];
}

const chunkOf = ({ name, chunkSchema }: ToolDescriptor): Json =>
  chunkSchema ? ref('schemas', `${name}.chunk`) : ANY;

function flatPaths(tool: ToolDescriptor): [string, Json][] {
  const post = {
    tags: ['tools'],
    operationId: tool.name,
    summary: summaryOf(tool),
    description: tool.description,
    parameters: [IDEMPOTENCY_KEY],
    requestBody: jsonBody(inputOf(tool), exampleOf(tool.inputSchema)),
    responses: {
      200: {
        description: 'What the tool gives.',
        headers: CALL_HEADERS,
        content: { 'application/json': { schema: dataOf(tool) } },
      },
      ...callProblems,
    },
  };
  return [[`/api/${tool.name}`, { post }]];
}

function callPaths(version: DocumentVersion): [string, Json][] {
  const callId = { name: 'callId', in: 'path', required: true, schema: { type: 'string' } };
  const common = { tags: ['calls'], parameters: [callId] };
  const call = { 'application/json': { schema: ref('schemas', 'Call') } };
  return [
    [
      '/calls',
      {
        get: {
          tags: ['calls'],
          operationId: 'list_calls',
          summary: 'The calls of your key: those that run, and those whose events are kept',
          responses: {
            200: {
              description: 'The calls, without their data.',
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    properties: { calls: { type: 'array', items: ref('schemas', 'Call') } },
                    required: ['calls'],
                  },
                },
              },
            },
            ...problems(['401', '403']),
          },
        },
      },
    ],
    [
      '/calls/{callId}',
      {
        get: {
          ...common,
          operationId: 'get_call',
          summary: 'One call, with its data or its error once it has ended',
          responses: { 200: { description: 'The call.', content: call }, ...problems(['401', '403', '404']) },
        },
        delete: {
          ...common,
          operationId: 'cancel_call',
          summary: 'Cancels a running call',
          responses: {
            202: {
              description: 'The call is being cancelled.',
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    properties: { callId: { type: 'string' }, status: { const: 'cancelling' } },
                    required: ['callId', 'status'],
                  },
                },
              },
            },
            ...problems(['401', '403', '404']),
          },
        },
      },
    ],
    [
      '/calls/{callId}/events',
      {
        get: {
          tags: ['calls'],
          operationId: 'resume_call',
          summary: 'The events of a call after the ones that were seen',
          parameters: [
            callId,
            {
              name: 'after',
              in: 'query',
              description: 'The number of the last event that was seen.',
              schema: { type: 'integer', minimum: 0 },
            },
            LAST_EVENT_ID,
          ],
          responses: {
            200: {
              description: 'The kept events, then the live ones.',
              headers: CALL_HEADERS,
              content: streamContent(eventSchemas(ANY, ANY), EVENT_WORD[version]),
            },
            204: { description: 'The last event was seen already.' },
            ...problems(['400', '401', '403', '404', '406', '410']),
          },
        },
      },
    ],
  ];
}

const CALL_FIELDS: Json = {
  timeoutMs: {
    type: 'integer',
    minimum: 1,
    description: 'Milliseconds, the wait for a thread included; the gateway’s own limit holds too.',
  },
  result: {
    enum: ['none', 'full'],
    description: 'How much of its chunks a streamed result repeats. Default: up to REPEAT_BYTES.',
  },
  detach: {
    type: 'number',
    minimum: 0,
    description: 'Seconds that the call goes on without a reader, waiting for one to come back.',
  },
};

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'A retry with the same key gets the same call; the tool never runs twice.',
  schema: { type: 'string', minLength: 1, maxLength: 128, pattern: '^[!-~]+$' },
};

const LAST_EVENT_ID: Json = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'The id of the last event that was seen (callId.seq); the tool is not run.',
  schema: { type: 'string' },
};

const CALL_HEADERS: Json = {
  'X-Call-Id': { description: 'The id of the call.', schema: { type: 'string' } },
  'X-Request-Id': { description: 'The id of the request: yours, or ours.', schema: { type: 'string' } },
};

const CALL_META: JsonSchema = {
  type: 'object',
  properties: {
    callId: { type: 'string' },
    chunks: { type: 'integer', minimum: 0 },
    durationMs: { type: 'number', minimum: 0 },
  },
  required: ['callId', 'chunks', 'durationMs'],
};

const CALL: JsonSchema = {
  type: 'object',
  properties: {
    callId: { type: 'string' },
    tool: { type: 'string' },
    status: { enum: ['queued', 'running', 'success', 'error', 'cancelled', 'timeout'] },
    chunks: { type: 'integer', minimum: 0 },
    startedAt: { type: 'string', format: 'date-time' },
    durationMs: { type: 'number' },
    data: ANY,
    error: ref('schemas', 'ErrorObject'),
  },
  required: ['callId', 'tool', 'status', 'chunks', 'startedAt'],
};

const ERROR_FIELDS: JsonSchema = {
  code: { enum: Object.keys(ERROR_CODES) },
  status: { type: 'integer' },
  retryable: { type: 'boolean', description: 'Whether the same call may succeed later.' },
  callId: { type: 'string' },
  retryAfterMs: { type: 'number' },
  details: ANY,
};

const ERROR_OBJECT: JsonSchema = {
  type: 'object',
  properties: { ...ERROR_FIELDS, message: { type: 'string' } },
  required: ['code', 'message', 'status', 'retryable'],
};

/** RFC 9457, with members of ours. */
const PROBLEM: JsonSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    requestId: { type: 'string' },
    ...ERROR_FIELDS,
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'retryable', 'requestId'],
};

/** One answer a status, which lists the codes that have it. */
function problemResponses(): [string, Json][] {
  const statuses = new Map<string, string[]>();
  for (const [code, { status, title }] of Object.entries(ERROR_CODES)) {
    const lines = statuses.get(String(status)) ?? [];
    lines.push(`\`${code}\`: ${title}.`);
    statuses.set(String(status), lines);
  }
  return [...statuses].map(([status, lines]) => [
    `Problem${status}`,
    {
      description: lines.join(' '),
      ...(status === '429' || status === '503' ? { headers: RETRY_AFTER } : {}),
      content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } },
    },
  ]);
}

const RETRY_AFTER: Json = {
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
};

const problems = (statuses: readonly string[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, ref('responses', `Problem${status}`)]));

/** Every error that a call can end with, over plain HTTP; 410 only where events are asked for. */
const callProblems = problems(
  [...new Set(Object.values(ERROR_CODES).map(({ status }) => String(status)))].filter(
    (status) => status !== '405' && status !== '410',
  ),
);
