/**
 * Map and Set with methods of their own: on a thread, tools may replace those of the built-in prototypes.
 *
 * O1. The methods are copied when this is loaded, which is before any tool module is. `forEach` walks them; iterators,
 *     whose prototypes a tool can reach, do not.
 */
export class OwnMap<K, V> extends Map<K, V> {}
export class OwnSet<V> extends Set<V> {}

for (const { prototype } of [OwnMap, OwnSet]) {
  const inherited = Object.getPrototypeOf(prototype);
  for (const key of Reflect.ownKeys(inherited)) {
    const method = Reflect.getOwnPropertyDescriptor(inherited, key);
    if (key !== 'constructor' && method) Reflect.defineProperty(prototype, key, method);
  }
  Object.setPrototypeOf(prototype, null);
}
