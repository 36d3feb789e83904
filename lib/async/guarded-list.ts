/**
 * Listeners that can do no harm.
 *
 * G1. What a listener throws, or its promise rejects with, goes no further than this list. It is counted; the first
 *     failure of each hook is told to `onFailure`, so that one that always fails does not flood the log.
 * G2. Listeners of a hook are found once, when they are added: telling a hook that nobody listens to costs a look-up.
 */
type Hook<Listener> = keyof Listener & string;
/** What a hook is told; undefined where it takes nothing. */
type EventOf<Method> =
  NonNullable<Method> extends (...event: infer Event extends readonly unknown[]) => void ? Event[0] : never;
type Told = (event: unknown) => unknown;
type ToldByHook<Listener> = Record<Hook<Listener>, readonly Told[]>;

export class GuardedList<Listener extends object> {
  readonly #told: ToldByHook<Listener>;
  readonly #failures = new Map<string, number>();
  readonly #onFailure: (hook: Hook<Listener>, error: unknown) => void;

  /** @param hooks all that `Listener` has. @param onFailure told of the first failure of each hook; must not throw. */
  constructor(hooks: readonly Hook<Listener>[], onFailure: (hook: Hook<Listener>, error: unknown) => void) {
    this.#told = Object.fromEntries(hooks.map((hook) => [hook, []])) as unknown as ToldByHook<Listener>;
    this.#onFailure = onFailure;
  }

  /** @returns what takes the listener out again. */
  add(listener: Listener): () => void {
    const added = new Map<Hook<Listener>, Told>();
    for (const hook of Object.keys(this.#told) as Hook<Listener>[]) {
      const method = listener[hook];
      if (typeof method !== 'function') continue;
      const told: Told = method.bind(listener);
      added.set(hook, told);
      this.#told[hook] = [...this.#told[hook], told];
    }
    return () => {
      for (const [hook, told] of added) this.#told[hook] = this.#told[hook].filter((other) => other !== told);
    };
  }

  /** Whether anybody listens to the hook. */
  has(hook: Hook<Listener>): boolean {
    return this.#told[hook].length > 0;
  }

  /** Tells everybody who listens to the hook; never throws. */
  tell<Name extends Hook<Listener>>(hook: Name, event: EventOf<Listener[Name]>): void {
    for (const told of this.#told[hook]) {
      try {
        const answer = told(event);
        if (answer !== undefined) this.#await(hook, answer);
      } catch (error) {
        this.#failed(hook, error);
      }
    }
  }

  /** How often listeners have failed, by hook; hooks without a failure are left out. */
  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures);
  }

  /** Listeners promise nothing, but an `async` one gives a promise all the same. */
  #await(hook: Hook<Listener>, answer: unknown): void {
    if (typeof (answer as PromiseLike<unknown> | null)?.then !== 'function') return;
    Promise.resolve(answer).catch((error: unknown) => this.#failed(hook, error));
  }

  #failed(hook: Hook<Listener>, error: unknown): void {
    const before = this.#failures.get(hook) ?? 0;
    this.#failures.set(hook, before + 1);
    if (before === 0) this.#onFailure(hook, error);
  }
}
