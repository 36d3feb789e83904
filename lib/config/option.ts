/**
 * One option as a room declares it, in a file `options.ts` beside the code that it sets.
 *
 * O1. The name of an option is the field of `Config`; durations end in Ms, sizes in Bytes.
 * O2. A default is written as a user would write it, and read by the same code.
 * O3. Files of options load no package: the command line reads them before anything else.
 */
import type { ValueKind } from './value-kind.ts';

export interface Option<T> {
  readonly env: string;
  /** Absent: the option has no flag, since a command line is seen by everybody on the machine. */
  readonly flag?: string;
  readonly kind: ValueKind<T>;
  /** Text, or a way to find it out, with the words that stand for it in tables. */
  readonly default: string | { readonly words: string; find(env: NodeJS.ProcessEnv): string };
  /** What the option does, in one sentence. */
  readonly summary: string;
  /** Why the default is what it is. */
  readonly reason: string;
  /** True: the value is never printed. */
  readonly secret?: boolean;
  /** True: an empty variable is a bad value instead of an absent one. */
  readonly refusesEmpty?: boolean;
}

/** Infers the type of a declared option. */
export const option = <T>(declared: Option<T>): Option<T> => declared;

/** A room's options, by the field of `Config`. */
export type OptionTable = Readonly<Record<string, Option<never>>>;

/** The values of a table of options. */
export type ValuesOf<T> = { readonly [N in keyof T]: T[N] extends Option<infer V> ? V : never };

/** What options must be together, beyond what each must be alone. */
export interface Rule<C extends object = never> {
  /** The options that it is about: where one of them has a value that is refused, the rule is not asked. */
  readonly about: readonly (keyof C)[];
  /** True: it matters to a gateway that opens a port only; `stdio`, `tools` and `call` start all the same. */
  readonly whenListening?: boolean;
  /** True: it matters to a gateway without runners of its user's own, which is any that a program starts. */
  readonly whenAlone?: boolean;
  /** @returns the sentence that says what is wrong, what was expected, and what to write instead. */
  refusal(config: C): string | undefined;
}
