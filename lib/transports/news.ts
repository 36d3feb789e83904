/**
 * News for MCP clients that belong to no request: a resource changed, a list changed.
 *
 * H1. The gateway puts news in (from the runner's notices and reloads); sessions and subscriptions take them out.
 */
import type { ToolNotice } from '../runners/runner.ts';

export type ListName = 'tools' | 'resources' | 'prompts';

export type News =
  | { readonly type: 'updated'; readonly uri: string }
  | { readonly type: 'list-changed'; readonly list: ListName };

export class NewsFeed {
  readonly #listeners = new Set<(news: News) => void>();

  /** A thread's notice. */
  notice(notice: ToolNotice): void {
    this.#publish(
      notice.type === 'resource-updated'
        ? { type: 'updated', uri: notice.uri }
        : { type: 'list-changed', list: 'resources' },
    );
  }

  /** A reload replaced the catalog. */
  catalogChanged(): void {
    for (const list of ['tools', 'resources', 'prompts'] as const)
      this.#publish({ type: 'list-changed', list });
  }

  /** @returns what ends the subscription. */
  subscribe(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  #publish(news: News): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}

/** Method and params of the notification that tells a client. */
export function newsMessage(news: News): { method: string; params: Record<string, unknown> } {
  return news.type === 'updated'
    ? { method: 'notifications/resources/updated', params: { uri: news.uri } }
    : { method: `notifications/${news.list}/list_changed`, params: {} };
}
