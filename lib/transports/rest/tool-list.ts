/** `GET /tools`: the catalog as clients see it, rendered once per catalog. */
import type { Catalog, ToolDescriptor } from '../../call/catalog.ts';

const rendered = new WeakMap<Catalog, string>();

export function renderToolList(catalog: Catalog): string {
  let text = rendered.get(catalog);
  if (text === undefined) {
    text = JSON.stringify({ tools: catalog.tools.map(advertised) });
    rendered.set(catalog, text);
  }
  return text;
}

/** The public fields, in the documented order; absent ones stay absent. */
const advertised = (tool: ToolDescriptor) => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: tool.inputSchema,
  outputSchema: tool.outputSchema,
  chunkSchema: tool.chunkSchema,
  annotations: tool.annotations,
});
