/** HTTP as a wire. */
import type { HttpSource } from '../file/server-entry.ts';
import type { OpenWire } from '../protocol/wire.ts';
export const openHttp =
  (source: HttpSource, _options: { readonly maxBytes: number }): OpenWire =>
  () => {
    throw new Error(`cannot be reached over ${source.kind} yet`);
  };
