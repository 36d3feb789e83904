/**
 * News that belong to no call: a resource changed, a list changed.
 *
 * N1. The gateway puts news in (from the runner's notices and reloads); transports whose clients may be told take
 *     them out.
 */
import type { ToolNotice } from '../runners/runner.ts';

export type ListName = 'tools' | 'resources' | 'prompts';

export type News =
  | { readonly type: 'updated'; readonly uri: string }
  | {
      readonly type: 'list-changed';
      readonly list: ListName;
      /** Whose list it is; absent: everybody's. */
      readonly keyIds?: ReadonlySet<string>;
    };

/** The end at which news come out. */
export interface NewsSource {
  /** @returns what ends the subscription. */
  subscribe(listener: (news: News) => void): () => void;
}

export class NewsFeed implements NewsSource {
  readonly #listeners = new Set<(news: News) => void>();

  /** A thread's notice. */
  notice(notice: ToolNotice): void {
    this.#publish(
      notice.type === 'resource-updated'
        ? { type: 'updated', uri: notice.uri }
        : { type: 'list-changed', list: 'resources' },
    );
  }

  /** A reload replaced the catalog. @param keyIds where only what these keys see of it has changed. */
  catalogChanged(keyIds?: ReadonlySet<string>): void {
    for (const list of ['tools', 'resources', 'prompts'] as const)
      this.#publish({ type: 'list-changed', list, ...(keyIds && { keyIds }) });
  }

  subscribe(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(news: News): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}
