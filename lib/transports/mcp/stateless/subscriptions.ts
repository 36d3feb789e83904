/**
 * `subscriptions/listen` of the stateless era: a response stream that carries the news a client asked for.
 *
 * S1. The first message says which of the asked kinds are served; every message names its subscription.
 * S2. Bounded in number, where a key with many yields its newest to one with fewer (access/fair-shares.ts); a reader that is behind misses news rather than filling memory: they only say that
 *     something changed.
 */

import { FairShares } from '../../../access/fair-shares.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { ListName, News } from '../../news.ts';
import { META_SUBSCRIPTION } from '../era.ts';
import { INVALID_PARAMS, McpFault, refusalFault } from '../fault.ts';
import { isObject, jsonText, type McpRequest, type Params, responseText } from '../message.ts';
import { newsMessage } from '../news-message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService } from '../service.ts';
import { type ExtensionTasks, requireTasks, taskNotification } from './extension-tasks.ts';

const MAX_SUBSCRIPTIONS = 1024;
const MAX_URIS = 1000;

/** Who asks for a subscription. */
export interface Subscriber {
  readonly keyId: string;
  /** What its client declares. */
  readonly capabilities: Params;
  /** Is given what ends the subscription when its client leaves or cancels. */
  readonly track: (drop: () => void) => void;
}

interface OpenSubscription {
  readonly keyId: string;
  /** Answers its request, and is over. */
  end(): void;
}

export class Subscriptions {
  readonly #service: McpService;
  readonly #tasks: ExtensionTasks;
  readonly #max: number;
  readonly #open = new Set<OpenSubscription>();
  readonly #shares = new FairShares();

  /** @param max how many may be open. */
  constructor(service: McpService, tasks: ExtensionTasks, max = MAX_SUBSCRIPTIONS) {
    this.#service = service;
    this.#tasks = tasks;
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws {McpFault} for a request that is none, or asks for tasks without declaring them. */
  open({ id, params }: McpRequest, { keyId, capabilities, track }: Subscriber, outlet: Outlet): void {
    const wanted = params['notifications'];
    if (!isObject(wanted))
      throw new McpFault(INVALID_PARAMS, 'subscriptions/listen needs "notifications", an object');
    if (wanted['taskIds'] !== undefined) requireTasks(capabilities);
    if (this.#open.size >= this.#max) this.#makeRoom(keyId);
    const filter = this.#honoured(wanted, keyId);
    const meta = jsonText({ [META_SUBSCRIPTION]: id });
    const send = (method: string, more: Params) => {
      const tagged = { ...more, _meta: { [META_SUBSCRIPTION]: id } };
      outlet.send(jsonText({ jsonrpc: '2.0', method, params: tagged }));
    };
    send('notifications/subscriptions/acknowledged', { notifications: filter });
    const end = (): void => {
      if (!this.#forget(subscription)) return;
      unsubscribe();
      outlet.respond(responseText(id, this.#service.statelessEra.result('', meta)));
    };
    const uris = new Set(filter.resourceSubscriptions);
    const endNews = this.#service.onNews(keyId, (news) => {
      if (!accepts(filter, uris, news) || outlet.ready()) return;
      const { method, params: told } = newsMessage(news);
      send(method, told);
    });
    const endTasks = this.#tasks.follow(filter.taskIds ?? [], (members) => {
      if (!outlet.ready()) outlet.send(taskNotification(members, meta));
    });
    const catalog = this.#service.catalogOf(keyId);
    // A resource that the key may not see is asked of nobody.
    const seen = [...uris].filter((uri) => catalog.resourceOf(uri) !== undefined);
    const endWatches = seen.map((uri) => this.#service.dispatcher.watch(uri));
    const unsubscribe = () => {
      for (const endWatch of endWatches) endWatch();
      endNews();
      endTasks();
    };
    const subscription = { keyId, end };
    this.#open.add(subscription);
    this.#shares.add(keyId);
    track(() => {
      if (!this.#forget(subscription)) return;
      unsubscribe();
      outlet.abandon();
    });
    if (Object.keys(filter).length === 0) end();
  }

  /** Ends every stream with its response. */
  close(): void {
    for (const { end } of [...this.#open]) end();
  }

  /** Ends those of keys that were taken away. */
  endOf(keyIds: ReadonlySet<string>): void {
    for (const { keyId, end } of [...this.#open]) if (keyIds.has(keyId)) end();
  }

  #forget(subscription: OpenSubscription): boolean {
    if (!this.#open.delete(subscription)) return false;
    this.#shares.remove(subscription.keyId);
    return true;
  }

  /** @throws {McpFault} when no key has to yield a subscription to one of `keyId`. */
  #makeRoom(keyId: string): void {
    const greediest = this.#shares.whoYieldsTo(keyId);
    const newest = [...this.#open].findLast((one) => one.keyId === greediest);
    if (newest) return newest.end();
    const error = new ToolError('overloaded', 'too many subscriptions are open', { retryAfterMs: 5000 });
    throw refusalFault(error);
  }

  #honoured(wanted: Params, keyId: string): Filter {
    const { capabilities } = this.#service;
    const filter: { -readonly [K in keyof Filter]: Filter[K] } = {};
    for (const list of ['tools', 'resources', 'prompts'] as const) {
      if (wanted[`${list}ListChanged`] === true && capabilities[list]?.['listChanged']) {
        filter[`${list}ListChanged`] = true;
      }
    }
    const { taskIds } = wanted;
    const known = Array.isArray(taskIds) ? this.#tasks.known(taskIds.slice(0, MAX_URIS), keyId) : [];
    if (known.length > 0) filter.taskIds = known;
    const uris = wanted['resourceSubscriptions'];
    if (Array.isArray(uris) && uris.length > 0) {
      filter.resourceSubscriptions = uris.filter((uri) => typeof uri === 'string').slice(0, MAX_URIS);
    }
    return filter;
  }
}

type Filter = { readonly [K in `${ListName}ListChanged`]?: boolean } & {
  readonly resourceSubscriptions?: readonly string[];
  readonly taskIds?: readonly string[];
};

function accepts(filter: Filter, uris: ReadonlySet<string>, news: News): boolean {
  return news.type === 'updated' ? uris.has(news.uri) : filter[`${news.list}ListChanged`] === true;
}
