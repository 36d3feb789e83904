/**
 * The members of resource templates, as one list: each template lists its own, by a call of its own.
 *
 * M1. A template that cannot list is logged and left out: the others are listed all the same.
 */
import type { ResultEvent } from '../../../call/call-events.ts';
import type { RunningCall } from '../../../call/running-call.ts';
import type { ToolError } from '../../../call/tool-error.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import type { CallPlan } from '../mcp-catalog.ts';
import type { ServedCall } from './served-call.ts';

export interface ListingContext {
  start(plan: CallPlan): RunningCall;
  /** Told, before anything is awaited, how the calls are cancelled. */
  track(served: Pick<ServedCall, 'drop'>): void;
  readonly log: TransportLog;
}

export interface ListedMembers {
  /** As JSON texts. */
  readonly members: readonly string[];
  /** The names of templates that could not list. */
  readonly unlisted: readonly string[];
  /** Why one of them could not. */
  readonly failure: ToolError | undefined;
}

/** @returns null when the client cancelled the request. */
export async function listMembers(
  plans: readonly CallPlan[],
  { start, track, log }: ListingContext,
): Promise<ListedMembers | null> {
  const calls = plans.map(start);
  let isDropped = false;
  const drop = (reason: 'cancelled' | 'slow_consumer' = 'cancelled') => {
    isDropped = true;
    for (const call of calls) call.cancel(reason);
  };
  track({ drop });
  const ends = await Promise.all(calls.map((call) => call.outcome()));
  if (isDropped) return null;
  const members: string[] = [];
  const unlisted: string[] = [];
  let failure: ToolError | undefined;
  for (const [at, end] of ends.entries()) {
    if (end.type === 'result') {
      for (const member of membersOf(end)) members.push(member);
      continue;
    }
    failure = end.error;
    const resource = plans[at]?.name ?? '';
    unlisted.push(resource);
    log('warning', 'a resource template could not list its members', { resource, reason: failure.message });
  }
  return { members, unlisted, failure };
}

function membersOf({ data }: ResultEvent): readonly string[] {
  const { resources } = JSON.parse(data ?? '{"resources":[]}') as { resources: readonly unknown[] };
  return resources.map((resource) => JSON.stringify(resource));
}
