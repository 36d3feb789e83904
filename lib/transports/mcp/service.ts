/**
 * Answers the requests that are the same in both eras: lists, and everything that runs as a call.
 *
 * S1. A request gets exactly one response, or none when its client cancelled it or left.
 * S2. Works on `Outlet`s alone: HTTP and stdio differ only in what they pass in.
 */

import { randomBytes } from 'node:crypto';
import type { Caller, ClientAbilities } from '../../call/caller.ts';
import type { Catalog } from '../../call/catalog.ts';
import type { CallRequest, RequestOrigin, RunningCall } from '../../call/running-call.ts';
import { readTrace } from '../../call/trace-context.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { News, NewsSource } from '../news.ts';
import { rateLimitHeaders } from '../rendering/rate-limit-headers.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { CallWishes } from './calls/call-notifier.ts';
import { listMembers } from './calls/list-members.ts';
import { type Asker, ServedCall } from './calls/served-call.ts';
import { type Era, META_PREFIX, type ServerIdentity, statelessEra, toolLogLevel } from './era.ts';
import { type FaultContext, faultOf, faultText, INTERNAL_ERROR, McpFault, NotThereFault } from './fault.ts';
import { type CallPlan, McpCatalog } from './mcp-catalog.ts';
import { isMessageId, type McpRequest, type MessageId, metaOf, responseText } from './message.ts';
import { newsMessage } from './news-message.ts';
import type { Outlet } from './outlet.ts';
import { TaskQuota } from './sessions/task-quota.ts';

export interface McpServiceOptions {
  /** The name of the transport that serves. */
  readonly transport: string;
  readonly dispatcher: Calls;
  readonly news: NewsSource;
  readonly identity: ServerIdentity;
  /** Told of defects. */
  readonly log: TransportLog;
  /** Cap of a result, the list of chunks that it repeats included. */
  readonly maxResultBytes: number;
  /** The longest message that a client takes, in bytes. Default: any. */
  readonly maxMessageBytes?: number;
  /** Told to clients at the start. */
  readonly instructions?: string;
  /** True when a reload may change the lists of tools and prompts. */
  readonly listsChange?: boolean;
  /** True: clients are told of two tools that find and call all others. */
  readonly toolSearch?: boolean;
  /** Milliseconds; a little less than what clients wait, so that they see why the call ended. */
  readonly callTimeoutMs?: number;
  /** True: the events of streamed calls are kept for clients who come back, by whatever transport. */
  readonly keepsCalls?: boolean;
  /** What this gateway is called in ids that clients may bring to another. Default: there is no other. */
  readonly place?: string | undefined;
  /** Told of every call that is started. */
  readonly onCall?: (call: RunningCall) => void;
}

/** Who asks, and in what circumstances. */
export interface RequestScope {
  readonly era: Era;
  readonly caller: Caller;
  readonly abilities: ClientAbilities | undefined;
  readonly wishes: CallWishes;
  readonly asker: Asker;
  /** Whether the client knows how to go on with a call at another gateway. */
  readonly comesBack?: boolean;
  /** How long the call goes on when this gateway is gone and nobody reads it elsewhere, in milliseconds. Default: it does not. */
  readonly outliveMs?: number | undefined;
  /** Whether the client may run tools as tasks. */
  readonly hasTasks?: boolean;
  /** The HTTP request, where there is one. */
  readonly origin?: RequestOrigin | undefined;
  /** Leaves the call running when it has told and asked nothing by the time that this settles. */
  readonly suspension?: Promise<void>;
  readonly protocolVersion: string;
  readonly sessionId?: string | undefined;
  /** Told, before anything is awaited, of what the request runs, so that it can be cancelled. */
  track(served: Pick<ServedCall, 'drop'>): void;
}

/** Of the gateway, where nothing else is said. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** What the answer with a page of a list takes beside its entries. */
const PAGE_ENVELOPE_BYTES = 16 * 1024;
/** How long clients may keep lists that change only with the code. */
const LIST_TTL_MS = 60_000;

export class McpService {
  readonly transport: string;
  readonly dispatcher: Calls;
  readonly identity: ServerIdentity;
  readonly instructions: string | undefined;
  readonly statelessEra: Era;
  readonly taskQuota = new TaskQuota();
  readonly maxMessageBytes: number;
  /** How long a call may run at most, in milliseconds. */
  readonly callTimeoutMs: number;
  readonly log: TransportLog;
  /** What both eras declare. */
  readonly capabilities: Readonly<Record<string, Record<string, boolean>>>;
  readonly #options: McpServiceOptions;
  readonly #catalogs = new WeakMap<Catalog, McpCatalog>();

