/**
 * What goes to the log: one line of each call when it has ended, what its tool logged, what became of a runner's
 * parts, and what went wrong in the gateway itself.
 *
 * C1. A call is one line, at INFO where it succeeded or its caller was at fault, graver otherwise.
 * C2. The cause of a failure, stack included, is here and with observers in code; no client ever sees it.
 */

import { BoundedLines } from '../async/bounded-lines.ts';
import type { ErrorEvent, TerminalEvent } from '../call/call-events.ts';
import type { Caller } from '../call/caller.ts';
import type { CallKind } from '../call/catalog.ts';
import { ERROR_CODES, type ErrorCode } from '../call/error-code.ts';
import type { RequestOrigin, RpcOrigin } from '../call/running-call.ts';
import { describeThrown } from '../call/tool-error.ts';
import { type TraceContext, traceIdOf } from '../call/trace-context.ts';
import type { Defect, ToolLogRecord, UnitEvent } from '../runners/runner.ts';
import type { Logger } from './logger.ts';

/** A call that has ended. */
export interface EndedCall {
  readonly callId: string;
  readonly kind: CallKind;
  readonly name: string;
  readonly caller: Caller;
  readonly origin?: RequestOrigin | undefined;
  readonly rpc?: RpcOrigin | undefined;
  /** Whether its tool has run. */
  readonly hasRun?: boolean;
  readonly trace?: TraceContext | undefined;
  readonly end: TerminalEvent;
  /** How often its tool was run again after a crash. */
  readonly retries?: number;
}

/**
 * Makes the log of calls. Of those that are refused before they run ten lines a second of each code are written, then
 * one with the number of the others.
 */
export function callLog(logger: Logger): (call: EndedCall) => void {
  const refused = new BoundedLines((status, untold) =>
    logger[levelOf(status as ErrorCode)]({ status, untold }, 'more calls were refused'),
  );
  return (call) => {
    if (!isRefused(call.end) || refused.passes(call.end.error.code)) logCall(logger, call);
  };
}

/** Whether nothing of the call ever ran. */
const isRefused = (end: TerminalEvent): end is ErrorEvent =>
  end.type === 'error' && end.chunks === 0 && (end.durationMs === 0 || end.error.code === 'overloaded');

export function logCall(
  logger: Logger,
  { callId, kind, name, caller, origin, trace, end, retries }: EndedCall,
): void {
  const isCallersFault = end.type === 'error' && ERROR_CODES[end.error.code].fault === 'caller';
  // Member by member: of every call there is a line, and spreads cost more than the line.
  const line: Record<string, unknown> = { callId };
  if (origin) line['requestId'] = origin.requestId;
  if (trace) line['traceId'] = traceIdOf(trace);
  if (origin && isCallersFault) line['address'] = origin.address;
  line[kind] = name;
  line['transport'] = caller.transport;
  line['key'] = caller.keyId;
  line['status'] = end.type === 'result' ? 'success' : end.error.code;
  line['durationMs'] = Math.round(end.durationMs * 100) / 100;
  line['chunks'] = end.chunks;
  if (retries !== undefined) line['retries'] = retries;
  if (end.type === 'result') {
    logger.info(line, 'call');
    return;
  }
  const { error } = end;
  const { cause } = error;
  const stack =
    cause === undefined
      ? {}
      : { err: { type: error.name, message: error.message, stack: describeThrown(cause) } };
  logger[levelOf(error.code)]({ ...line, ...stack }, `call: ${error.message}`);
}

/** Crashes and our own faults want a person; a failed tool wants its author; the rest is a caller's business. */
function levelOf(code: ErrorCode): 'info' | 'warn' | 'error' {
  if (code === 'internal' || code === 'worker_crashed' || code === 'worker_out_of_memory') return 'error';
  return ERROR_CODES[code].fault === 'caller' ? 'info' : 'warn';
}

const METHODS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error' } as const;

/** Logs what a tool logged or printed. `data` is JSON text, and stays what it is. */
export function logToolRecord(logger: Logger, { callId, tool, level, message, data }: ToolLogRecord): void {
  const line = {
    ...(callId === null ? {} : { callId }),
    ...(tool === null ? {} : { tool }),
    ...(data === undefined ? {} : { data: parsed(data) }),
  };
  logger[METHODS[level]](line, message);
}

/** Logs what happened to a thread, or another part of a runner. */
const MOST_A_MINUTE = 20;

/**
 * Makes the log of what happens to threads and the like. Trouble of one kind is told 20 times a minute at most; the next
 * line after that says how much there was in between.
 */
export function unitLog(logger: Logger, now = () => performance.now()): (event: UnitEvent) => void {
  const troubles = new Map<string, { since: number; told: number; untold: number }>();
  return ({ unit, id, kind, isTrouble, detail }) => {
    const text = `${unit} ${kind}`;
    if (!isTrouble) return logger.debug({ [unit]: id, detail }, text);
    const trouble = troubles.get(text) ?? { since: now(), told: 0, untold: 0 };
    troubles.set(text, trouble);
    if (now() - trouble.since >= 60_000) Object.assign(trouble, { since: now(), told: 0 });
    if (++trouble.told > MOST_A_MINUTE) {
      trouble.untold++;
      return;
    }
    const { untold } = trouble;
    trouble.untold = 0;
    logger.warn({ [unit]: id, detail, ...(untold === 0 ? {} : { untold }) }, text);
  };
}

/** Logs what must not have happened, with all that is known of it. */
export function logDefect(logger: Logger, { during, error, callId }: Defect): void {
  const err = error instanceof Error ? error : new Error(describeThrown(error));
  logger.error({ ...(callId === null ? {} : { callId }), err }, `a defect of the gateway: ${during} failed`);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
