/**
 * Marks what this package defines, so that a definition made by another copy of it is still recognised.
 */

export type BrandedKind = 'tool' | 'resource' | 'prompt' | 'content';

const symbolOf = (kind: BrandedKind): symbol => Symbol.for(`mcp-streaming-gateway.${kind}`);

/** Made when this is loaded: on a thread, a tool may replace `Symbol.for`. */
const SYMBOLS: Readonly<Record<BrandedKind, symbol>> = {
  tool: symbolOf('tool'),
  resource: symbolOf('resource'),
  prompt: symbolOf('prompt'),
  content: symbolOf('content'),
};

/** Marks `value` in place (not enumerable) and returns it. */
export function brand<T extends object>(kind: BrandedKind, value: T): T {
  return Object.defineProperty(value, SYMBOLS[kind], { value: true });
}

export function isBranded(kind: BrandedKind, value: unknown): value is object {
  return typeof value === 'object' && value !== null && SYMBOLS[kind] in value;
}
