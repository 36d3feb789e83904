/**
 * What keys may use, and how often, as the dispatcher asks it.
 *
 * G1. What a key may not use is not there for it: the same refusal as for what nobody has.
 *     That holds for its earlier calls too, once the key may use less than when it made them.
 * G2. Neither that, nor what is refused before it runs, nor what a list is made of counts against a rate.
 */
import type { CallKind, Catalog, ToolDescriptor } from '../call/catalog.ts';
import { matchesName } from '../call/name-pattern.ts';
import type { CallRequest } from '../call/running-call.ts';
import { ToolError } from '../call/tool-error.ts';
import { CallRates, type Quota, type RateLimit } from './call-rates.ts';
import { toolNotFound } from './calls.ts';
import { CatalogViews } from './catalog-views.ts';
import type { KeyPolicy, KeyRules } from './key-policy.ts';

export class KeyGate {
  readonly #policy: KeyPolicy;
  readonly #toolRate: (tool: ToolDescriptor) => number;
  readonly #views = new CatalogViews();
  readonly #rates = new CallRates();

  /** @param toolRate how many calls of a tool one key may start in a second; 0: any number. */
  constructor(policy: KeyPolicy, toolRate: (tool: ToolDescriptor) => number) {
    this.#policy = policy;
    this.#toolRate = toolRate;
  }

  /** What a key sees of a catalog. */
  catalogOf(whole: Catalog, keyId: string): Catalog {
    return this.#views.catalog(whole, this.#policy.rulesOf(keyId)?.tools);
  }

  /** Whether a key may use the tool, resource or prompt of that name. */
  shows(whole: Catalog, keyId: string, name: string): boolean {
    return this.#views.shows(whole, this.#policy.rulesOf(keyId)?.tools, name);
  }

  /** Whether a key may still see calls of a tool that it has made, which may be gone from the catalog since. */
  showsCallsOf(keyId: string, tool: string): boolean {
    if (this.#policy.isRevoked(keyId)) return false;
    const patterns = this.#policy.rulesOf(keyId)?.tools;
    return patterns === undefined || patterns.some((pattern) => matchesName(pattern, tool));
  }

  /** What a call is counted against. @param tool where it is one of a tool. */
  limitsOf({ caller, isListing }: CallRequest, tool: ToolDescriptor | undefined): readonly RateLimit[] {
    return isListing ? NO_LIMITS : this.#limitsOf(caller.keyId, this.#policy.rulesOf(caller.keyId), tool);
  }

  /** What is left of the limits of a call. @param tool where it is one of a tool. */
  quotasOf(keyId: string, tool: ToolDescriptor | undefined): readonly Quota[] {
    const limits = this.#limitsOf(keyId, this.#policy.rulesOf(keyId), tool);
    return limits.length === 0 ? NO_QUOTAS : this.#rates.quotas(limits);
  }

  /** Counts a call. @param tool the one that it is for, where there is one. @returns what it is refused with. */
  refusal(
    whole: Catalog,
    { name, caller, isListing }: CallRequest,
    kind: CallKind,
    tool: ToolDescriptor | undefined,
  ): ToolError | undefined {
    const keyId: unknown = caller.keyId;
    // Such as a promise that a transport has not awaited.
    if (typeof keyId !== 'string')
      return new ToolError('unauthenticated', 'the transport does not say whose call this is (caller.keyId)');
    if (this.#policy.isRevoked(keyId))
      return new ToolError('unauthenticated', 'the API key was taken away; use another');
    const rules = this.#policy.rulesOf(keyId);
    const mayUse = this.#views.shows(whole, rules?.tools, name);
    if (kind === 'tool' && !(tool && mayUse))
      return toolNotFound(name, this.#views.catalog(whole, rules?.tools));
    if (!mayUse) return new ToolError('not_found', `there is no ${kind} ${JSON.stringify(name)}`);
    return isListing ? undefined : this.#rates.take(this.#limitsOf(keyId, rules, tool));
  }

  #limitsOf(
    keyId: string,
    rules: KeyRules | undefined,
    tool: ToolDescriptor | undefined,
  ): readonly RateLimit[] {
    const ofKey = rules?.rate ?? 0;
    const ofTool = tool ? this.#toolRate(tool) : 0;
    if (ofKey === 0 && ofTool === 0) return NO_LIMITS;
    const limits: RateLimit[] = [];
    if (ofKey > 0) limits.push({ subject: 'key', name: keyId, calls: ofKey });
    if (tool && ofTool > 0) limits.push({ subject: 'tool', name: `${tool.name} ${keyId}`, calls: ofTool });
    return limits;
  }
}

const NO_LIMITS: readonly RateLimit[] = [];
const NO_QUOTAS: readonly Quota[] = [];
