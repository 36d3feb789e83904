/**
 * Reads a response body as server-sent events, independently of what the gateway uses to write them.
 */
export interface SentEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly data: any;
}

export async function* readEvents(
  body: AsyncIterable<Uint8Array> | null,
): AsyncGenerator<SentEvent, void, void> {
  if (!body) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const [id = '', event, data] = [fields.get('id'), fields.get('event'), fields.get('data')];
      if (event !== undefined && data !== undefined) yield { id, event, data: JSON.parse(data) };
    }
  }
}
