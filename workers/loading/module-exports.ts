/**
 * Definitions among what a module exports: under any name, alone, in arrays, or in plain objects, such as the whole of
 * a CommonJS module, which is its default export.
 */
import { isBranded } from '../../lib/tool/brand.ts';

const isDefinition = (value: unknown): value is object =>
  isBranded('tool', value) || isBranded('resource', value) || isBranded('prompt', value);

/** A CommonJS module compiled from TypeScript has its default export, which may hold a list, as a member of its own. */
const DEPTH = 5;

export function definitionsIn(exports: Readonly<Record<string, unknown>>): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const seen = new Set<unknown>();
  const collect = (value: unknown, depth: number): void => {
    if (isDefinition(value)) found.add(value);
    else if (depth > 0 && !seen.has(value)) {
      seen.add(value);
      for (const one of membersOf(value)) collect(one, depth - 1);
    }
  };
  collect(exports, DEPTH);
  return found;
}

/** What an array or a plain object holds. */
function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return [];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return [];
  try {
    return Object.values(value);
  } catch {
    return []; // a getter of its own: nothing that an author would put a tool behind
  }
}

/** The name of an export that has all of a tool but is none; undefined where there is no such. */
export function almostTool(exports: Readonly<Record<string, unknown>>): string | undefined {
  const isAlmost = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null || isDefinition(value)) return false;
    const { name, run } = value as { readonly name?: unknown; readonly run?: unknown };
    return typeof name === 'string' && typeof run === 'function';
  };
  return Object.keys(exports).find((name) => isAlmost(exports[name]));
}
