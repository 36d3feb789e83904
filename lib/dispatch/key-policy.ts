/** What the dispatcher is told of the keys that calls come with; who they are, and how they are proven, is not its business. */

export interface KeyRules {
  /**
   * Patterns (call/name-pattern.ts) of the tools, resources and prompts that the key may use; undefined: all. The same
   * array for as long as it holds, since what they leave of a catalog is kept by it.
   */
  readonly tools: readonly string[] | undefined;
  /** Calls that the key may start in a second; 0: any number. */
  readonly rate: number;
}

export interface KeyPolicy {
  /** Undefined for callers that no rules are for, such as the code around the gateway. */
  rulesOf(keyId: string): KeyRules | undefined;
  /** Whether the key was taken away while the gateway ran. */
  isRevoked(keyId: string): boolean;
}

/** Where nobody has keys. */
export const NO_POLICY: KeyPolicy = { rulesOf: () => undefined, isRevoked: () => false };
