/** News as MCP tells them. */
import type { News } from '../news.ts';

/** Method and params of the notification that tells a client. */
export function newsMessage(news: News): { method: string; params: Record<string, unknown> } {
  return news.type === 'updated'
    ? { method: 'notifications/resources/updated', params: { uri: news.uri } }
    : { method: `notifications/${news.list}/list_changed`, params: {} };
}
