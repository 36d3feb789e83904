/**
 * Marks what this package defines, so that a definition made by another copy of it is still recognised.
 */

export type BrandedKind = 'tool' | 'resource' | 'prompt' | 'content';

const symbolOf = (kind: BrandedKind): symbol => Symbol.for(`mcp-streaming-gateway.${kind}`);

/** Marks `value` in place (not enumerable) and returns it. */
export function brand<T extends object>(kind: BrandedKind, value: T): T {
  return Object.defineProperty(value, symbolOf(kind), { value: true });
}

export function isBranded(kind: BrandedKind, value: unknown): value is object {
  return typeof value === 'object' && value !== null && symbolOf(kind) in value;
}
