/**
 * Carries an operation to its end: one result of a query or a mutation, one for each event of a subscription.
 *
 * R1. The next event is asked for when the reader has taken the result of the one before: back-pressure reaches the tool.
 * R2. A subscription is read to its end even when its client has left, since the end of a call frees what it holds; the
 *     call is cancelled then (operation.ts).
 */
import { type ExecutionResult, execute, OperationTypeNode, subscribe } from 'graphql';
import type { TransportLog } from '../../rendering/transport-log.ts';
import { resultText } from '../schema/json-text.ts';
import type { CheckedDocument } from './documents.ts';
import { withCodes } from './graphql-error.ts';
import type { Operation } from './operation.ts';
import type { RequestParams } from './request-params.ts';

export interface Execution {
  readonly checked: CheckedDocument;
  readonly params: RequestParams;
  readonly operation: Operation;
  readonly log: TransportLog;
}

export interface OperationResult {
  /** As JSON. */
  readonly text: string;
  /** False: nothing was executed, since the variables are wrong. */
  readonly isExecuted: boolean;
}

/** Where results go. */
export interface ResultSink {
  /** Settles when the reader is ready for another, or has left. */
  next(result: string): Promise<void>;
}

/** The one result of a query or a mutation. */
export async function executeOnce({ checked, params, operation, log }: Execution): Promise<OperationResult> {
  return rendered(await execute(executionArgs(checked, params, operation)), log);
}

/** Tells all results of an operation. */
export async function runOperation(execution: Execution, sink: ResultSink): Promise<void> {
  const { checked, params, operation, log } = execution;
  if (checked.kind !== OperationTypeNode.SUBSCRIPTION) return sink.next((await executeOnce(execution)).text);
  const results = await subscribe(executionArgs(checked, params, operation));
  if (!(Symbol.asyncIterator in results)) return sink.next(rendered(results, log).text);
  for await (const result of results) await sink.next(rendered(result, log).text);
}

const executionArgs = (
  { schema, document }: CheckedDocument,
  { variables, operationName }: RequestParams,
  operation: Operation,
) => ({
  schema,
  document,
  contextValue: operation,
  variableValues: variables ?? null,
  operationName: operationName ?? null,
});

function rendered({ data, errors }: ExecutionResult, log: TransportLog): OperationResult {
  return { text: resultText(data, withCodes(errors, log)), isExecuted: data !== undefined };
}
