/** Puts a method of ours in the place of a built-in one, declared as that was. Before any tool loads. */
import { defineProperty, getOwnPropertyDescriptor } from './captured.ts';

/** @param method an object with a method of that name. */
export function replaceMethod(owner: object, name: string, method: Record<string, unknown>): void {
  const before = getOwnPropertyDescriptor(owner, name);
  const { length } = (before?.value ?? {}) as { length?: number };
  defineProperty(method[name] as object, 'length', { configurable: true, value: length ?? 0 });
  defineProperty(owner, name, { ...before, value: method[name] });
}