  constructor(options: McpServiceOptions) {
    this.transport = options.transport;
    this.dispatcher = options.dispatcher;
    this.identity = options.identity;
    this.instructions = options.instructions;
    this.log = options.log;
    this.statelessEra = statelessEra(options.identity);
    this.callTimeoutMs = options.callTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.maxMessageBytes = options.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    const listChanged = options.listsChange ?? false;
    this.capabilities = {
      tools: { listChanged },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged },
      completions: {},
      logging: {},
    };
    this.#options = options;
  }

  /** The catalog as a key sees it. */
  catalogOf(keyId: string): McpCatalog {
    const shown = this.dispatcher.catalogOf(keyId);
    let catalog = this.#catalogs.get(shown);
    if (!catalog) {
      const { toolSearch = false } = this.#options;
      const maxPageBytes = this.maxMessageBytes - PAGE_ENVELOPE_BYTES;
      catalog = new McpCatalog(() => shown, { maxPageBytes, toolSearch });
      this.#catalogs.set(shown, catalog);
    }
    return catalog;
  }

  /** Whether `handle` answers the method. */
  handles(method: string): boolean {
    return METHODS.has(method);
  }

  /** Answers a request of one of the methods above. Never rejects. */
  async handle(request: McpRequest, scope: RequestScope, outlet: Outlet): Promise<'ended' | 'suspended'> {
    const { id, params } = request;
    const { era } = scope;
    try {
      const catalog = this.catalogOf(scope.caller.keyId);
      switch (request.method) {
        case 'tools/call':
          if (catalog.isSearch(params)) return tell(outlet, id, era, catalog.search(params));
          return await this.#run(request, catalog.toolCall(params), scope, outlet);
        case 'tools/list':
          return tell(outlet, id, era, catalog.tools(params, scope.hasTasks ?? false), LIST_TTL_MS);
        case 'prompts/list':
          return tell(outlet, id, era, catalog.prompts(params), LIST_TTL_MS);
        case 'resources/templates/list':
          return tell(outlet, id, era, catalog.templates(params), LIST_TTL_MS);
        case 'resources/list':
          return await this.#listResources(request, scope, outlet);
        case 'resources/read':
          return await this.#run(request, catalog.resourceRead(params, era.isStateless), scope, outlet);
        case 'prompts/get':
          return await this.#run(request, catalog.promptGet(params), scope, outlet);
        default: {
          const plan = catalog.completion(params);
          if (plan) return await this.#run(request, plan, scope, outlet);
          return tell(outlet, id, era, '"completion":{"values":[]}');
        }
      }
    } catch (thrown) {
      const trouble = thrown instanceof NotThereFault ? this.dispatcher.catalogTrouble : undefined;
      return this.fail(trouble ?? thrown, request, outlet);
    }
  }

  /** The fault that answers for a thrown value; logs what is a defect. */
  faultOf(thrown: unknown, context: FaultContext, status?: number): McpFault {
    return faultOf(thrown, this.log, context, status);
  }

  /** A new id of what only this gateway has: random, and on a fleet it says where that is. */
  newHandle(bytes = 18): string {
    const { place } = this.#options;
    return randomBytes(bytes).toString('base64url') + (place === undefined ? '' : `.${place}`);
  }

  /**
   * Tells of news that a key may know until the returned function is called; a defect in the telling spoils nobody
   * else's.
   * @returns what ends it.
   */
  onNews(keyId: string, tell: (news: News) => void): () => void {
    return this.#options.news.subscribe((news) => {
      try {
        if (!this.#concerns(keyId, news)) return;
        tell(news);
      } catch (thrown) {
        this.faultOf(thrown, { method: newsMessage(news).method });
      }
    });
  }

  #concerns(keyId: string, news: News): boolean {
    if (news.type === 'list-changed') return news.keyIds?.has(keyId) ?? true;
    // Who may use everything is told of what tools say that no catalog has, too.
    if (this.dispatcher.catalogOf(keyId).isPartial !== true) return true;
    return this.catalogOf(keyId).resourceOf(news.uri) !== undefined;
  }

  /** Answers a request with the fault of what was thrown. Never throws: where not even that can be written, it ends. */
  fail(thrown: unknown, { id, method }: McpRequest, outlet: Outlet, callId?: string): 'ended' {
    const fault = this.faultOf(thrown, { method, callId });
    try {
      outlet.respond(faultText(id, fault), fault);
    } catch (broken) {
      this.faultOf(broken, { method, callId });
      outlet.abandon();
    }
    return 'ended';
  }

  async #run(
    request: McpRequest,
    plan: CallPlan,
    scope: RequestScope,
    outlet: Outlet,
  ): Promise<'ended' | 'suspended'> {
    const served = this.start(request, plan, scope, this.#options.keepsCalls);
    const { callId } = served.call;
    try {
      scope.track(served);
      outlet.named(callId, this.rateHeadersOf(plan, scope));
      return await served.serve(request.id, outlet, scope.wishes, scope.suspension);
    } catch (thrown) {
      served.drop();
      return this.fail(thrown, request, outlet, callId);
    }
  }

  /** The headers of the answer to a call that say what is left of its rate limits. */
  rateHeadersOf({ kind, name }: CallPlan, { caller }: RequestScope): readonly string[] {
    return rateLimitHeaders(this.dispatcher.quotasOf(caller.keyId, kind === 'tool' ? name : undefined));
  }

  #call(request: CallRequest): RunningCall {
    const call = this.dispatcher.call(request);
    this.#options.onCall?.(call);
    return call;
  }

  /** Starts a call. Never throws: a refused call ends at once. @param keeps whether its events, where it has any, are kept. */
  start({ id, method, params }: McpRequest, plan: CallPlan, scope: RequestScope, keeps = false): ServedCall {
    const { wishes, abilities, origin, protocolVersion, sessionId } = scope;
    const streams = wishes.progressToken !== undefined || wishes.partialResultToken !== undefined;
    const { logLevel } = wishes;
    const meta = metaOf(params);
    const traceparent = meta['traceparent'] === undefined ? origin?.trace?.traceparent : undefined;
    const { callTimeoutMs, maxResultBytes: repeatBytes } = this.#options;
    const isKept = plan.kind === 'tool' && (scope.outliveMs !== undefined || (keeps && streams));
    const call = this.#call({
      kind: plan.kind,
      name: plan.name,
      arguments: plan.arguments,
      caller: scope.caller,
      streams,
      everyProgress: true,
      repeatBytes,
      requestMeta: traceparent === undefined ? meta : { traceparent, ...meta },
      abilities,
      logLevel: logLevel === undefined ? undefined : toolLogLevel(logLevel),
      timeoutMs: callTimeoutMs,
      keep: isKept
        ? {
            detachMs: scope.outliveMs,
            repeatBytes,
            comesBack: scope.comesBack ?? scope.outliveMs !== undefined,
          }
        : undefined,
      origin,
      rpc: { method, id, protocolVersion, sessionId },
      trace: readTrace(meta),
    });
    return new ServedCall(call, plan, scope.era, scope.asker, this.maxMessageBytes);
  }

  /** A call of a tool that another gateway has begun for the client. */
  goOn(call: RunningCall, era: Era, asker: Asker): ServedCall {
    this.#options.onCall?.(call);
    const plan: CallPlan = { kind: 'tool', name: call.request.name, arguments: undefined };
    return new ServedCall(call, plan, era, asker, this.maxMessageBytes);
  }

  /** Lists the resources, and what templates list; a template that cannot is named in `_meta`. */
  async #listResources(
    { id, params }: McpRequest,
    { era, caller, origin, track }: RequestScope,
    outlet: Outlet,
  ): Promise<'ended'> {
    const { maxResultBytes: repeatBytes } = this.#options;
    const catalog = this.catalogOf(caller.keyId);
    const start = (plan: CallPlan) =>
      this.#call({ ...plan, caller, origin, streams: false, repeatBytes, isListing: true });
    const listed = await listMembers(catalog.resourceListings(), { start, track, log: this.log });
    if (!listed) {
      outlet.abandon();
      return 'ended';
    }
    const { members, unlisted, failure } = listed;
    if (failure && members.length === 0 && !catalog.hasFixedResources)
      throw new McpFault(INTERNAL_ERROR, `listing resources failed: ${failure.message}`);
    const meta = failure ? JSON.stringify({ [`${META_PREFIX}unlisted`]: unlisted }) : null;
    return tell(outlet, id, era, catalog.resources(params, members), 0, meta);
  }
}

function tell(
  outlet: Outlet,
  id: MessageId,
  era: Era,
  body: string,
  ttlMs?: number,
  meta: string | null = null,
): 'ended' {
  outlet.respond(responseText(id, era.result(body, meta, ttlMs)));
  return 'ended';
}

const METHODS = new Set([
  'tools/call',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
]);

/** The wishes of a request. @param allowsPartials whether the client declared SEP-2998. */
export function wishesOf(
  { params }: McpRequest,
  logLevel: string | undefined,
  allowsPartials: boolean,
): CallWishes {
  const meta = metaOf(params);
  const { progressToken, partialResultToken } = meta;
  return {
    progressToken:
      isMessageId(progressToken) || typeof progressToken === 'number' ? progressToken : undefined,
    logLevel,
    partialResultToken: allowsPartials && isMessageId(partialResultToken) ? partialResultToken : undefined,
  };
}
